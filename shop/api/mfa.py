"""The second factor of an account: codes of an authenticator app, and recovery codes for when it is lost."""

from __future__ import annotations

from typing import Any

from allauth.headless.mfa import views
from allauth.mfa.models import Authenticator
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shop.api.authentication import session_key_of
from shop.api.headless import (
    OwnView,
    ReauthenticationRequired,
    TooManyAttempts,
    app_view,
    ask,
    require_reauthentication,
)
from shop.api.schema import refusals
from shop.api.shapes import Strict
from shop.errors import ShopError
from shop.orders.services import EmailNotVerified

TOTP, RECOVERY_CODES = app_view(views.ManageTOTPView), app_view(views.ManageRecoveryCodesView)
Type = Authenticator.Type


class MfaActive(ShopError):
    code = "mfa_active"
    message = "There is an authenticator app already. Remove it first."


class MfaNotActive(ShopError):
    code = "mfa_not_active"
    message = "Please set up the authenticator app first."


class FactorSerializer(serializers.Serializer):
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class RecoverySerializer(FactorSerializer):
    unused = serializers.IntegerField(min_value=0, help_text="How many codes are left.")


class FactorsSerializer(serializers.Serializer):
    totp = FactorSerializer(allow_null=True, help_text="The authenticator app; null without one.")
    recovery_codes = RecoverySerializer(allow_null=True)


class BeginningSerializer(serializers.Serializer):
    secret = serializers.CharField(help_text="To type in, where the address cannot be opened or shown.")
    otpauth_url = serializers.CharField(help_text="To open in an authenticator app, or to show as a QR code.")


class TotpCodeSerializer(Strict):
    code = serializers.CharField(max_length=32)


class RecoveryCodesSerializer(serializers.Serializer):
    codes = serializers.ListField(child=serializers.CharField(), help_text="Those not used. Each holds once.")
    total = serializers.IntegerField(min_value=0)


class FactorsView(OwnView):
    @extend_schema(operation_id="second_factors", responses=FactorsSerializer)
    def get(self, request: Request) -> Response:
        """Whether sign-in asks for a second factor, and of which kinds."""
        found: dict[str, Any] = {one.type: one for one in Authenticator.objects.filter(user=request.user)}
        codes = found.get(Type.RECOVERY_CODES)
        if codes:
            codes.unused = len(codes.wrap().get_unused_codes())
        return Response(FactorsSerializer({"totp": found.get(Type.TOTP), "recovery_codes": codes}).data)


class TotpBeginView(OwnView):
    limit = "sign-in"

    @extend_schema(
        operation_id="begin_authenticator_app",
        request=None,
        responses={
            200: BeginningSerializer,
            **refusals(ReauthenticationRequired, MfaActive, EmailNotVerified),
        },
    )
    def post(self, request: Request) -> Response:
        """Get a new secret for an authenticator app. It counts once a code of it is sent."""
        require_reauthentication(request)
        answer = ask(TOTP, request, method="GET", session_key=session_key_of(request), expect=(200, 404))
        if answer.status == 200:
            raise MfaActive
        return Response({"secret": answer.meta["secret"], "otpauth_url": answer.meta["totp_url"]})


class TotpView(OwnView):
    limit = "sign-in"

    @extend_schema(
        operation_id="add_authenticator_app",
        request=TotpCodeSerializer,
        responses={
            201: RecoveryCodesSerializer,
            **refusals(ReauthenticationRequired, MfaActive, EmailNotVerified, TooManyAttempts),
        },
        examples=[OpenApiExample("Code", {"code": "492039"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Set the authenticator app up with a code that it shows. From now on sign-in asks for one.

        The answer has the recovery codes, to be written down. A wrong code is 422 (`incorrect_code` at `/code`).
        """
        sent, key = TotpCodeSerializer.read(request), session_key_of(request)
        if _has_app(request):
            raise MfaActive
        require_reauthentication(request)
        ask(TOTP, request, sent, session_key=key)
        return Response(_codes(ask(RECOVERY_CODES, request, method="GET", session_key=key)), status=201)

    @extend_schema(
        operation_id="remove_authenticator_app",
        responses={204: None, **refusals(ReauthenticationRequired, MfaNotActive)},
    )
    def delete(self, request: Request) -> Response:
        """Ask for no second factor any more. The recovery codes go too."""
        if not _has_app(request):
            raise MfaNotActive
        ask(TOTP, request, method="DELETE", session_key=session_key_of(request))
        return Response(status=204)


class RecoveryCodesView(OwnView):
    limit = "sign-in"

    @extend_schema(
        operation_id="recovery_codes",
        responses={200: RecoveryCodesSerializer, **refusals(ReauthenticationRequired, MfaNotActive)},
    )
    def get(self, request: Request) -> Response:
        """The recovery codes that are left."""
        answer = ask(
            RECOVERY_CODES, request, method="GET", session_key=session_key_of(request), expect=(200, 404)
        )
        if answer.status == 404:
            raise MfaNotActive
        return Response(_codes(answer))

    @extend_schema(
        operation_id="renew_recovery_codes",
        request=None,
        responses={200: RecoveryCodesSerializer, **refusals(ReauthenticationRequired, MfaNotActive)},
    )
    def post(self, request: Request) -> Response:
        """Get new recovery codes. Those from before hold no more."""
        if not _has_app(request):
            raise MfaNotActive
        return Response(_codes(ask(RECOVERY_CODES, request, session_key=session_key_of(request))))


def _has_app(request: Request) -> bool:
    return Authenticator.objects.filter(user=request.user, type=Type.TOTP).exists()  # type: ignore[misc]


def _codes(answer: Any) -> dict[str, Any]:
    return {"codes": answer.data["unused_codes"], "total": answer.data["total_code_count"]}
