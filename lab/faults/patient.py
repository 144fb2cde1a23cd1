"""Buyers who come again when they are told to: what they were told, and what they were promised.

An order is promised once the page answered the click with its address; it must be there afterwards.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from typing import Any, Self

import aiohttp

from lab.faults.provider import confirm
from shop.outages import MESSAGE
from tests.buyer import Buyer

PAUSE_SECONDS = 0.5  # a person reads; these only must not hammer
GIVES_UP_AFTER = 90.0


class Patients:
    """Use as `with Patients(url, slug, variant_id, count) as buyers`; each buys one order after another."""

    def __init__(self, url: str, slug: str, variant_id: int, count: int) -> None:
        self.url, self.slug, self.variant_id, self.count = url, slug, variant_id, count
        self.answers: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()
        self.promised: dict[str, float] = {}  # the order's key, and when it was
        self.slowest_refusal = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._crowd()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Lets each finish what is in hand."""
        self._stop.set()
        self._thread.join(GIVES_UP_AFTER + 30)

    def promise_after(self, moment: float, within: float) -> float:
        """Waits until somebody is promised an order again. Seconds since then, or endless."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            if later := [at - moment for at in list(self.promised.values()) if at > moment]:
                return min(later)
            time.sleep(0.05)
        return float("inf")

    def figures(self) -> dict[str, float]:
        return {
            "answers": self.answers.total(),
            "answers_503": self.answers[503],
            "other_faults": self.faults.total(),
            "slowest_503_s": self.slowest_refusal,
            "promised": len(self.promised),
        }

    async def _crowd(self) -> None:
        await asyncio.gather(*(self._shop(number) for number in range(self.count)))

    async def _shop(self, number: int) -> None:
        await asyncio.sleep(number * PAUSE_SECONDS / self.count)
        while not self._stop.is_set():
            try:
                async with Buyer(self.url, middlewares=[self._come_again]) as buyer:
                    await self._buy(buyer)
            except (AssertionError, aiohttp.ClientError, OSError, TimeoutError) as fault:
                self.faults[f"{type(fault).__name__}: {fault}"[:300]] += 1
                await asyncio.sleep(PAUSE_SECONDS)

    async def _buy(self, buyer: Buyer) -> None:
        await buyer.fill_cart(self.slug, self.variant_id)
        await buyer.go_to_delivery()
        status, location = await buyer.place_order()
        assert (status, location.endswith("/pay/")) == (302, True), f"{status} {location}"
        self.promised[location.split("/")[-3]] = time.monotonic()
        paid = await confirm(buyer, (await buyer.get(location))[1])
        assert paid, "the card could not be sent"

    async def _come_again(self, request: aiohttp.ClientRequest, send: Any) -> aiohttp.ClientResponse:
        until = time.monotonic() + GIVES_UP_AFTER
        while True:
            begun = time.monotonic()
            answer: aiohttp.ClientResponse = await send(request)
            self.answers[answer.status] += 1
            if answer.status != 503 or time.monotonic() > until:
                if answer.status >= 500:
                    self.faults[f"{answer.status} {request.url.path[:30]}"] += 1
                return answer
            self.slowest_refusal = max(self.slowest_refusal, time.monotonic() - begun)
            if "Retry-After" not in answer.headers or not _has_words(await answer.text()):
                self.faults[f"503 without a word of when, at {request.url.path[:30]}"] += 1
            await asyncio.sleep(PAUSE_SECONDS)


def _has_words(page: str) -> bool:
    """Ours, or the page of an order whose payment provider is out of reach."""
    return MESSAGE in page or "Nothing was charged" in page
