"""The parcel's way as a small chart: four ports on a curved course, and how far along it the parcel is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import cos, pi

from shop.orders.models import Order

WIDTH, MIDDLE, SWING = 400, 46, 15
STEPS = 48
PORTS = {"placed": "Ordered", "packed": "Packed", "shipped": "Under way", "delivered": "Delivered"}
# How far along, counted in ports: a paid order is half way to being packed, a shipped parcel is at sea.
PROGRESS = {
    Order.Status.PENDING: 0.0,
    Order.Status.PAID: 0.5,
    Order.Status.PACKED: 1.0,
    Order.Status.SHIPPED: 2.5,
    Order.Status.DELIVERED: 3.0,
}


@dataclass(frozen=True, slots=True)
class Port:
    name: str
    x: float
    y: float
    reached_at: datetime | None
    is_last: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """`course` and `sailed` are SVG paths; the ship stands at `x`, `y`."""

    ports: list[Port]
    course: str
    sailed: str
    x: float
    y: float
    heading: float


def passage_of(status: str, reached: Mapping[str, datetime]) -> Passage | None:
    """None for an order that goes nowhere."""
    if status not in PROGRESS:
        return None
    progress = PROGRESS[Order.Status(status)]
    x, y = _point(progress)
    _, ahead = _point(progress + 0.05)
    last = max((at for at, kind in enumerate(PORTS) if kind in reached), default=0)
    ports = [
        Port(name, *_point(at), reached_at=reached.get(kind), is_last=at == last)
        for at, (kind, name) in enumerate(PORTS.items())
    ]
    return Passage(ports, _path(3.0), _path(progress), x, y, heading=round((ahead - y) * 8, 1))


def _point(progress: float) -> tuple[float, float]:
    """Where the course is after so many ports; the ports stand in the middles of four equal columns."""
    x = WIDTH * (2 * progress + 1) / 8
    return round(x, 1), round(MIDDLE + SWING * cos(pi * progress), 1)


def _path(progress: float) -> str:
    points = [_point(progress * step / STEPS) for step in range(STEPS + 1)]
    return "M" + " ".join(f"{x},{y}" for x, y in points)
