"""The parts of a lighthouse print: towers, lanterns, beams and glass, and the strip that counts the flashes."""

from collections.abc import Sequence
from math import cos, pi, radians, sin

import numpy as np

from .press import (
    Plate,
    Point,
    rng,
)


def flashes(n: int, on: float, off: float, period: float) -> list[tuple[float, float]]:
    """When a group of `n` flashes is alight, in seconds, and again each period through a minute."""
    starts = [start + k * (on + off) for start in np.arange(0, 60, period) for k in range(n)]
    return [(s, min(s + on, 60)) for s in starts if s < 60]


def strip(
    plate: Plate, box: tuple[float, float, float, float], lit: Sequence[tuple[float, float]], span: float
) -> None:
    """A light's character along a line of time: a bar while it shows."""
    x0, y0, x1, y1 = box
    for a, b in lit:
        if a < span:
            plate.rectangle(x0 + (x1 - x0) * a / span, y0, x0 + (x1 - x0) * min(b, span) / span, y1)


def seconds(plate: Plate, x0: float, x1: float, y: float, span: int, every: int = 5) -> None:
    for s in range(span + 1):
        x = x0 + (x1 - x0) * s / span
        long = s % every == 0
        plate.line([(x, y), (x, y + (7 if long else 3.5))], 0.6)
        if long:
            plate.text(x, y + 19, str(s), 9.5, anchor="ms")


def tapered(x: float, base: float, top: float, foot: float, head: float, flare: float = 1.6) -> list[Point]:
    """A tower's outline: wide at its foot, drawing in as a tree does."""
    t = np.linspace(0, 1, 30)
    half = head + (foot - head) * (1 - t) ** flare
    y = base + (top - base) * t
    return [*zip(x - half, y, strict=True), *zip(x + half[::-1], y[::-1], strict=True)]


def lantern(plate: Plate, x: float, y: float, w: float) -> None:
    """Gallery, lantern and cupola on a tower whose head is `w` either side of x at y."""
    plate.rectangle(x - 1.45 * w, y - 0.26 * w, x + 1.45 * w, y)
    for k in (-1.35, -0.68, 0, 0.68, 1.35):
        plate.line([(x + k * w, y), (x + k * w, y - 0.85 * w)], 0.09 * w)
    plate.line([(x - 1.4 * w, y - 0.85 * w), (x + 1.4 * w, y - 0.85 * w)], 0.09 * w)
    plate.frame(x - 0.78 * w, y - 1.75 * w, x + 0.78 * w, y - 0.2 * w, 0.12 * w)
    for k in (-0.26, 0.26):
        plate.line([(x + k * w, y - 1.75 * w), (x + k * w, y)], 0.08 * w)
    dome = [(x + 0.95 * w * cos(a), y - 1.7 * w - 0.9 * w * sin(a)) for a in np.linspace(0, pi, 30)]
    plate.polygon(dome)
    plate.line([(x, y - 2.5 * w), (x, y - 3.2 * w)], 0.14 * w)
    plate.disc(x, y - 2.75 * w, 0.17 * w)


def rock(x0: float, x1: float, top: float, base: float, seed: int, jag: float) -> list[Point]:
    """A skerry's outline, steep to one side."""
    chance = rng(seed)
    t = np.linspace(0, 1, 26)
    body = np.sin(pi * t**0.8) ** 0.75
    y = base - (base - top) * body - jag * chance.normal(0, 1, 26) * body
    return [(x0, base + 2), *zip(x0 + (x1 - x0) * t, y, strict=True), (x1, base + 2)]


def beam(x: float, y: float, angle: float, spread: float, length: float = 1400) -> list[Point]:
    """A wedge of light from a lamp; angles in degrees, 0 to the right, turning upwards."""
    a, b = radians(angle - spread), radians(angle + spread)
    return [(x, y), (x + length * cos(a), y - length * sin(a)), (x + length * cos(b), y - length * sin(b))]


