"""The first page of the product list, 24 prints, read from the database and rendered for each who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.reading import DJANGO, FIGURES, FROM_DATABASE, POINTS, QUICK_POINTS, SECONDS, TORNADO, read

if TYPE_CHECKING:
    from lab.bench import Bench

__all__ = ["FIGURES", "POINTS", "QUICK_POINTS", "SECONDS"]

TITLE = "Product list, from the database"
UNIT = "connections"
NEEDS = "api"
RUNGS = (*TORNADO, *DJANGO)
SOCKETS = 1
ENVIRONMENT = FROM_DATABASE


async def prepare(bench: Bench) -> None:
    await bench.write("lab.selling.catalogue")


async def measure(bench: Bench, point: int) -> dict[str, float]:
    return await read(bench, ["/api/v1/products/"], point)
