"""How often one may ask. Every answer says how much is left, a refusal when to come back.

    RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset      draft-ietf-httpapi-ratelimit-headers-06

An account is counted wherever it asks from, a guest by address. A view is counted under `limit`; the numbers are
API_LIMITS in the settings.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from shop.throttling import spend_all, spend_counted

Headers = dict[str, str]


class Window(NamedTuple):
    """The stretch of time in which is counted now."""

    what: str
    most: int
    seconds: int
    left: float

    def headers(self, used: int) -> Headers:
        return {
            "RateLimit-Limit": str(self.most),
            "RateLimit-Remaining": str(max(0, self.most - used)),
            "RateLimit-Reset": str(int(self.left) + 1),
        }


def window_of(name: str) -> Window:
    most, seconds = settings.API_LIMITS[name]
    number = int(time.time()) // seconds
    return Window(f"api:{name}:{number}", most, seconds, (number + 1) * seconds - time.time())


def count(name: str, who: str) -> tuple[bool, float, Headers]:
    """One more; whether it is within the limit, in how many seconds the count begins anew, and the headers."""
    window = window_of(name)
    used = spend_counted(window.what, who, seconds=window.seconds)
    return used <= window.most, window.left, window.headers(used)


def count_all(name: str, whos: Mapping[str, int]) -> dict[str, list[Headers | None]]:
    """So many more of each, at once; the headers of every one, None of those beyond the limit."""
    window = window_of(name)
    used = spend_all(window.what, whos, seconds=window.seconds)
    return {
        who: [
            window.headers(number) if number <= window.most else None
            for number in range(used[who] - many + 1, used[who] + 1)
        ]
        for who, many in whos.items()
    }


class Limit(BaseThrottle):
    def allow_request(self, request: Request, view: APIView) -> bool:
        within, self.wait_seconds, headers = count(self._name(request, view), self._who(request))
        request.limit_headers = headers  # type: ignore[attr-defined]
        return within

    def wait(self) -> float:
        return self.wait_seconds

    def _name(self, request: Request, view: Any) -> str:
        return view.limit or ("read" if request.method in ("GET", "HEAD", "OPTIONS") else "write")

    def _who(self, request: Request) -> str:
        return f"user:{request.user.pk}" if request.user.is_authenticated else request.META["REMOTE_ADDR"]
