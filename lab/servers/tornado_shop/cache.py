"""What was rendered, for some seconds: it may be that old. Whoever asks while it is being made waits for the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

MOST = 1000


class Kept(NamedTuple):
    until: float
    body: asyncio.Future[bytes]


class Cache:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._kept: dict[str, Kept] = {}

    async def get(self, key: str, render: Callable[[], Awaitable[bytes]]) -> bytes:
        kept = self._kept.get(key)
        if kept is None or kept.until <= time.monotonic():
            if len(self._kept) >= MOST:
                self._kept.clear()
            body = asyncio.ensure_future(render())
            kept = self._kept[key] = Kept(time.monotonic() + self.seconds, body)
            body.add_done_callback(lambda done: self._drop_failed(key, done))
        return await asyncio.shield(kept.body)

    def ready(self, key: str) -> bytes | None:
        kept = self._kept.get(key)
        fresh = kept is not None and kept.until > time.monotonic() and kept.body.done()
        return kept.body.result() if kept and fresh else None

    def _drop_failed(self, key: str, done: asyncio.Future[bytes]) -> None:
        if done.cancelled() or done.exception():
            self._kept.pop(key, None)
