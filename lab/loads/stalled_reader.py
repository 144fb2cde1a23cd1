"""Clients that subscribe and then never read, among those that do, while more and more is said.

Twenty are silent, twenty read. A server that buffers what is not read grows with every event; one with a window keeps
to it, and the log has the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.loads import Figure

if TYPE_CHECKING:
    from lab.bench import Bench

TITLE = "Readers that never read"
UNIT = "MiB said to each"
NEEDS = "sockets"
RUNGS = ("tornado", "tornado-tuned", "channels-tutorial", "daphne-stock", "daphne-serve")
POINTS = QUICK_POINTS = (2,)
FIGURES = {
    "kib_each": Figure("KiB the server keeps for each of them", "less", log=False),
    "others_p99_ms": Figure("the others' p99, ms from the commit", "less"),
}
SILENT, OTHERS = 20, 20
SIZE = 15_000
KEPT = 600  # events: more than any server remembers of a stream


async def prepare(bench: Bench) -> None:
    """What a server keeps of a stream for all, it keeps before anybody is silent."""
    stream = await bench.stream()
    await bench.load("open", bench.ports, OTHERS, streams=[stream])
    await bench.load("forget")
    committed = await bench.write("lab.writing.say", stream, KEPT, size=SIZE)
    await bench.load("expect", KEPT * OTHERS, {stream: committed})
    await bench.load("close")


async def measure(bench: Bench, point: int) -> dict[str, float]:
    stream, events = await bench.stream(), point * 2**20 // SIZE
    await bench.load("open", bench.ports, OTHERS, streams=[stream])
    await bench.load("open", bench.ports, SILENT, streams=[stream], deaf=True)
    await bench.load("forget")
    await bench.settle()
    before = bench.memory()
    committed = await bench.write("lab.writing.say", stream, events, size=SIZE)
    seen = await bench.load("expect", events * OTHERS, {stream: committed})
    grown = bench.memory() - before
    await bench.load("close")
    return {
        "kib_each": max(0.0, grown / SILENT / 1024),
        "others_p50_ms": seen["p50_ms"],
        "others_p99_ms": seen["p99_ms"],
        "missing": seen["missing"],
        "load_busy": seen["load_busy"],
    }
