"""A buyer's order changes while a thousand others are told of something else, more and more often.

From the commit of the order's event until its buyer's client has it. The others follow one product; each of its events
goes to all of them, so a point of 10 is ten thousand deliveries a second beside what is measured.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.loads import Figure

if TYPE_CHECKING:
    from lab.bench import Bench

TITLE = "From commit to arrival, beside 1,000 busy sockets"
UNIT = "events per second to all"
NEEDS = "sockets"
RUNGS = (
    "bare-uvloop",
    "tornado",
    "tornado-tuned",
    "channels-tutorial",
    "daphne-stock",
    "daphne-serve",
)
POINTS = (5, 20, 40)
QUICK_POINTS = (5, 20)
MOST = {"channels-tutorial": 5, "daphne-stock": 20}
FIGURES = {
    "p99_ms": Figure("p99, ms from the commit", "less"),
    "p50_ms": Figure("median, ms from the commit", "less"),
}
OTHERS, BUYERS = 1000, 50
SPELL, EVERY = 3.0, 0.05


async def measure(bench: Bench, point: int) -> dict[str, float]:
    stream, buyers = await bench.stream(), await bench.users(BUYERS)
    own = [name for name, _ in buyers]
    await bench.load("open", bench.ports, OTHERS, streams=[stream])
    await bench.load("open", bench.ports, BUYERS, own=buyers)
    await bench.load("forget")
    before = bench.cpu_seconds()
    orders = (own * 10)[: int(SPELL / EVERY)]
    events = int(point * SPELL)
    written, _ = await asyncio.gather(
        bench.write("lab.writing.say_to_each", orders, every=EVERY),
        bench.write("lab.writing.say", stream, events, every=1 / point),
    )
    committed = {name: dict(_by_count(orders, written, name)) for name in own}
    seen = await bench.load("expect", len(orders) + events * OTHERS)
    mine = await bench.load("lateness", committed)
    spent = bench.cpu_seconds() - before
    await bench.load("close")
    return {
        "p99_ms": mine["p99_ms"],
        "p50_ms": mine["p50_ms"],
        "max_ms": mine["max_ms"],
        "server_busy": spent / SPELL,
        "missing": seen["missing"] + len(orders) - mine["deliveries"],
        "load_busy": seen["load_busy"],
    }


def _by_count(orders: list[str], written: list[float], name: str) -> list[tuple[int, float]]:
    return [(n, written[n]) for n, stream in enumerate(orders) if stream == name]
