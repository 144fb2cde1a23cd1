"""One message for each of N people, all in one transaction: prices change, and everybody's orders are told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.loads import Figure

if TYPE_CHECKING:
    from lab.bench import Bench

TITLE = "One message each to N people"
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
    "granian",
)
POINTS = (100, 1000, 10_000)
QUICK_POINTS = (100, 1000)
MOST = {"channels-tutorial": 1000}
FIGURES = {
    "last_ms": Figure("the last one has it after, ms from the commit", "less"),
    "deliveries_per_core": Figure("deliveries per second of server CPU"),
}
SECONDS = 12.0


async def measure(bench: Bench, point: int) -> dict[str, float]:
    users = await bench.users(point)
    streams = [stream for stream, _ in users]
    await bench.load("open", bench.ports, point, own=users)
    await _say(bench, streams[: min(50, point)])
    seen, spent = await _say(bench, streams)
    await bench.load("close")
    return {
        "last_ms": seen["max_ms"],
        "p50_ms": seen["p50_ms"],
        "deliveries_per_core": seen["deliveries"] / spent,
        "missing": seen["missing"],
        "load_busy": seen["load_busy"],
    }


async def _say(bench: Bench, streams: list[str]) -> tuple[dict[str, float], float]:
    """What was seen, and the server's CPU from the commit on: what is written before it is not the server's work."""
    saying = asyncio.create_task(bench.write("lab.writing.say_together", streams))
    await bench.write("lab.writing.written")
    await bench.load("forget")
    before = bench.cpu_seconds()
    await bench.write("lab.writing.commit")
    committed = await saying
    seen = await bench.load("expect", len(streams), {stream: [committed] for stream in streams})
    return seen, bench.cpu_seconds() - before
