"""So many buyers with the same print in their carts click in one moment; there is one print for every ten of them."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from lab.loads import Figure
from lab.reading import TORNADO

if TYPE_CHECKING:
    from lab.bench import Bench

TITLE = "Flash sale"
UNIT = "buyers at once"
NEEDS = "api"
RUNGS = (*TORNADO, "daphne-serve")
POINTS = (100, 1000)
QUICK_POINTS = ()
FIGURES = {
    "all_answered_s": Figure("everybody knows after, s", "less"),
    "p99_ms": Figure("whoever gets one knows after, 99th percentile, ms", "less"),
    "clicks_per_core": Figure("clicks answered per second of server CPU"),
    "oversold": Figure("sold beyond what there was", "less", log=False),
}
SOCKETS = 1
SHARE = 10
TOO_LATE = "out_of_stock"
_numbers = count(1)


async def measure(bench: Bench, point: int) -> dict[str, float]:
    units = point // SHARE
    variant = await bench.write("lab.selling.scarce", f"scarce-{bench.rung.name}-{next(_numbers)}", units)
    carts = await bench.write("lab.selling.carts", point, only=variant)
    before = bench.cpu_seconds()
    seen = await bench.load("buy", bench.server.port, carts, 1.0, pays=False, at_once=True)
    spent = bench.cpu_seconds() - before
    sold = await bench.write("lab.selling.sold", variant)
    outcomes = seen["outcomes"]
    if outcomes.keys() - {"done", TOO_LATE} or sold["orders"] != sold["held"]:
        raise RuntimeError(f"of {point} buyers of {units} prints: {outcomes}, {sold}")
    return {
        "all_answered_s": seen["seconds"],
        "p99_ms": seen["p99_ms"],
        "clicks_per_core": point / spent,
        "oversold": max(0, sold["orders"] - units),
        "unsold": max(0, units - sold["orders"]),
        "load_busy": seen["load_busy"],
    }
