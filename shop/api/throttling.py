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


class Limit(BaseThrottle):
    def allow_request(self, request: Request, view: APIView) -> bool:
        name = self._name(request, view)
        most, seconds = settings.API_LIMITS[name]
        window = int(time.time()) // seconds
        self.wait_seconds = (window + 1) * seconds - time.time()
        used = spend_counted(f"api:{name}:{window}", self._who(request), seconds=seconds)
        request.limit_headers = {  # type: ignore[attr-defined]
            "RateLimit-Limit": str(most),
            "RateLimit-Remaining": str(max(0, most - used)),
            "RateLimit-Reset": str(int(self.wait_seconds) + 1),
        }
        return used <= most

    def wait(self) -> float:
        return self.wait_seconds

    def _name(self, request: Request, view: Any) -> str:
        return view.limit or ("read" if request.method in ("GET", "HEAD", "OPTIONS") else "write")

    def _who(self, request: Request) -> str:
        return f"user:{request.user.pk}" if request.user.is_authenticated else request.META["REMOTE_ADDR"]
