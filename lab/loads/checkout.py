"""Carts become orders at a rising rate, and each is made known to a payment provider that takes 300 ms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.loads import Figure
from lab.reading import TORNADO

if TYPE_CHECKING:
    from lab.bench import Bench

TITLE = "Checkout with a payment call of 300 ms"
UNIT = "orders offered per second"
NEEDS = "api"
RUNGS = (*TORNADO, "daphne-serve")
POINTS = (10, 20, 40, 80, 160)
MOST = {"daphne-serve": 40}  # it bends before
QUICK_POINTS = (10,)
LATENCY_MS = 300
FIGURES = {
    "done_per_second": Figure("orders per second"),
    "p99_ms": Figure("from the click to the payment sheet, 99th percentile, ms", "less"),
    "orders_per_core": Figure("orders per second of server CPU"),
}
BUYING_SECONDS = 2.5
FEWEST = 20
BENDS_MS = 10_000.0  # who answers later than this is offered no more


async def prepare(bench: Bench) -> None:
    await bench.load("provider_takes", LATENCY_MS)
    await buy(bench, 4, 10)


async def measure(bench: Bench, point: int) -> dict[str, float]:
    before = bench.cpu_seconds()
    seen = await buy(bench, max(FEWEST, int(point * BUYING_SECONDS)), point)
    spent = bench.cpu_seconds() - before
    if seen["p99_ms"] > BENDS_MS:
        raise RuntimeError(f"offered {point} a second, {seen['done_per_second']:.0f} are done: it bends here")
    return seen | {"orders_per_core": seen["done"] / spent}


async def buy(bench: Bench, count: int, rate: float) -> dict[str, float]:
    """Raises RuntimeError unless all of them have what they wanted."""
    carts = await bench.write("lab.selling.carts", count)
    seen = await bench.load("buy", bench.server.port, carts, rate)
    if seen["done"] < count:
        raise RuntimeError(f"of {count} purchases: {seen['outcomes']}")
    del seen["outcomes"]
    return {**seen, "done_per_second": count / seen["seconds"]}