def daymark(
    i: int, red: Plate, black: Plate, x: float, base: float, top: float, outline: list[Point]
) -> None:
    """The paint a tower wears by day: plain, banded, chequered, spiral, half and half."""
    tall = base - top
    if i == 0:
        red.rectangle(x - 60, top + 0.34 * tall, x + 60, top + 0.6 * tall)
    elif i == 1:
        for k in range(0, 6, 2):
            black.rectangle(x - 60, top + k * tall / 6, x + 60, top + (k + 1) * tall / 6)
    elif i == 2:
        for r in range(6):
            for c in range(-2, 2):
                if (r + c) % 2:
                    red.rectangle(x + c * 20, top + r * tall / 6, x + c * 20 + 20, top + (r + 1) * tall / 6)
    elif i == 3:
        for k in range(-2, 7):
            y = top + k * 75
            red.polygon([(x - 60, y + 62), (x + 60, y), (x + 60, y + 37), (x - 60, y + 99)])
    else:
        black.rectangle(x - 60, top, x, base)


def prism(x: float, y: float, half: float, thick: float, sag: float) -> list[Point]:
    """One curved bar of glass seen from the front."""
    t = np.linspace(-1, 1, 40)
    edge = y + sag * (1 - t**2)
    return [*zip(x + half * t, edge, strict=True), *zip(x + half * t[::-1], edge[::-1] + thick, strict=True)]


def breadth(k: int) -> float:
    """Half the lens's width at its k-th prism from the drum."""
    return 214 * cos(min(k * 0.088, 1.4))


def prisms(glass: Plate, groove: Plate, cx: float, cy: float) -> None:
    """The curved bars above and below the drum, each with its shaded edge."""
    for k in range(15):
        y, sag = cy - 158 - 15.4 * k, 5 + 0.8 * k
        glass.polygon(prism(cx, y, breadth(k), -10.5, -sag))
        groove.polygon(prism(cx, y, breadth(k), -3.2, -sag))
    for k in range(9):
        y, sag = cy + 158 + 15.4 * k, 5 + 0.8 * k
        glass.polygon(prism(cx, y, breadth(k), 10.5, sag))
        groove.polygon(prism(cx, y + 7, breadth(k), 3.2, sag))


def bulls_eye(glass: Plate, groove: Plate, cx: float, cy: float, squash: float) -> None:
    """One panel's rings, narrowed by `squash` as it turns away."""
    for k in range(11, 0, -1):
        q = 146 * (k / 11) ** 0.72
        ring = [(cx + squash * q * cos(a), cy + q * sin(a)) for a in np.linspace(0, 2 * pi, 80)]
        glass.polygon(ring, 1)
        glass.line(ring, 3.2, ink=0, closed=True)
        edge = q - 3.4
        shade = [(cx + squash * edge * cos(a), cy + edge * sin(a)) for a in np.linspace(-1.1, 1.1, 40)]
        groove.line(shade, 2.2 * squash + 0.6)


def framework(brass: Plate, cx: float, cy: float) -> None:
    """The brass that holds the glass, its cap and its pedestal."""
    dome = [(breadth(k) + 4, cy - 158 - 15.4 * k) for k in range(15)]
    skirt = [(breadth(k) + 4, cy + 158 + 15.4 * k) for k in range(10)]
    for side in (-1, 1):
        for inner in (109, 216):
            brass.line([(cx + side * inner, cy + 152), (cx + side * inner, cy - 152)], 6)
        for rib in (dome, skirt):
            brass.line([(cx + side * half, y) for half, y in rib], 4)
        brass.polygon(prism(cx, cy + 155 * side - 3, 222, 7, 4 * side))
    brass.polygon([(cx - 78, cy - 386), (cx + 78, cy - 386), (cx + 44, cy - 404), (cx - 44, cy - 404)])
    brass.polygon([(cx - 158, cy + 300), (cx + 158, cy + 300), (cx + 120, cy + 322), (cx - 120, cy + 322)])
    brass.rectangle(cx - 46, cy + 322, cx + 46, cy + 404)
