"""Signing up, in, on and out. An access token lasts minutes; a refresh token is used once and gets the next pair."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.headless.account import views as account
from allauth.headless.mfa import views as mfa
from allauth.headless.tokens import views as tokens
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import transaction
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.devices import hold_device, seen, sign_out
from accounts.forms import SignupInput
from accounts.models import User
from shop.api.authentication import session_key_of
from shop.api.guests import CART_TOKEN, DROP_PLACES, GuestMixin
from shop.api.headless import Answer, EntranceView, NotNow, OwnView, TooManyAttempts, app_view, ask
from shop.api.refusals import explain
from shop.api.schema import refusals
from shop.api.shapes import ProblemSerializer, Strict
from shop.cart.services import bring_cart
from shop.drops.admission import claim_places
from shop.errors import ShopError
from shop.problems import MEDIA_TYPE

SIGN_UP = app_view(account.SignupView, input_class={"POST": SignupInput})
SIGN_IN = app_view(account.LoginView)
SECOND_FACTOR, REFRESH = app_view(mfa.AuthenticateView), app_view(tokens.RefreshTokenView)
SESSION = app_view(account.SessionView)


class MfaRequired(ShopError):
    code = "mfa_required"
    message = "The password is right. Now a code of the authenticator app, or a recovery code, is due."


class LoginTokenInvalid(ShopError):
    code = "login_token_invalid"
    message = "This sign-in took too long, or was finished. Please begin again with the password."


class RefreshTokenInvalid(ShopError):
    code = "refresh_token_invalid"
    message = "This refresh token does not hold (any more). Please sign in again."


class AccountInactive(ShopError):
    code = "account_inactive"
    message = "This account is closed."


class Password(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=128, trim_whitespace=False, write_only=True, **kwargs)


class CredentialsSerializer(Strict):
    email = serializers.EmailField(max_length=254)
    password = Password()


class SecondFactorSerializer(Strict):
    login_token = serializers.CharField(max_length=64, help_text="From the refusal `mfa_required`.")
    code = serializers.CharField(
        max_length=32, help_text="Six digits of the authenticator app, or a recovery code."
    )


class RefreshSerializer(Strict):
    refresh_token = serializers.CharField(max_length=2000)


class TokensSerializer(serializers.Serializer):
    access_token = serializers.CharField(help_text="For `Authorization: Bearer`.")
    refresh_token = serializers.CharField(
        help_text="Gets the next pair, once. Keep it where the system keeps secrets."
    )
    expires_in = serializers.IntegerField(min_value=1, help_text="Seconds that the access token lasts.")
    token_type = serializers.ChoiceField(["Bearer"])


class MfaRequiredSerializer(ProblemSerializer):
    login_token = serializers.CharField(
        required=False, help_text="With `mfa_required` only: what the code is sent with, within 15 minutes."
    )


EXAMPLE = OpenApiExample(
    "Credentials",
    {"email": "ada@example.com", "password": "three grey gulls at noon"},
    request_only=True,
)
SIGNED_IN = {**refusals(AccountInactive, TooManyAttempts)}


class EntersView(GuestMixin, EntranceView):
    """A guest becomes the account, with what was put in the cart and waited for."""

    headers_taken = (CART_TOKEN, DROP_PLACES)

    def signed_in(self, answer: Answer, status: int = 200) -> Response:
        user = User.objects.get(pk=answer.data["user"]["id"])
        bring_cart(user, self.cart_token)
        claim_places(user, self.place_tokens)
        return Response(pair_of(answer.meta), status=status)


class SignUpView(EntersView):
    @extend_schema(
        operation_id="sign_up",
        request=CredentialsSerializer,
        responses={201: TokensSerializer, **refusals(TooManyAttempts, NotNow)},
        examples=[EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Make an account, and be signed in. A link to confirm the address goes out by e-mail.

        An address that has an account is refused with 422 (`email_taken` at `/email`), a password that is too easy
        with 422 at `/password`.
        """
        answer = ask(SIGN_UP, request, CredentialsSerializer.read(request))
        return self.signed_in(answer, 201)


