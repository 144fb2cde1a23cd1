"""Who asks: an app by the access token of its sign-in, a page of ours by its session."""

from __future__ import annotations

from typing import Any

from allauth.headless.contrib.rest_framework.authentication import JWTTokenAuthentication
from allauth.headless.tokens.strategies.jwt.internal import session_key_from_sid, validate_access_token
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from notifications.streams import Reader


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


def reader_by_access_token(token: str) -> Reader | None:
    """For the long poll and the event stream: whom an access token stands for, as long as its sign-in does."""
    found = validate_access_token(token)
    key = session_key_from_sid(found[1]["sid"]) if found else None
    return Reader(found[0], {}, key) if found and key else None
