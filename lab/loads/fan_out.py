"""One event to everybody who follows a product: the stock of a print changes, and so many pages show it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lab.loads import Figure

if TYPE_CHECKING:
    from lab.bench import Bench

TITLE = "Fan-out: one event to N sockets"
UNIT = "sockets"
NEEDS = "sockets"
RUNGS = (
    "bare-uvloop",
    "tornado",
    "tornado-tuned",
    "channels-tutorial",
    "daphne-stock",
    "daphne-serve",
    "uvicorn",
)
POINTS = (100, 1000, 5000, 10_000)
QUICK_POINTS = (100, 1000)
# The first is quadratic: the next point would take minutes for each event.
MOST = {"channels-tutorial": 1000, "daphne-stock": 1000, "uvicorn": 1000}
FIGURES = {
    "deliveries_per_core": Figure("deliveries per second of server CPU"),
    "last_p50_ms": Figure("the last client has it after, median, ms", "less"),
    "last_p99_ms": Figure("the last client has it after, worst, ms", "less"),
}
EVENTS, LEAST, SPELL = 20, 3, 4.0
# So many deliveries make a second of work for most, and no more events than that are worth the time.
DELIVERIES = 100_000


async def measure(bench: Bench, point: int) -> dict[str, float]:
    stream, events = await bench.stream(), max(5, min(EVENTS, DELIVERIES // point))
    await bench.load("open", bench.ports, point, streams=[stream])
    await fan_out(bench, stream, 2, point)  # the first ones pay for what is built once
    before, begun = bench.cpu_seconds(), time.monotonic()
    seen = await fan_out(bench, stream, events, point)
    spent, seconds = bench.cpu_seconds() - before, time.monotonic() - begun
    await bench.load("close")
    return {
        "deliveries_per_core": seen["deliveries"] / spent,
        "last_p50_ms": seen["last_p50_ms"],
        "last_p99_ms": seen["last_p99_ms"],
        "event_ms": seconds / seen["deliveries"] * point * 1000,
        "missing": seen["missing"],
        "load_busy": seen["load_busy"],
    }


async def fan_out(bench: Bench, stream: str, events: int, sockets: int) -> dict[str, float]:
    """Each event goes out when the one before has reached everybody: how long one takes, not how long a queue is.

    Fewer than asked for, where they take long.
    """
    await bench.load("forget")
    committed: list[float] = []
    until = time.monotonic() + SPELL
    for number in range(events):
        committed += await bench.write("lab.writing.say", stream, first=number)
        await bench.load("expect", (number + 1) * sockets, {stream: committed})
        if number + 1 >= LEAST and time.monotonic() > until:
            break
    return dict(await bench.load("expect", len(committed) * sockets, {stream: committed}))
