"""How often one may ask. Every answer says how much is left, a refusal when to come back.

    RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset      draft-ietf-httpapi-ratelimit-headers-06

An account is counted wherever it asks from, a guest by address. A view is counted under `limit`; the numbers are
API_LIMITS in the settings.
"""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from shop.throttling import spend_counted


def count(name: str, who: str) -> tuple[bool, float, dict[str, str]]:
    """One more; whether it is within the limit, in how many seconds the count begins anew, and the headers."""
    most, seconds = settings.API_LIMITS[name]
    window = int(time.time()) // seconds
    left = (window + 1) * seconds - time.time()
    used = spend_counted(f"api:{name}:{window}", who, seconds=seconds)
    headers = {
        "RateLimit-Limit": str(most),
        "RateLimit-Remaining": str(max(0, most - used)),
        "RateLimit-Reset": str(int(left) + 1),
    }
    return used <= most, left, headers


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
