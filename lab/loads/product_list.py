"""The first page of the product list, 24 prints, as an app asks for it: from what each side keeps of its answers.

The shop drops what it keeps as soon as a commit changes it, and asks the database for that with each read; the Tornado
server keeps it for seconds, as people write it, and may be that much behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.reading import FIGURES, POINTS, QUICK_POINTS, TORNADO, read

if TYPE_CHECKING:
    from lab.bench import Bench

__all__ = ["FIGURES", "POINTS", "QUICK_POINTS"]

TITLE = "Product list, from the cache"
UNIT = "connections"
NEEDS = "api"
RUNGS = (*TORNADO, "daphne-serve")
SOCKETS = 1


async def prepare(bench: Bench) -> None:
    await bench.write("lab.selling.catalogue")


async def measure(bench: Bench, point: int) -> dict[str, float]:
    return await read(bench, ["/api/v1/products/"], point)
