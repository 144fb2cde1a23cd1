"""How each process is doing, second by second, for a page that shows them all.

A process keeps its last two minutes and puts them into the cache every two seconds, where they expire soon
after it is gone. It is done by a thread: a loop that stands still is told of while it stands.
"""

from __future__ import annotations

import logging
import math
import os
import secrets
import socket
import threading
import time
from collections import Counter, deque
from typing import NamedTuple, TypedDict

import prometheus_client
from django.core.cache import cache

from notifications import metrics
from notifications.collectors import OUTBOX, read_figures, read_hubs, shared_thread_queue
from notifications.hub import running_hubs

KEPT = 120
REPORT_EVERY = 2
EXPIRES = 10
PROCESSES = 64  # at most: a cache cannot be asked which keys it has, so they are numbered
QUANTILES_OVER = 10  # seconds

logger = logging.getLogger(__name__)


class Sample(NamedTuple):
    """One second of a process. Times are in milliseconds; None is what was not timed or could not be read."""

    at: int  # seconds since 1970
    sockets: int
    deliveries: float
    lag: float | None
    queue: int
    outbox: float | None
    outbox_age: float | None
    p50: float | None
    p99: float | None
    closes: float
    resumes: float


class Report(TypedDict):
    id: str
    name: str
    place: str
    sockets: dict[str, int]
    closes: dict[str, int]
    resumes: dict[str, int]
    samples: list[Sample]


def reports() -> list[Report]:
    """Of every process that reported within EXPIRES seconds, by name."""
    found = cache.get_many([_key(number) for number in range(PROCESSES)])
    return sorted(found.values(), key=lambda report: (report["name"], report["id"]))


class Reporter(threading.Thread):
    def __init__(self, name: str) -> None:
        super().__init__(name="notifications-vitals", daemon=True)
        self._process = name
        self._id = secrets.token_hex(6)
        self._place = f"{socket.gethostname()}, process {os.getpid()}"
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self._key: str | None = None
        self._is_heard = True
        self._stopping = threading.Event()

    def run(self) -> None:
        sampler = Sampler()
        while not self._stopping.wait(1 - time.time() % 1):
            try:
                self._samples.append(sampler.sample())
                if self._samples[-1].at % REPORT_EVERY == 0:
                    self._write(self._now())
                    self._is_heard = True
            except Exception:  # such as a cache that is away
                if self._is_heard:
                    logger.warning("This process cannot report; trying again.", exc_info=True)
                self._is_heard = False

    def stop(self) -> None:
        self._stopping.set()

    def _write(self, report: Report) -> None:
        if self._key and (cache.get(self._key) or report)["id"] == self._id:
            cache.set(self._key, report, EXPIRES)
        else:
            free = (key for key in map(_key, range(PROCESSES)) if cache.add(key, report, EXPIRES))
            self._key = next(free, None)

    def _now(self) -> Report:
        return {
            "id": self._id,
            "name": self._process,
            "place": self._place,
            "sockets": dict(read_hubs().sockets),
            "closes": dict(_counted(metrics.CLOSES, "code")),
            "resumes": dict(_counted(metrics.RESUMES, "recovered")),
            "samples": list(self._samples),
        }


class Sampler:
    """Turns what only grows into what it grew by."""

    def __init__(self) -> None:
        self._sent: deque[list[int]] = deque([_buckets(metrics.COMMIT_TO_SEND)], maxlen=QUANTILES_OVER)
        self._outbox: list[float | None] = [None, None]
        self._before = _grown()

    def sample(self) -> Sample:
        at, hubs, now = round(time.time()), read_hubs(), _grown()
        seconds = max(now[0] - self._before[0], 0.001)
        deliveries, closes, resumes = (
            round((late - early) / seconds, 1) for early, late in zip(self._before[1:], now[1:], strict=True)
        )
        self._before = now
        self._sent.append(_buckets(metrics.COMMIT_TO_SEND))
        sent = [late - early for early, late in zip(self._sent[0], self._sent[-1], strict=True)]
        if at % REPORT_EVERY == 0:
            self._outbox = [*(read_figures(OUTBOX) or (None, None))]
        return Sample(
            at=at,
            sockets=hubs.sockets.total(),
            deliveries=deliveries,
            lag=_milliseconds(max((hub.worst_lag() for hub in running_hubs()), default=None)),
            queue=hubs.queue + shared_thread_queue(),
            outbox=self._outbox[0],
            outbox_age=self._outbox[1],
            p50=_milliseconds(quantile(0.5, sent)),
            p99=_milliseconds(quantile(0.99, sent)),
            closes=closes,
            resumes=resumes,
        )


def _grown() -> tuple[float, int, float, float]:
    """When (by time.monotonic()), and how many deliveries, closes and resumes there were until then."""
    closes, resumes = _counted(metrics.CLOSES, "code"), _counted(metrics.RESUMES, "recovered")
    return time.monotonic(), read_hubs().delivered, closes.total(), resumes.total()


def _counted(counter: prometheus_client.Counter, label: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for metric in counter.collect():
        for sample in metric.samples:
            if sample.name.endswith("_total"):
                counts[sample.labels[label]] += int(sample.value)
    return counts


def _buckets(histogram: prometheus_client.Histogram) -> list[int]:
    """How many took at most so long, for each edge of metrics.SECONDS and then for all."""
    (metric,) = histogram.collect()
    return [int(sample.value) for sample in metric.samples if sample.name.endswith("_bucket")]


def quantile(share: float, counts: list[int]) -> float | None:
    """Seconds, as near as the edges of metrics.SECONDS tell; None if nothing was timed. `counts` as of `_buckets`."""
    wanted, low, fewer = share * counts[-1], 0.0, 0
    for edge, count in zip((*metrics.SECONDS, math.inf), counts, strict=True):
        if count and count >= wanted:
            return low if edge == math.inf else low + (edge - low) * (wanted - fewer) / (count - fewer)
        low, fewer = edge, count
    return None


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 1)


def _key(number: int) -> str:
    return f"notifications.vitals.{number}"
