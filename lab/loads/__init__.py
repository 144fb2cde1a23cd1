"""One load a file. What is here is found by its name: `fan_out.py` is the load `fan-out`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from lab.bench import Bench


@dataclass(frozen=True)
class Figure:
    """One thing that a load measures. `log` draws its axis in powers."""

    title: str
    better: Literal["more", "less"] = "more"
    log: bool = True


class Load(Protocol):
    """What a module in here has.

    Optional beside it: `MOST: dict[rung, point]`, the highest point that is asked of a rung; `FRESH`, where the server
    must be one that did nothing before; `ENVIRONMENT`, what it adds to that of each rung; `SOCKETS`, how many
    connections a point needs for each that it counts; and `async def prepare(bench)`, once before the first point.
    """

    __doc__: str
    TITLE: str
    UNIT: str  # what a point counts, such as "sockets"
    NEEDS: str  # what a rung must offer
    RUNGS: Sequence[str]
    POINTS: Sequence[int]
    QUICK_POINTS: Sequence[int]
    FIGURES: Mapping[str, Figure]  # the first is the one that is drawn

    async def measure(self, bench: Bench, point: int) -> dict[str, float]: ...


def names() -> list[str]:
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))


def find(name: str) -> Load:
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}")  # type: ignore[return-value]
