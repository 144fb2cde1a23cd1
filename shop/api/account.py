"""Who is signed in."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from shop.api.headless import ReauthenticationRequired, require_reauthentication
from shop.api.schema import refusals
from shop.api.shapes import Strict
from shop.api.views import ApiView
from shop.orders.services import claimable_by
from shop.privacy.deletion import OrdersUnderWay, StaffAccount, delete_account


class AccountSerializer(serializers.Serializer):
    email = serializers.EmailField(help_text="The primary one, to sign in with.")
    email_verified = serializers.BooleanField()
    first_name = serializers.CharField(allow_blank=True)
    last_name = serializers.CharField(allow_blank=True)
    joined_at = serializers.DateTimeField()
    second_factor = serializers.BooleanField(help_text="Whether sign-in asks for a code.")
    claimable_orders = serializers.IntegerField(
        min_value=0,
        help_text="How many orders were made with its confirmed addresses without signing in, and may be claimed.",
    )


class NamesSerializer(Strict):
    first_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=150, required=False, allow_blank=True)


class AccountView(ApiView):
    @extend_schema(operation_id="account", responses=AccountSerializer)
    def get(self, request: Request) -> Response:
        """Who is signed in."""
        return Response(_told(request.user))  # type: ignore[arg-type]

    @extend_schema(
        operation_id="change_account",
        request=NamesSerializer,
        responses=AccountSerializer,
        examples=[OpenApiExample("Names", {"first_name": "Nora", "last_name": "Byrne"}, request_only=True)],
    )
    def patch(self, request: Request) -> Response:
        """Change the name. What is left out stays; an e-mail address is changed under `account/emails/`."""
        names = NamesSerializer.read(request)
        user: Any = request.user
        for field, value in names.items():
            setattr(user, field, value)
        if names:
            user.save(update_fields=list(names))
        return Response(_told(user))

    @extend_schema(
        operation_id="delete_account",
        responses={204: None, **refusals(ReauthenticationRequired, OrdersUnderWay, StaffAccount)},
    )
    def delete(self, request: Request) -> Response:
        """Close the account and have its owner forgotten; it cannot be undone.

        Reauthenticate first. Cart, addresses, alerts, messages and devices go; orders and invoices stay as long as
        the law wants them, and belong to nobody. Refused while something is on its way.
        """
        require_reauthentication(request)
        delete_account(request.user)  # type: ignore[arg-type]
        return Response(status=204)


def _told(user: User) -> dict[str, Any]:
    told = {
        "email": user.email,
        "email_verified": EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists(),
        "first_name": user.first_name,
        "last_name": user.last_name,
        "joined_at": user.date_joined,
        "second_factor": Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists(),
        "claimable_orders": claimable_by(user).count(),
    }
    return AccountSerializer(told).data
