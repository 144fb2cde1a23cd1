"""What sockets cost that only stay: heartbeats, and every second or two the questions whether anything was missed.

For as long as one heartbeat takes to come round, so that each socket has exactly one; less what the server does with
nobody there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.loads import Figure

if TYPE_CHECKING:
    from lab.bench import Bench

TITLE = "Sockets that only stay, each signed in"
UNIT = "sockets"
NEEDS = "sockets"
RUNGS = ("daphne-serve",)
POINTS = (4000,)
QUICK_POINTS = (1000,)
FRESH = True
FIGURES = {"us_per_socket": Figure("µs of server CPU a second for each socket", "less", log=False)}
HEARTBEAT = 25.0  # notifications.protocol.Limits.ping
ALONE, SETTLES = 5.0, 2.0


async def measure(bench: Bench, point: int) -> dict[str, float]:
    alone = await _busy(bench, ALONE)
    await bench.load("open", bench.ports, point, own=await bench.users(point))
    await asyncio.sleep(SETTLES)
    busy = await _busy(bench, HEARTBEAT)
    await bench.load("close")
    return {"us_per_socket": (busy - alone) / point * 1e6, "busy": busy, "busy_alone": alone}


async def _busy(bench: Bench, seconds: float) -> float:
    """Cores."""
    before = bench.cpu_seconds()
    await asyncio.sleep(seconds)
    return (bench.cpu_seconds() - before) / seconds
