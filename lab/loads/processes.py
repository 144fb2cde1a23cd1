"""The same fan-out from several processes, which hear of each event through Valkey; all share one processor.

What is asked is what another process costs, not how much faster more processors are: docs/scale.md has a model of that.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lab.loads import Figure
from lab.loads.fan_out import fan_out

if TYPE_CHECKING:
    from lab.bench import Bench

TITLE = "Fan-out to 2,000 sockets from several processes"
UNIT = "processes"
NEEDS = "sockets"
RUNGS = ("tornado", "tornado-tuned", "channels-tutorial-redis", "daphne-serve")
POINTS = (1, 2, 4)
MOST = {"channels-tutorial-redis": 2}
QUICK_POINTS = (1, 2)
FIGURES = {
    "deliveries_per_core": Figure("deliveries per second of server CPU", log=False),
    "last_p50_ms": Figure("the last client has it after, median, ms", "less"),
}
SOCKETS, EVENTS = 2000, 10


async def measure(bench: Bench, point: int) -> dict[str, float]:
    bench.start(point)
    stream = await bench.stream()
    await bench.load("open", bench.ports, SOCKETS, streams=[stream])
    await fan_out(bench, stream, 2, SOCKETS)
    before, begun = bench.cpu_seconds(), time.monotonic()
    seen = await fan_out(bench, stream, EVENTS, SOCKETS)
    spent, seconds = bench.cpu_seconds() - before, time.monotonic() - begun
    memory = bench.memory()
    await bench.load("close")
    return {
        "deliveries_per_core": seen["deliveries"] / spent,
        "last_p50_ms": seen["last_p50_ms"],
        "last_p99_ms": seen["last_p99_ms"],
        "memory_mib": memory / 2**20,
        "event_ms": seconds / seen["deliveries"] * SOCKETS * 1000,
        "missing": seen["missing"],
        "load_busy": seen["load_busy"],
    }
