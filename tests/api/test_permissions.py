"""Who may do what: every route and method of the API, asked by everybody. A route that is not listed here fails, and so
does an answer that the schema does not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tests.api.people import App, undone
from tests.processes import ROOT as REPOSITORY

pytestmark = pytest.mark.django_db
ROOT = "api/v1/"
CALLERS = ("anonymous", "owner", "other", "staff", "permitted")
METHODS = ("get", "post", "put", "patch", "delete")
REFUSALS = (401, 403, 404, 405)
# For each caller the refusal, or `ok`: whatever it says, it lets the caller in.
EVERYBODY = ("ok",) * 5
SIGNED_IN = (401, "ok", "ok", "ok", "ok")
OWN = (401, "ok", 404, 404, 404)
NO_SUCH_CARD = (401, 404, 404, 404, 404)  # the owner has none either
OF_AN_ORDER = (404, "ok", 404, 404, "ok")
TO_AN_ORDER = (404, "ok", 404, 404, 403)  # who may look at all orders acts on none
# Where an empty one is refused before it is looked whose the thing is.
BODIES: dict[str, Any] = {
    "PATCH cart/lines/{line_id}/": {"quantity": 1},
    "POST orders/{public_id}/payment/saved-card/": {"card_id": "pm_none"},
}
MATRIX: dict[str, tuple[Any, ...]] = {
    "DELETE account/": SIGNED_IN,
    "DELETE account/addresses/{address_id}/": OWN,
    "DELETE account/cards/{card_id}/": NO_SUCH_CARD,
    "DELETE account/emails/{email_id}/": OWN,
    "DELETE account/mfa/totp/": SIGNED_IN,
    "DELETE alerts/{alert_id}/": (401, "ok", 404, 404, 404),
    "DELETE cart/": EVERYBODY,
    "DELETE cart/coupon/": EVERYBODY,
    "DELETE cart/gift-card/": EVERYBODY,
    "DELETE cart/lines/{line_id}/": (404, "ok", 404, 404, 404),
    "DELETE devices/{device_id}/": OWN,
    "GET ": EVERYBODY,
    "GET account/": SIGNED_IN,
    "GET account/addresses/": SIGNED_IN,
    "GET account/addresses/{address_id}/": OWN,
    "GET account/cards/": SIGNED_IN,
    "GET account/emails/": SIGNED_IN,
    "GET account/export/": SIGNED_IN,
    "GET account/mfa/": SIGNED_IN,
    "GET account/mfa/recovery-codes/": SIGNED_IN,
    "GET address-forms/": EVERYBODY,
    "GET address-forms/{country}/": EVERYBODY,
    "GET alerts/": SIGNED_IN,
    "GET cart/": EVERYBODY,
    "GET categories/": EVERYBODY,
    "GET devices/": SIGNED_IN,
    "GET docs/": EVERYBODY,
    "GET docs/redoc/": EVERYBODY,
    "GET drops/": EVERYBODY,
    "GET drops/{slug}/": EVERYBODY,
    "GET drops/{slug}/place/": (404, "ok", 404, 404, 404),
    "GET events/": EVERYBODY,
    "GET events/stream/": EVERYBODY,
    "GET facets/": EVERYBODY,
    "GET inbox/": SIGNED_IN,
    "GET orders/": SIGNED_IN,
    "GET orders/{public_id}/": OF_AN_ORDER,
    "GET orders/{public_id}/documents/": OF_AN_ORDER,
    "GET orders/{public_id}/documents/{number}/": OF_AN_ORDER,
    "GET orders/{public_id}/payment/": TO_AN_ORDER,
    "GET orders/{public_id}/returns/": OF_AN_ORDER,
    "GET orders/{public_id}/returns/{return_id}/": OF_AN_ORDER,
    "GET orders/{public_id}/timeline/": OF_AN_ORDER,
    "GET preferences/": SIGNED_IN,
    "GET problems/": EVERYBODY,
    "GET products/": EVERYBODY,
    "GET products/{slug}/": EVERYBODY,
    "GET products/{slug}/related/": EVERYBODY,
    "GET schema/": EVERYBODY,
    "GET suggestions/": EVERYBODY,
    "GET variants/": EVERYBODY,
    "GET variants/{sku}/": EVERYBODY,
    "PATCH account/": SIGNED_IN,
    "PATCH cart/lines/{line_id}/": (404, "ok", 404, 404, 404),
    "PATCH preferences/": SIGNED_IN,
    "POST account/addresses/": SIGNED_IN,
    "POST account/addresses/{address_id}/make-default/": OWN,
    "POST account/cards/": SIGNED_IN,
    "POST account/emails/": SIGNED_IN,
    "POST account/emails/{email_id}/make-primary/": OWN,
    "POST account/emails/{email_id}/send-confirmation/": OWN,
    "POST account/mfa/recovery-codes/": SIGNED_IN,
    "POST account/mfa/totp/": SIGNED_IN,
    "POST account/mfa/totp/begin/": SIGNED_IN,
    "POST alerts/": EVERYBODY,
    "POST auth/email/verify/": EVERYBODY,
    "POST auth/mfa/": EVERYBODY,
    "POST auth/password/change/": SIGNED_IN,
    "POST auth/password/forgot/": EVERYBODY,
    "POST auth/password/reset/": EVERYBODY,
    "POST auth/reauthenticate/": SIGNED_IN,
    "POST auth/refresh/": EVERYBODY,
    "POST auth/sign-in/": EVERYBODY,
    "POST auth/sign-out/": SIGNED_IN,
    "POST auth/sign-up/": EVERYBODY,
    "POST cart/lines/": EVERYBODY,
    "POST cart/merge/": SIGNED_IN,
    "POST cart/shipping-options/": EVERYBODY,
    "POST devices/sign-out-others/": SIGNED_IN,
    "POST drops/{slug}/place/": EVERYBODY,
    "POST events/ticket/": EVERYBODY,
    "POST inbox/read/": SIGNED_IN,
    "POST orders/": EVERYBODY,
    "POST orders/claim/": SIGNED_IN,
    "POST orders/{public_id}/cancel/": TO_AN_ORDER,
    "POST orders/{public_id}/claim/": (401, "ok", 404, 404, 403),
    "POST orders/{public_id}/payment/": TO_AN_ORDER,
    "POST orders/{public_id}/payment/saved-card/": (401, 404, 404, 404, 403),
    "POST orders/{public_id}/refill/": OF_AN_ORDER,
    "POST orders/{public_id}/returns/": TO_AN_ORDER,
    "POST orders/{public_id}/returns/{return_id}/withdraw/": TO_AN_ORDER,
    "POST prices/": EVERYBODY,
    "PUT account/addresses/{address_id}/": OWN,
    "PUT cart/code/": EVERYBODY,
}


def operations() -> Iterator[tuple[str, set[str]]]:
    """The statuses that an app is told of."""
    for path, item in json.loads((REPOSITORY / "docs" / "openapi.json").read_text())["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path.removeprefix(f'/{ROOT}')}", set(operation["responses"])


def routes(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        else:
            yield path, pattern


def methods_of(pattern: URLPattern) -> list[str]:
    view: Any = pattern.callback
    if actions := getattr(view, "actions", None):
        return list(actions)
    if handlers := getattr(view, "cls", None):
        return [method for method in METHODS if hasattr(handlers, method)]
    return ["get"]  # the notifications' own


def listed() -> Iterator[tuple[str, str]]:
    """As `GET orders/{public_id}/`, and its path with the places of its parameters."""
    for path, pattern in routes(get_resolver().url_patterns):
        if path.startswith(ROOT):
            place = _plain(path.removeprefix(ROOT))
            for method in methods_of(pattern):
                yield f"{method.upper()} {place}", place


def _plain(path: str) -> str:
    """`orders/(?P<public_id>[\\w-]+)/` and `cards/<str:card_id>/` as `orders/{public_id}/`, `cards/{card_id}/`."""
    plain, rest = "", path
    while rest:
        if rest.startswith("(?P<"):
            name, _, rest = rest[4:].partition(">")
            depth = 1
            while depth:
                depth += {"(": 1, ")": -1}.get(rest[0], 0)
                rest = rest[1:]
            plain += f"{{{name}}}"
        elif rest.startswith("<"):
            name, _, rest = rest[1:].partition(">")
            plain += f"{{{name.rpartition(':')[2]}}}"
        else:
            plain, rest = plain + rest[0], rest[1:]
    return plain


ROUTES = dict(listed())
TOLD = dict(operations())


def test_every_route_is_listed_and_none_that_is_gone() -> None:
    assert set(ROUTES) == set(MATRIX)


def expect(route: str, callers: dict[str, App], things: dict[str, Any]) -> None:
    method, _, place = route.partition(" ")
    # The owner last: what is theirs is there to be refused to the others.
    for caller in sorted(CALLERS, key="owner".__eq__):
        expected = MATRIX[route][CALLERS.index(caller)]
        body = None if method == "GET" else BODIES.get(route, {})
        answer = callers[caller].send(method.lower(), place.format(**things), body)
        if (
            route in TOLD and answer.status_code != 501
        ):  # the documentation's own pages are not; doors need ASGI
            assert str(answer.status_code) in TOLD[route], (route, caller, answer.content)
        if expected == "ok":
            assert answer.status_code not in REFUSALS, (route, caller, answer.content)
        else:
            assert answer.status_code == expected, (route, caller, answer.content)


def test_everybody_reads_what_is_theirs(callers: dict[str, App], things: dict[str, Any]) -> None:
    for route in sorted(MATRIX):
        if route.startswith("GET"):
            expect(route, callers, things)


def test_everybody_does_what_is_theirs(
    callers: dict[str, App], things: dict[str, Any], subtests: pytest.Subtests
) -> None:
    for route in sorted(MATRIX):
        if not route.startswith("GET"):
            with subtests.test(route), undone():
                expect(route, callers, things)
