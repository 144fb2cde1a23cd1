"""How often one may ask, counted in this process: API_LIMITS in windows, with the headers that the shop's API sends."""

from __future__ import annotations

import time
from collections import Counter

from django.conf import settings


class Limits:
    def __init__(self) -> None:
        self._used: Counter[tuple[str, str]] = Counter()
        self._windows: dict[str, int] = {}

    def count(self, name: str, who: str) -> tuple[bool, dict[str, str]]:
        """One more; whether it is within the limit, and the headers."""
        most, seconds = settings.API_LIMITS[name]
        now = time.time()
        window = int(now) // seconds
        if self._windows.get(name) != window:
            self._windows[name] = window
            self._used = Counter({key: n for key, n in self._used.items() if key[0] != name})
        self._used[name, who] += 1
        used = self._used[name, who]
        headers = {
            "RateLimit-Limit": str(most),
            "RateLimit-Remaining": str(max(0, most - used)),
            "RateLimit-Reset": str(int((window + 1) * seconds - now) + 1),
        }
        return used <= most, headers