class SignInView(EntersView):
    @extend_schema(
        operation_id="sign_in",
        request=CredentialsSerializer,
        responses={
            200: TokensSerializer,
            (401, MEDIA_TYPE): OpenApiResponse(
                MfaRequiredSerializer, description=f"- `{MfaRequired.code}`: {MfaRequired.message}"
            ),
            **SIGNED_IN,
        },
        examples=[EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Sign in with e-mail address and password.

        Where the account has a second factor, the answer is 401 `mfa_required` with a `login_token`: send it with a
        code. A wrong password is 422 (`email_password_mismatch` at `/password`), also where there is no account.
        """
        answer = ask(SIGN_IN, request, CredentialsSerializer.read(request), expect=(200, 401))
        if answer.awaits_code:
            response = _refused(MfaRequired())
            response.data["login_token"] = answer.meta["session_token"]
            return response
        if answer.status == 401:
            raise AccountInactive
        return self.signed_in(answer)


class SecondFactorView(EntersView):
    @extend_schema(
        operation_id="sign_in_with_code",
        request=SecondFactorSerializer,
        responses={200: TokensSerializer, **SIGNED_IN, **refusals(LoginTokenInvalid)},
        examples=[
            OpenApiExample(
                "Code",
                {"login_token": "1xv2mvjz3yk2b2i2wtmp1v8n0p0q9d3c", "code": "492039"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Finish a sign-in with the code of an authenticator app, or with a recovery code, which holds once.

        A wrong code is 422 (`incorrect_code` at `/code`); the `login_token` may be tried again.
        """
        data = SecondFactorSerializer.read(request)
        answer = ask(
            SECOND_FACTOR,
            request,
            {"code": data["code"]},
            session_key=data["login_token"],
            expect=(200, 401, 410),
        )
        if answer.status != 200:
            raise LoginTokenInvalid
        return self.signed_in(answer)


class RefreshView(EntranceView):
    @extend_schema(
        operation_id="refresh_tokens",
        request=RefreshSerializer,
        responses={200: TokensSerializer, **refusals(RefreshTokenInvalid)},
        examples=[
            OpenApiExample(
                "Refresh token",
                {"refresh_token": "eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbl91c2UiOiJyZWZyZXNoIn0.c2lnbmF0dXJl"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Get the next pair of tokens. The refresh token that was sent holds no more.

        One that is sent a second time may be in two hands, so its sign-in ends with all its tokens. Where an answer
        may be lost, send an `Idempotency-Key`: asked again with it, the first answer comes again.
        """
        data = RefreshSerializer.read(request)
        with transaction.atomic():
            device = hold_device(data["refresh_token"])
            answer = ask(REFRESH, request, data, expect=(200, 400))
            if answer.status != 200:
                if device:
                    sign_out(device.user, [device.session_key])
                # Told, not raised: that would take the signing out back.
                return _refused(RefreshTokenInvalid())
            if device:
                _seen(device, request)
        return Response(pair_of(answer.data))


class SignOutView(OwnView):
    limit = "sign-in"

    @extend_schema(operation_id="sign_out", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """Sign out on this device. Its tokens hold no more from here on."""
        key = session_key_of(request)
        ask(SESSION, request, method="DELETE", session_key=key, expect=(200, 401))
        sign_out(request.user, [key])  # type: ignore[arg-type]
        return Response(status=204)


def pair_of(made: Any) -> dict[str, Any]:
    return {
        "access_token": made["access_token"],
        "refresh_token": made["refresh_token"],
        "expires_in": settings.HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN,
        "token_type": "Bearer",
    }


def _seen(device: UserSession, request: Request) -> None:
    agent = request.META.get("HTTP_USER_AGENT", "")[: UserSession._meta.get_field("user_agent").max_length]
    seen(device, get_adapter().get_client_ip(request._request), agent)


def _refused(error: ShopError) -> Response:
    response = explain(error, {})
    assert response is not None
    return response
