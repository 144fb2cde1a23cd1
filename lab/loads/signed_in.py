"""Clients that are signed in: what each costs as it comes and stays, one message for each, and all coming back.

Each has a session of its own in the database, as a browser has, and its own stream. They only stay; then one
transaction tells each of them something. The storm is the same clients cut off in one moment; all of them try again in
the next, and those that find no room come back a little later.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.loads import Figure

if TYPE_CHECKING:
    from lab.bench import Bench

TITLE = "Signed-in sockets"
UNIT = "sockets"
NEEDS = "sockets"
RUNGS = (
    "bare-uvloop",
    "tornado",
    "tornado-tuned",
    "channels-tutorial",
    "daphne-stock",
    "daphne-serve",
)
POINTS = (1000, 10_000)
QUICK_POINTS = (100, 1000)
MOST = {"channels-tutorial": 1000, "daphne-stock": 1000}
PATIENCE = 20.0  # seconds for all to come back
FIGURES = {
    "kib_per_socket": Figure("KiB of the server for each idle socket", "less", log=False),
    "handshakes_per_core": Figure("handshakes per second of server CPU"),
    "each_last_ms": Figure("one message each: the last one has it after, ms from the commit", "less"),
    "each_per_core": Figure("one message each: deliveries per second of server CPU"),
    "back_share": Figure(f"cut off at once: share that is back within {PATIENCE:.0f} s", log=False),
    "back_s": Figure("... and when the last of them is, s", "less"),
}
FRESH = True
WARM = 50
SETTLE_SECONDS = 0.5


async def prepare(bench: Bench) -> None:
    """What a server builds once for all is not the first sockets' memory."""
    users = await bench.users(WARM)
    await bench.load("open", bench.ports, WARM, own=users)
    await _tell_each(bench, [stream for stream, _ in users])
    await bench.rest()
    await asyncio.sleep(SETTLE_SECONDS)
    bench.kept["base"] = bench.memory()


async def measure(bench: Bench, point: int) -> dict[str, float]:
    users = await bench.users(point)
    before = bench.cpu_seconds()
    came = await bench.load("open", bench.ports, point, own=users)
    coming = bench.cpu_seconds() - before
    await asyncio.sleep(SETTLE_SECONDS)
    memory = bench.memory() - bench.kept["base"]
    seen, telling = await _tell_each(bench, [stream for stream, _ in users])
    before = bench.cpu_seconds()
    await bench.load("cut")
    back = await bench.load("open", bench.ports, point, own=users, at_once=point, patience=PATIENCE)
    coming_back = bench.cpu_seconds() - before
    await bench.load("close")
    return {
        "kib_per_socket": memory / point / 1024,
        "handshakes_per_core": point / coming,
        "handshakes_per_s": point / came["seconds"],
        "handshake_p50_ms": came["p50_ms"],
        "handshake_p99_ms": came["p99_ms"],
        "signed_in": came["readers"] / point,
        "each_last_ms": seen["max_ms"],
        "each_p50_ms": seen["p50_ms"],
        "each_per_core": seen["deliveries"] / telling,
        "missing": seen["missing"],
        "back_s": back["seconds"],
        "back_share": back["open"] / point,
        "back_p50_ms": back["p50_ms"],
        "back_per_core": back["open"] / coming_back,
        "back_refused": back["refused"],
        "load_busy": max(came["load_busy"], back["load_busy"], seen["load_busy"]),
    }


async def _tell_each(bench: Bench, streams: list[str]) -> tuple[dict[str, float], float]:
    """What was seen, and the server's CPU from the commit on: what is written before it is not the server's work."""
    saying = asyncio.create_task(bench.write("lab.writing.say_together", streams))
    await bench.write("lab.writing.written")
    await bench.load("forget")
    before = bench.cpu_seconds()
    await bench.write("lab.writing.commit")
    committed = await saying
    seen = await bench.load("expect", len(streams), {stream: [committed] for stream in streams})
    return seen, bench.cpu_seconds() - before
