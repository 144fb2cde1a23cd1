"""Every refusal of the API as a problem (`shop.problems`): of the shop, of a serializer, of DRF, of the database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from shop import outages
from shop.catalog.models import Variant
from shop.errors import ShopError, TooOften
from shop.inventory.services import OutOfStock
from shop.problems import MEDIA_TYPE, problem

# What the shop refuses is a conflict with how things stand, unless it is one of these.
STATUSES = {
    "account_inactive": 403,
    "idempotency_key_reused": 422,
    "line_gone": 404,
    "login_token_invalid": 401,
    "mfa_required": 401,
    "no_such_card": 404,
    "payment_provider_unavailable": 503,
    "payment_refused": 402,
    "reauthentication_required": 401,
    "refresh_token_invalid": 401,
}
# Refusals of the shop that are about one field of the body, which the schema cannot say: 422, and `errors` names it.
FIELDS = {
    "coupon_unknown": "code",
    "gift_card_unknown": "code",
    "vat_id_invalid": "vat_id",
    "vat_id_needs_company": "vat_id",
    "vat_id_unknown": "vat_id",
}
STATUSES |= dict.fromkeys(FIELDS, 422)
RETRY_AFTER = {"payment_provider_unavailable": 20, "request_in_flight": 1}  # seconds


class Invalid(exceptions.ValidationError):
    """What is wrong with another part of the request than its body: `where` is query, path or header."""

    def __init__(self, detail: Any, where: str, code: str | None = None) -> None:
        super().__init__(detail, code)
        self.where = where


class Unfit(exceptions.ValidationError):
    """As the schema wants it, and yet it cannot be used: a postal code of another country, an unknown SKU."""

    status_code = 422

    def __init__(self, detail: Any, code: str | None = None, where: str = "body") -> None:
        super().__init__(detail, code)
        self.where = where


class AskedTooOften(exceptions.Throttled):
    default_detail = "That was too often."
    extra_detail_singular = "Come back in {wait} second."
    extra_detail_plural = "Come back in {wait} seconds."


class NotFound(exceptions.NotFound):
    default_detail = "There is nothing here, or nothing of yours."


def explain(exception: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler of exceptions. What it does not know goes on to Django's, which answers 500."""
    if isinstance(exception, ShopError):
        return _answer(*_of_shop(exception))
    if outages.is_outage(exception):
        return _answer(503, outages.CODE, outages.MESSAGE, dict(outages.HEADERS))
    response = exception_handler(exception, context)
    if response is None:
        return None
    headers = {name: value for name, value in response.headers.items() if name != "Content-Type"}
    if isinstance(exception, exceptions.ValidationError):
        errors = list(field_errors(exception.detail, getattr(exception, "where", "body")))
        return _answer(
            response.status_code, "invalid", "Some of this cannot be used.", headers, errors=errors
        )
    detail = response.data["detail"]
    return _answer(response.status_code, detail.code, str(detail), headers)


def status_of(error: ShopError | type[ShopError]) -> int:
    is_often = isinstance(error, TooOften) or (isinstance(error, type) and issubclass(error, TooOften))
    return STATUSES.get(
        error.code, status.HTTP_429_TOO_MANY_REQUESTS if is_often else status.HTTP_409_CONFLICT
    )


def field_errors(detail: Any, where: str, path: str = "") -> Iterator[dict[str, str]]:
    """A serializer's nested errors as a list, each with the JSON pointer of what it is about."""
    if isinstance(detail, dict):
        for name, below in detail.items():
            own = name == "non_field_errors"
            yield from field_errors(below, where, path if own else _join(path, str(name), where))
    elif isinstance(detail, list):
        for place, below in enumerate(detail):
            # Of a list of things each has errors of its own, of one thing all are about it.
            nested = isinstance(below, dict | list)
            yield from field_errors(below, where, _join(path, str(place), where) if nested else path)
    else:
        yield {"in": where, "path": path, "code": detail.code, "detail": str(detail)}


def _join(path: str, name: str, where: str) -> str:
    if where != "body":
        return name
    return f"{path}/{name.replace('~', '~0').replace('/', '~1')}"


def _of_shop(error: ShopError) -> tuple[int, str, str, dict[str, str], dict[str, Any]]:
    retry = error.retry_after if isinstance(error, TooOften) else RETRY_AFTER.get(error.code)
    told = _short(error.details) if isinstance(error, OutOfStock) else error.details
    details: dict[str, Any] = {"details": told} if told else {}
    if field := FIELDS.get(error.code):
        fault = exceptions.ErrorDetail(error.message, error.code)
        details["errors"] = list(field_errors({field: [fault]}, "body"))
    return status_of(error), error.code, error.message, {"Retry-After": str(retry)} if retry else {}, details


def _short(details: dict[str, Any]) -> dict[str, Any]:
    """How many are left of what falls short, by SKU: apps know no ids of variants."""
    short: dict[int, int] = details.get("short", {})
    skus = dict(Variant.objects.filter(pk__in=short).values_list("pk", "sku"))
    return {"short": {skus[pk]: left for pk, left in short.items() if pk in skus}} if skus else {}


def _answer(
    status: int,
    code: str,
    detail: str,
    headers: dict[str, str] | None = None,
    details: dict[str, Any] | None = None,
    **more: Any,
) -> Response:
    body = problem(status, code, detail, **(details or {}), **more)
    return Response(body, status=status, headers=headers, content_type=MEDIA_TYPE)
