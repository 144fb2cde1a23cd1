"""Who asks: an app by the access token of its sign-in, a page of ours by its session."""

from __future__ import annotations

from typing import Any

from allauth.headless.contrib.rest_framework.authentication import JWTTokenAuthentication
from allauth.headless.tokens.strategies.jwt.internal import session_key_from_sid
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request


class BearerAuthentication(JWTTokenAuthentication):
    """`Authorization: Bearer <access token>`. The token lasts minutes and only while its sign-in does: signing out,
    another password or a closed account end it at once.
    """

    www_authenticate_realm = "breakwater"

    def authenticate_header(self, request: Request) -> str:
        return f'{self.keyword} realm="{self.www_authenticate_realm}"'

    def authenticate_credentials(self, key: str) -> Any:
        try:
            return super().authenticate_credentials(key)
        except AuthenticationFailed:
            raise AuthenticationFailed(
                "This access token does not hold (any more). Refresh it, or sign in again.", "token_invalid"
            ) from None


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = BearerAuthentication
    name = "accessToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access_token` of a sign-in; it lasts minutes and is renewed by the refresh token.",
        }


def session_key_of(request: Request) -> str:
    """The key of the session that stands behind this request, empty for a guest's."""
    if isinstance(request.auth, dict):
        return session_key_from_sid(request.auth["sid"]) or ""
    return request.session.session_key or "" if request.user.is_authenticated else ""
