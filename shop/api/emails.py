"""The e-mail addresses of an account. One of them, the primary one, is what its owner signs in with."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.headless.account import views as account
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shop.api.authentication import session_key_of
from shop.api.headless import (
    EntranceView,
    OwnView,
    PrimaryEmailStays,
    ReauthenticationRequired,
    TooManyAttempts,
    app_view,
    ask,
)
from shop.api.schema import refusals
from shop.api.shapes import Strict
from shop.errors import ShopError, TooOften
from shop.orders.services import EmailNotVerified

MANAGE, VERIFY = app_view(account.ManageEmailView), app_view(account.VerifyEmailView)
EMAIL_ID = OpenApiParameter("email_id", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH)


class EmailConfirmed(ShopError):
    code = "email_confirmed"
    message = "This address is confirmed already."


class SentAlready(TooOften):
    code = "sent_already"
    message = "We sent one a moment ago. Please wait three minutes."
    retry_after = 3 * 60


class EmailSerializer(serializers.ModelSerializer):
    class Meta:
        model = EmailAddress
        fields = ("id", "email", "verified", "primary")


class EmailsSerializer(serializers.Serializer):
    results = EmailSerializer(many=True)


class NewEmailSerializer(Strict):
    email = serializers.EmailField(max_length=254)


class KeySerializer(Strict):
    key = serializers.CharField(max_length=200, help_text="The last part of the address in the e-mail.")


class EmailsView(OwnView):
    @extend_schema(operation_id="list_emails", responses=EmailsSerializer)
    def get(self, request: Request) -> Response:
        """The e-mail addresses of the account, the primary one first."""
        return _all(request)

    @extend_schema(
        operation_id="add_email",
        request=NewEmailSerializer,
        responses={201: EmailsSerializer, **refusals(ReauthenticationRequired, TooManyAttempts)},
        examples=[OpenApiExample("Address", {"email": "ada@work.example.com"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Add an address. A link to confirm it goes out by e-mail; the answer has all addresses."""
        ask(MANAGE, request, NewEmailSerializer.read(request), session_key=session_key_of(request))
        return _all(request, 201)


class EmailView(OwnView):
    @extend_schema(
        operation_id="remove_email",
        parameters=[EMAIL_ID],
        responses={204: None, **refusals(ReauthenticationRequired, PrimaryEmailStays, TooManyAttempts)},
    )
    def delete(self, request: Request, email_id: int) -> Response:
        """Remove an address. The primary one stays while there is another."""
        email = _own(request, email_id).email
        ask(MANAGE, request, {"email": email}, method="DELETE", session_key=session_key_of(request))
        return Response(status=204)


class PrimaryView(OwnView):
    @extend_schema(
        operation_id="make_email_primary",
        parameters=[EMAIL_ID],
        request=None,
        responses={
            200: EmailsSerializer,
            **refusals(ReauthenticationRequired, EmailNotVerified, TooManyAttempts),
        },
    )
    def post(self, request: Request, email_id: int) -> Response:
        """Sign in with this address from now on. It has to be confirmed."""
        email = _own(request, email_id)
        if not email.verified:  # it might be another account's, to which allauth takes a first one unseen
            raise EmailNotVerified("Please confirm this address first.")
        body = {"email": email.email, "primary": True}
        ask(MANAGE, request, body, method="PATCH", session_key=session_key_of(request))
        return _all(request)


class ConfirmationView(OwnView):
    limit = "sign-in"

    @extend_schema(
        operation_id="send_email_confirmation",
        parameters=[EMAIL_ID],
        request=None,
        responses={202: None, **refusals(EmailConfirmed, TooManyAttempts, SentAlready)},
    )
    def post(self, request: Request, email_id: int) -> Response:
        """Have the link that confirms an address sent again, once in three minutes."""
        email = _own(request, email_id)
        if email.verified:
            raise EmailConfirmed
        body = {"email": email.email}
        key = session_key_of(request)
        answer = ask(MANAGE, request, body, method="PUT", session_key=key, expect=(200, 403))
        if answer.status == 403:
            raise SentAlready
        return Response(status=202)


class VerifyView(EntranceView):
    @extend_schema(
        operation_id="verify_email",
        request=KeySerializer,
        responses={204: None, **refusals(TooManyAttempts)},
        examples=[OpenApiExample("Key", {"key": "MTI:1vQZ8c:kX3r-0f1Yd2b"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Confirm an address with the key from the e-mail; nobody needs to be signed in.

        A key that was used or is too old is 422 at `/key`.
        """
        ask(VERIFY, request, KeySerializer.read(request), expect=(200, 401))
        return Response(status=204)


def _own(request: Request, email_id: int) -> EmailAddress:
    return get_object_or_404(EmailAddress, user=request.user, pk=email_id)


def _all(request: Request, status: int = 200) -> Response:
    rows: Any = EmailAddress.objects.filter(user=request.user).order_by("-primary", "pk")  # type: ignore[misc]
    return Response(EmailsSerializer({"results": rows}).data, status=status)
