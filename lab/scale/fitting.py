"""Costs by least squares: each measurement is a sum of amounts, and each amount has a cost of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

type Costs = dict[str, float]


class Measured(NamedTuple):
    """Such as `{"processes": 4, "deliveries": 4000}` and the CPU that an event took with them."""

    amounts: Mapping[str, float]
    value: float


class TooFewPoints(ValueError):
    """The measurements do not tell these costs apart."""


def fit(points: Sequence[Measured]) -> Costs:
    """A point that is ten times as large may be wrong by ten times as much: what is made small is the share.

    What comes out below nothing is set to nothing and the rest fitted anew: nothing gives CPU or memory back.
    """
    names = sorted({name for point in points for name in point.amounts})
    costs = dict.fromkeys(names, 0.0)
    while names:
        found = _solve(points, names)
        if min(found.values()) >= 0:
            return costs | found
        names.remove(min(names, key=found.__getitem__))
    raise TooFewPoints("None of the costs is above nothing.")


def predict(costs: Mapping[str, float], amounts: Mapping[str, float]) -> float:
    return sum(costs[name] * amount for name, amount in amounts.items())


def error(costs: Mapping[str, float], point: Measured) -> float:
    """As a share of what was measured; above nothing where the model says too much."""
    return predict(costs, point.amounts) / point.value - 1


def _solve(points: Sequence[Measured], names: Sequence[str]) -> Costs:
    rows = np.array([[point.amounts.get(name, 0.0) / point.value for name in names] for point in points])
    scale = np.abs(rows).max(axis=0)
    scale[scale == 0] = 1.0
    found, _, rank, _ = np.linalg.lstsq(rows / scale, np.ones(len(points)), rcond=1e-9)
    if rank < len(names):
        raise TooFewPoints(f"{len(points)} points do not tell {', '.join(names)} apart.")
    return dict(zip(names, map(float, found / scale), strict=True))
