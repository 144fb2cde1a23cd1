"""One print after another in full, sixty of them, from what each side keeps of its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.reading import FIGURES, TORNADO, read

if TYPE_CHECKING:
    from lab.bench import Bench

__all__ = ["FIGURES"]

TITLE = "A product, from the cache"
UNIT = "connections"
NEEDS = "api"
RUNGS = (*TORNADO, "daphne-serve")
SOCKETS = 1
QUICK_POINTS = ()
POINTS = (1, 16, 256)


async def prepare(bench: Bench) -> None:
    bench.kept["slugs"] = await bench.write("lab.selling.catalogue")


async def measure(bench: Bench, point: int) -> dict[str, float]:
    return await read(bench, [f"/api/v1/products/{slug}/" for slug in bench.kept["slugs"]], point)
