"""An hour of a shop in seconds: some browse, some buy, pages listen. What does each do to the others' waiting?

Each kind first alone, then all of them together, at the same rates: the difference is what they cost one another in one
process. A point multiplies all the rates.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lab.loads import Figure
from lab.loads.checkout import LATENCY_MS, buy
from lab.loads.fan_out import fan_out
from lab.reading import TORNADO
from lab.wire.http import request

if TYPE_CHECKING:
    from lab.bench import Bench

TITLE = "A mixed hour in small"
UNIT = "times the usual rates"
NEEDS = "sockets"
RUNGS = (*TORNADO, "daphne-serve")
POINTS = (1, 4)
QUICK_POINTS = ()
READS, ORDERS, SOCKETS = 25, 3, 250  # the usual rates: reads and orders a second, and pages that listen
EVENTS = 12
PHASE_SECONDS = 1.5
FIGURES = {
    "delivery_p99_ms": Figure("an event reaches a page after, 99th percentile, all together, ms", "less"),
    "delivery_alone_p99_ms": Figure("the same, with nothing beside it", "less"),
    "read_p99_ms": Figure("a read is answered after, 99th percentile, all together, ms", "less"),
    "read_alone_p99_ms": Figure("the same, with nothing beside it", "less"),
    "order_p99_ms": Figure("an order is placed and known to the provider after, all together, ms", "less"),
    "order_alone_p99_ms": Figure("the same, with nothing beside it", "less"),
}


async def prepare(bench: Bench) -> None:
    await bench.load("provider_takes", LATENCY_MS)
    bench.kept["slugs"] = await bench.write("lab.selling.catalogue")
    await buy(bench, 4, 10)


async def measure(bench: Bench, point: int) -> dict[str, float]:
    stream = await bench.stream()
    await bench.load("open", bench.ports, SOCKETS * point, streams=[stream])
    try:
        alone = [
            await _deliver(bench, stream, point),
            await _browse(bench, point),
            await _buy(bench, point),
        ]
        together = await asyncio.gather(
            _deliver(bench, stream, point), _browse(bench, point), _buy(bench, point)
        )
    finally:
        await bench.load("close")
    kinds = ("delivery", "read", "order")
    figures = {f"{kind}_alone_p99_ms": one["p99_ms"] for kind, one in zip(kinds, alone, strict=True)}
    figures |= {f"{kind}_p99_ms": one["p99_ms"] for kind, one in zip(kinds, together, strict=True)}
    return figures | {"missing": together[0]["missing"], "load_busy": together[1]["load_busy"]}


async def _deliver(bench: Bench, stream: str, point: int) -> dict[str, Any]:
    begun = asyncio.get_running_loop().time()
    seen = await fan_out(bench, stream, EVENTS, SOCKETS * point)
    left = PHASE_SECONDS - (asyncio.get_running_loop().time() - begun)
    await asyncio.sleep(max(0.0, left))
    return {**seen, "p99_ms": seen["last_p99_ms"]}


async def _browse(bench: Bench, point: int) -> dict[str, Any]:
    port = bench.server.port
    prints = [f"/api/v1/products/{slug}/" for slug in bench.kept["slugs"]]
    asked = [request(path, f"127.0.0.1:{port}") for path in ("/api/v1/products/", *prints)]
    seen = await bench.load("opened", port, asked, READS * point, PHASE_SECONDS, connections=50)
    if seen["errors"]:
        raise RuntimeError(f"{seen['errors']} of {seen['requests']} reads were refusals: {seen['statuses']}")
    return dict(seen)


async def _buy(bench: Bench, point: int) -> dict[str, Any]:
    return await buy(bench, int(ORDERS * point * PHASE_SECONDS), ORDERS * point)
