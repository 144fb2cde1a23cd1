"""Signed-in clients that only stay: what each costs as it comes, while it is there, and when all come back at once.

Each has a session of its own in the database, as a browser has, and its own stream. The storm is the same clients cut
off in one moment; all of them try again in the next.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.loads import Figure

if TYPE_CHECKING:
    from lab.bench import Bench

TITLE = "Idle sockets, each signed in"
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
POINTS = (100, 1000, 5000, 10_000)
QUICK_POINTS = (100, 1000)
MOST = {"channels-tutorial": 1000}
FIGURES = {
    "kib_per_socket": Figure("KiB of the server for each socket", "less", log=False),
    "handshakes_per_core": Figure("handshakes per second of server CPU"),
    "back_s": Figure("all are back after, s", "less"),
}
SECONDS = 8.0
FRESH = True
WARM = 50
SETTLE_SECONDS = 0.5


async def prepare(bench: Bench) -> None:
    """What a server builds once for all is not the first sockets' memory."""
    await bench.load("open", bench.ports, WARM, own=await bench.users(WARM))
    await bench.load("close")
    await asyncio.sleep(SETTLE_SECONDS)
    bench.kept["base"] = bench.memory()


async def measure(bench: Bench, point: int) -> dict[str, float]:
    users = await bench.users(point)
    before = bench.cpu_seconds()
    came = await bench.load("open", bench.ports, point, own=users)
    spent = bench.cpu_seconds() - before
    await asyncio.sleep(SETTLE_SECONDS)
    memory = bench.memory() - bench.kept["base"]
    before = bench.cpu_seconds()
    await bench.load("cut")
    back = await bench.load("open", bench.ports, point, own=users, at_once=point)
    storm = bench.cpu_seconds() - before
    await bench.load("close")
    return {
        "kib_per_socket": memory / point / 1024,
        "handshakes_per_core": point / spent,
        "handshakes_per_s": point / came["seconds"],
        "handshake_p50_ms": came["p50_ms"],
        "handshake_p99_ms": came["p99_ms"],
        "back_s": back["seconds"],
        "back_p50_ms": back["p50_ms"],
        "storm_per_core": point / storm,
        "signed_in": came["readers"] / point,
        "load_busy": max(came["load_busy"], back["load_busy"]),
    }
