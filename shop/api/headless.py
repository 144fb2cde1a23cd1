"""Asks django-allauth's headless views, which decide who signs in and how, and tells their answers as this API does.

They are made for a request of their own: it has the body that they expect, and for whom it is says its session.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.headless.constants import Client
from allauth.headless.internal.sessionkit import lookup_session
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import ErrorDetail, NotAuthenticated, PermissionDenied
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from shop.api.authentication import BearerAuthentication, session_key_of
from shop.api.refusals import Unfit
from shop.api.views import ApiView
from shop.errors import ShopError, TooOften
from shop.orders.services import EmailNotVerified

# What says who asks; the session of the inner request says it instead.
NOT_TAKEN_ALONG = ("HTTP_COOKIE", "HTTP_AUTHORIZATION", "HTTP_X_SESSION_TOKEN", "HTTP_X_CSRFTOKEN")
TOO_OFTEN = {"too_many_login_attempts", "rate_limited"}
SECOND_FACTOR = "mfa_authenticate"


class ReauthenticationRequired(ShopError):
    code = "reauthentication_required"
    message = "Please enter your password or a code once more before this change."


class TooManyAttempts(TooOften):
    code = "too_many_attempts"
    message = "That was a little often. Please wait a few minutes."


class PrimaryEmailStays(ShopError):
    code = "primary_email_stays"
    message = "This is the address that you sign in with. Make another one the first, then remove it."


class NotNow(ShopError):
    code = "not_now"
    message = "Your account is not in a state that allows this."


CONFLICTS: dict[str, type[ShopError]] = {
    "cannot_remove_primary_email": PrimaryEmailStays,
    "unverified_email": EmailNotVerified,
    "unverified_primary_email": EmailNotVerified,
}


class EntranceView(ApiView):
    """For who is not signed in. A token that holds no more is no hindrance here: it is not looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    limit = "sign-in"
    secret = True


class OwnView(ApiView):
    """For who is signed in with an app: these change what its token stands for, and pages have their own."""

    authentication_classes = (BearerAuthentication,)
    secret = True


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    data: Any
    meta: Mapping[str, Any]

    @property
    def awaits_code(self) -> bool:
        """The password was right, and a second factor is due."""
        flows = self.data.get("flows", ()) if isinstance(self.data, dict) else ()
        return any(flow["id"] == SECOND_FACTOR and flow.get("is_pending") for flow in flows)


def ask(
    view: Callable[..., Any],
    request: Request,
    body: Mapping[str, Any] | None = None,
    *,
    method: str = "POST",
    session_key: str = "",
    expect: Collection[int] = (200,),
    paths: Mapping[str, str] | None = None,
) -> Answer:
    """Raises the refusal that an answer of another status than those expected means.

    `paths` says which of our fields is meant, where allauth calls it something else.
    """
    inner = _inner(request, method, dict(body or {}), session_key)
    with context.request_context(inner):
        try:
            response: HttpResponse = view(inner)
        except ImmediateHttpResponse as immediate:
            response = immediate.response
    told = json.loads(response.content) if response.content else {}
    answer = Answer(response.status_code, told.get("data"), told.get("meta") or {})
    if answer.status in expect:
        return answer
    raise _refusal(answer, told.get("errors") or [], paths or {})


def app_view(view: Any, **more: Any) -> Callable[..., HttpResponse]:
    return view.as_api_view(client=Client.APP, **more)


def require_reauthentication(request: Request) -> None:
    """Raises ReauthenticationRequired unless the password or a code was entered just now."""
    inner = _inner(request, "GET", {}, "")
    inner.user, inner.session = request.user, lookup_session(session_key_of(request))
    if not did_recently_reauthenticate(inner):
        raise ReauthenticationRequired


def _inner(request: Request, method: str, body: dict[str, Any], session_key: str) -> Any:
    outer = request._request
    inner: Any = HttpRequest()
    inner.META = {name: value for name, value in outer.META.items() if name not in NOT_TAKEN_ALONG}
    inner.META["CONTENT_TYPE"] = "application/json"
    if session_key:
        inner.META["HTTP_X_SESSION_TOKEN"] = session_key
    inner.method, inner.path, inner.path_info = method, outer.path, outer.path_info
    inner._get_scheme = outer._get_scheme  # type: ignore[attr-defined]
    inner._body = json.dumps(body).encode()
    inner.user, inner.session, inner.allauth = AnonymousUser(), outer.session, SimpleNamespace()
    return inner


def _refusal(answer: Answer, errors: list[dict[str, str]], paths: Mapping[str, str]) -> Exception:
    if often := [error["message"] for error in errors if error["code"] in TOO_OFTEN]:
        return TooManyAttempts(often[0])
    for error in errors:
        if conflict := CONFLICTS.get(error["code"]):
            return conflict(error["message"])
    if answer.status == 401 and answer.meta.get("is_authenticated"):
        return ReauthenticationRequired()
    if errors:
        return _unfit(errors, paths)
    if answer.status in (401, 410):
        return NotAuthenticated()
    if answer.status == 429:
        return TooManyAttempts()
    return PermissionDenied() if answer.status == 403 else NotNow()


def _unfit(errors: list[dict[str, str]], paths: Mapping[str, str]) -> Unfit:
    by_field: dict[str, list[ErrorDetail]] = {}
    for error in errors:
        name = error.get("param", "non_field_errors")
        detail = ErrorDetail(error["message"], error["code"])
        by_field.setdefault(paths.get(name, name), []).append(detail)
    return Unfit(by_field)
