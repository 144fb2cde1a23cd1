"""The first page of the product list, 24 prints, read from the database and rendered for each who asks.

On Django by the shop's own view, through the ORM and serializers, and once by an asynchronous view that does by hand
what Tornado's handler does (lab/by_hand.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.reading import BY_HAND, FIGURES, FROM_DATABASE, POINTS, QUICK_POINTS, TORNADO, read

if TYPE_CHECKING:
    from lab.bench import Bench

__all__ = ["FIGURES", "POINTS", "QUICK_POINTS"]

TITLE = "Product list, from the database"
UNIT = "connections"
NEEDS = "api"
RUNGS = (*TORNADO, "wsgi-threads", "daphne-serve", BY_HAND)
MOST = {"wsgi-threads": 16}
SOCKETS = 1
ENVIRONMENT = FROM_DATABASE


async def prepare(bench: Bench) -> None:
    await bench.write("lab.selling.catalogue")


async def measure(bench: Bench, point: int) -> dict[str, float]:
    path = "/lab/read/asyncpg/" if bench.rung.name == BY_HAND else "/api/v1/products/"
    return await read(bench, [path], point)
