"""Somebody who buys through the shop's pages, one order after another, while something breaks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from typing import Self

import aiohttp

from tests.buyer import Buyer

PAUSE_SECONDS = 0.3


class Shopper:
    """Use as `with Shopper(url, slug, variant_id) as shopper`; what came back is in `statuses` and `seconds`."""

    def __init__(self, url: str, slug: str, variant_id: int) -> None:
        self.url, self.slug, self.variant_id = url, slug, variant_id
        self.statuses: Counter[str] = Counter()
        self.seconds: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._shop()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(150)

    @property
    def orders(self) -> int:
        return self.statuses["placed"]

    @property
    def failures(self) -> int:
        """Checkouts that did not end in an order."""
        return self.statuses.total() - self.orders

    def figures(self) -> dict[str, float]:
        slowest = sorted(self.seconds)[len(self.seconds) * 19 // 20] if self.seconds else 0.0
        return {"orders": self.orders, "checkout_failures": self.failures, "checkout_p95_s": slowest}

    async def _shop(self) -> None:
        while not self._stop.is_set():
            begun = time.monotonic()
            self.statuses[await self._buy()] += 1
            self.seconds.append(time.monotonic() - begun)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _buy(self) -> str:
        async with Buyer(self.url) as buyer:
            try:
                await buyer.fill_cart(self.slug, self.variant_id)
                await buyer.go_to_delivery()
                status, page = await buyer.place_order()
            except (AssertionError, aiohttp.ClientError, OSError, TimeoutError) as fault:
                return f"{type(fault).__name__}: {fault}"[:200]
        return "placed" if status == 302 and page.endswith("/pay/") else f"{status} {page}"
