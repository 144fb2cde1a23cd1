"""How this process is doing, four times a second, for as long as somebody looks.

The vitals that every process reports are of whole seconds, and a thousand sockets are open within one. So the page has
a meter of its own: it beats in the loop that it measures, a hundred times a second, and stops when nobody looks.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextvars import Context
from typing import NamedTuple

import psutil

from notifications import metrics
from notifications.hub import Hub, current_hub

EVERY = 0.25  # seconds between two samples
BEAT = 0.01
KEPT = int(120 / EVERY)
LOOKS_FOR = 600.0  # seconds, then a page asks anew
MIB = 1024 * 1024


class Sample(NamedTuple):
    at: float  # seconds since 1970
    sockets: int
    lag: float  # the latest beat, in ms
    deliveries: float  # a second; an event handed to one socket is one
    events: float  # a second
    memory: float  # resident, in MiB


class Meter:
    """One per process and loop."""

    def __init__(self, hub: Hub) -> None:
        self.samples: deque[Sample] = deque(maxlen=KEPT)
        self._hub = hub
        self._process = psutil.Process()
        self._beats: deque[tuple[float, float]] = deque(maxlen=int(60 / BEAT))  # when, and how late
        self._looking = 0
        self._beating: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def looked_at(self) -> Iterator[None]:
        self._looking += 1
        if self._beating is None:
            self._beating = asyncio.get_running_loop().create_task(self._beat(), context=Context())
        try:
            yield
        finally:
            self._looking -= 1
            if not self._looking:
                self._beating.cancel()
                self._beating = None

    async def follow(self) -> AsyncIterator[list[Sample]]:
        """First what is kept, then what is new; it ends after a while, and when the server leaves."""
        until, last = time.monotonic() + LOOKS_FOR, 0.0
        with self.looked_at():
            while time.monotonic() < until and not self._hub.draining:
                if fresh := [sample for sample in self.samples if sample.at > last]:
                    last = fresh[-1].at
                    yield fresh
                await asyncio.sleep(EVERY)

    def worst_lag(self, since: float) -> float:
        """In ms, of the beats since then (by the monotonic clock)."""
        return 1000 * max((late for at, late in self._beats if at >= since), default=0.0)

    def memory(self) -> float:
        return self._process.memory_info().rss / MIB

    async def _beat(self) -> None:
        began, grown = time.monotonic(), self._grown()
        while True:
            due = time.monotonic() + BEAT
            await asyncio.sleep(BEAT)
            now = time.monotonic()
            self._beats.append((now, max(0.0, now - due)))
            if now - began >= EVERY:
                before, grown = grown, self._grown()
                self._keep(
                    began, now - began, [after - early for early, after in zip(before, grown, strict=True)]
                )
                began = now

    def _keep(self, began: float, seconds: float, growth: list[int]) -> None:
        deliveries, events = (round(count / seconds, 1) for count in growth)
        self.samples.append(
            Sample(
                at=round(time.time(), 3),
                sockets=self._hub.doors.total(),
                lag=round(self.worst_lag(began), 2),
                deliveries=deliveries,
                events=events,
                memory=round(self.memory(), 2),
            )
        )

    def _grown(self) -> tuple[int, int]:
        """How many deliveries and events there were until now."""
        return self._hub.delivered, events_sent()


def events_sent() -> int:
    """Events that had somebody here to hear them."""
    (family,) = metrics.COMMIT_TO_SEND.collect()
    return int(next(sample.value for sample in family.samples if sample.name.endswith("_count")))


_meters: dict[Hub, Meter] = {}


def meter() -> Meter:
    """Of the running loop."""
    hub = current_hub()
    if hub not in _meters:
        _meters.clear()
        _meters[hub] = Meter(hub)
    return _meters[hub]
