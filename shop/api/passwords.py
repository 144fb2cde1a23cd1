"""Passwords: forgotten, set anew, changed, and asked for once more."""

from __future__ import annotations

from allauth.headless.account import views as account
from allauth.headless.mfa import views as mfa
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.devices import new_tokens
from shop.api.auth import Password, TokensSerializer, pair_of
from shop.api.authentication import session_key_of
from shop.api.headless import EntranceView, OwnView, TooManyAttempts, app_view, ask
from shop.api.refusals import Unfit
from shop.api.schema import refusals
from shop.api.shapes import Strict

FORGOT, RESET = app_view(account.RequestPasswordResetView), app_view(account.ResetPasswordView)
CHANGE, BY_PASSWORD = app_view(account.ChangePasswordView), app_view(account.ReauthenticateView)
BY_CODE = app_view(mfa.ReauthenticateView)


class ForgottenSerializer(Strict):
    email = serializers.EmailField(max_length=254)


class ResetSerializer(Strict):
    key = serializers.CharField(max_length=128, help_text="The last part of the address in the e-mail.")
    password = Password()


class ChangeSerializer(Strict):
    current_password = Password()
    new_password = Password()


class ReauthenticateSerializer(Strict):
    password = Password(required=False)
    code = serializers.CharField(
        max_length=32, required=False, help_text="Of the authenticator app, or a recovery code."
    )


class ForgottenView(EntranceView):
    @extend_schema(
        operation_id="forget_password",
        request=ForgottenSerializer,
        responses={202: None, **refusals(TooManyAttempts)},
        examples=[OpenApiExample("Address", {"email": "ada@example.com"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Have a link to set a new password sent. The answer is the same whether or not we know the address."""
        ask(FORGOT, request, ForgottenSerializer.read(request))
        return Response(status=202)


class ResetView(EntranceView):
    @extend_schema(
        operation_id="reset_password",
        request=ResetSerializer,
        responses={204: None, **refusals(TooManyAttempts)},
        examples=[
            OpenApiExample(
                "New password",
                {"key": "1c-d8k2p1-0a6e7be1d3e5c1c5a30d", "password": "three grey gulls at noon"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Set a new password with the key from the e-mail. All devices are signed out; sign in anew.

        A key that was used or is too old is 422 (`invalid_password_reset` at `/key`).
        """
        ask(RESET, request, ResetSerializer.read(request), expect=(200, 401))
        return Response(status=204)


class ChangeView(OwnView):
    limit = "sign-in"

    @extend_schema(
        operation_id="change_password",
        request=ChangeSerializer,
        responses={200: TokensSerializer, **refusals(TooManyAttempts)},
        examples=[
            OpenApiExample(
                "Passwords",
                {
                    "current_password": "three grey gulls at noon",
                    "new_password": "a slow boat before breakfast",
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Change the password. All other devices are signed out at once; this one goes on with the new tokens.

        A wrong present password is 422 (`enter_current_password` at `/current_password`).
        """
        sent = ChangeSerializer.read(request)
        answer = ask(CHANGE, request, sent, session_key=session_key_of(request))
        tokens = new_tokens(request.user, answer.meta["session_token"])  # type: ignore[arg-type]
        return Response(pair_of(tokens))


class ReauthenticateView(OwnView):
    limit = "sign-in"

    @extend_schema(
        operation_id="reauthenticate",
        request=ReauthenticateSerializer,
        responses={204: None, **refusals(TooManyAttempts)},
        examples=[OpenApiExample("Password", {"password": "three grey gulls at noon"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Show once more that it is you, by `password` or by `code`; it holds for five minutes.

        Where an operation refuses with 401 `reauthentication_required`, do this and send it again.
        """
        sent = ReauthenticateSerializer.read(request)
        if len(sent) != 1:
            fault = ErrorDetail("Send `password` or `code`, one of them.", "one_of")
            raise Unfit({"non_field_errors": [fault]})
        view = BY_PASSWORD if "password" in sent else BY_CODE
        ask(view, request, sent, session_key=session_key_of(request))
        return Response(status=204)
