"""Pages of the storefront as a guest turns them: the front page, the list, one print after another. Django's alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.reading import FIGURES, read

if TYPE_CHECKING:
    from lab.bench import Bench

__all__ = ["FIGURES"]

TITLE = "Pages of the storefront"
UNIT = "connections"
NEEDS = "http"
RUNGS = ("wsgi-threads", "daphne-serve")
SOCKETS = 1
QUICK_POINTS = ()
POINTS = (1, 64)
PRINTS = 4  # looked at for each list


async def prepare(bench: Bench) -> None:
    bench.kept["slugs"] = await bench.write("lab.selling.catalogue")


async def measure(bench: Bench, point: int) -> dict[str, float]:
    prints = [f"/products/{slug}/" for slug in bench.kept["slugs"]]
    paths = []
    for start in range(0, len(prints), PRINTS):
        paths += ["/", "/products/", *prints[start : start + PRINTS]]
    return await read(bench, paths, point)
