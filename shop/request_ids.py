"""Names each request, for its log lines and for whoever asks about it: the answer carries the name as well."""

import logging
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from notifications.log_context import begin
from shop.logs import route_of

HEADER = "X-Request-Id"
WELL_FORMED = re.compile(r"[A-Za-z0-9-]{8,64}")

logger = logging.getLogger(__name__)


@sync_and_async_middleware
def request_ids(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """In production the proxy says the name (it must set or remove the header); elsewhere it is made here.

    It ends with the next request and not with the answer, of which a part may be streamed afterwards.
    """

    async def answer_async(request: HttpRequest) -> HttpResponseBase:
        begin(request=(name := name_of(request.headers.get(HEADER, ""))))
        began = time.perf_counter()
        return _named(request, await get_response(request), name, began)

    def answer(request: HttpRequest) -> HttpResponseBase:
        begin(request=(name := name_of(request.headers.get(HEADER, ""))))
        began = time.perf_counter()
        return _named(request, get_response(request), name, began)

    return answer_async if iscoroutinefunction(get_response) else answer


def name_of(given: str) -> str:
    return given if settings.PRODUCTION and WELL_FORMED.fullmatch(given) else secrets.token_hex(8)


def is_logged() -> bool:
    return logger.isEnabledFor(logging.INFO)


def log(method: str | None, route: str, status: int, began: float) -> None:
    milliseconds = round(1000 * (time.perf_counter() - began))
    details = {"route": route, "status": status, "milliseconds": milliseconds}
    logger.info("%s %s: %d in %d ms", method, *details.values(), extra=details)


def _named(request: HttpRequest, response: HttpResponseBase, name: str, began: float) -> HttpResponseBase:
    response.headers[HEADER] = name
    if is_logged():
        log(request.method, route_of(request), response.status_code, began)
    return response
