"""What stands on a quay, floats beside it or flies over it, and how water gives it back."""

from collections.abc import Sequence
from math import cos, pi, sin

import numpy as np

from .press import (
    Field,
    Plate,
    Point,
    Sheet,
    curve,
    fbm,
    noise,
    sample,
)


def reflected(
    sheet: Sheet, mask: Field, level: float, seed: int, swing: float, stretch: float = 1.0
) -> Field:
    """`mask` seen again in the water below `level`, broken by ripples that widen towards the viewer."""
    x, y = sheet.grid()
    depth = np.clip((y - level) / 220, 0, 1.3)
    ripple = fbm(sheet.shape, 46, seed, 2, stretch=9) + 0.5 * noise(sheet.shape, 150, seed + 9, stretch=12)
    up = level - (y - level) / stretch + 3 * depth * ripple
    side = x + swing * (0.15 + depth) * ripple
    return sample(mask, side * sheet.u, up * sheet.u) * (y > level)


def ribbon(x: Field, upper: Field, lower: Field) -> list[Point]:
    """The outline of a shape between two edges over the same x."""
    return [*zip(x, upper, strict=True), *zip(x[::-1], lower[::-1], strict=True)]


def glimmer(
    plate: Plate, x: float, level: float, reach: float, width: float, chance: np.random.Generator
) -> None:
    """A light's path in the water: flat dashes under it, wider and fewer the farther down."""
    y = level + chance.uniform(4, 10)
    while y < level + reach:
        depth = (y - level) / reach
        half = width * (0.5 + 0.9 * depth) * chance.uniform(0.45, 1.1)
        gx = x + chance.normal(0, width * (0.08 + 0.3 * depth))
        if chance.random() > depth**2.2:
            plate.polygon(
                [(gx - half, y), (gx, y - 1 - 0.9 * depth), (gx + half, y), (gx, y + 1 + 0.9 * depth)]
            )
        y += chance.uniform(4.5, 7) * (0.8 + 0.5 * depth)


def house(
    walls: Plate, roof: Plate, panes: Plate, at: Point, size: Point, chance: np.random.Generator, lit: float
) -> list[Point]:
    """A gabled house by its lower left corner; some of its windows lit. Returns those."""
    alight = []
    (x, base), (w, h) = at, size
    gable = w * chance.uniform(0.42, 0.62)
    walls.polygon([(x, base), (x, base - h), (x + w / 2, base - h - gable), (x + w, base - h), (x + w, base)])
    roof.line([(x - 2, base - h + 1.5), (x + w / 2, base - h - gable), (x + w + 2, base - h + 1.5)], 3)
    flue = x + w * chance.choice([0.22, 0.7])
    roof.rectangle(flue, base - h - gable * 0.86, flue + 7, base - h - gable * 0.3)
    columns, rows = max(2, round(w / 21)), max(2, round(h / 31))
    for c in range(columns):
        for r in range(rows):
            if chance.random() < lit:
                px, py = x + (c + 0.5) * w / columns, base - h + 8 + r * (h - 14) / rows
                alight.append((px, py))
                panes.rectangle(px - 4.2, py, px + 4.2, py + 13)
                panes.line([(px, py), (px, py + 13)], 0.9, ink=0)
                panes.line([(px - 5, py + 5), (px + 5, py + 5)], 0.9, ink=0)
    if chance.random() < lit:
        panes.disc(x + w / 2, base - h - gable * 0.36, 4)
    return alight


def yacht(plate: Plate, x: float, base: float, tall: float, hull: float) -> None:
    """A moored boat end-on to the quay: hull, mast, spreaders, stays and a furled sail."""
    plate.polygon(curve([(x - hull, base - 13), (x - hull * 0.8, base - 3), (x - hull * 0.5, base + 3)], 6)
                  + curve([(x + hull * 0.6, base + 3), (x + hull * 1.02, base - 7), (x + hull * 1.1, base - 17)], 6)
                  + [(x, base - 12)])  # fmt: skip
    plate.polygon([(x - 1.7, base - 8), (x - 0.8, base - tall), (x + 0.8, base - tall), (x + 1.7, base - 8)])
    plate.polygon(
        [(x, base - 30), (x - hull * 0.72, base - 26), (x - hull * 0.72, base - 22), (x, base - 23)]
    )
    for part, reach in ((0.56, 0.34), (0.8, 0.24)):
        plate.line([(x - hull * reach, base - tall * part), (x + hull * reach, base - tall * part)], 1.1)
    for sx, ex in ((-0.34, -0.6), (0.34, 0.66)):
        plate.line([(x, base - tall), (x + hull * sx, base - tall * 0.56), (x + hull * ex, base - 10)], 0.55)
    plate.line([(x, base - tall), (x + hull * 1.08, base - 15)], 0.55)
    plate.line([(x, base - tall), (x - hull * 0.98, base - 12)], 0.55)


SHEER = [(-0.5, -0.12), (-0.2, -0.055), (0.12, -0.07), (0.36, -0.14), (0.53, -0.235)]


def trawler(hull: Plate, trim: Plate, dark: Plate, x: float, y: float, s: float, face: int = 1) -> None:
    """A small fishing boat seen from the side, `s` long, heading `face`."""

    def at(points: Sequence[Point]) -> list[Point]:
        return [(x + face * px * s, y + py * s) for px, py in points]

    sheer, stem = curve(SHEER, 8), curve([SHEER[-1], (0.46, -0.06), (0.4, 0.06)], 6)
    hull.polygon(at([*sheer, *stem, (-0.42, 0.06), (-0.49, 0.0)]))
    trim.polygon(at([(-0.465, 0.025), (0.413, 0.025), (0.4, 0.06), (-0.42, 0.06)]))
    trim.polygon(at([(0.02, -0.05), (0.02, -0.29), (0.2, -0.29), (0.24, -0.05)]))
    dark.polygon(at([(-0.01, -0.29), (-0.01, -0.315), (0.235, -0.315), (0.225, -0.29)]))
    for px in (0.045, 0.1, 0.155):
        dark.polygon(at([(px, -0.255), (px + 0.038, -0.255), (px + 0.038, -0.19), (px, -0.19)]))
    dark.line(at([(-0.2, -0.06), (-0.2, -0.5)]), 0.018 * s)
    dark.line(at([(-0.2, -0.12), (-0.46, -0.36)]), 0.013 * s)
    dark.line(at([(-0.2, -0.49), (0.52, -0.23)]), 0.006 * s)
    dark.line(at([(-0.2, -0.49), (-0.46, -0.36), (-0.49, -0.12)]), 0.006 * s)
    dark.line(at([(0.11, -0.31), (0.11, -0.43)]), 0.009 * s)
    under = [(0.525, -0.21), (0.36, -0.115), (0.12, -0.046), (-0.2, -0.032), (-0.497, -0.095)]
    dark.polygon(at([*sheer, *under]))


def gull(plate: Plate, x: float, y: float, s: float, lean: float, lift: float) -> None:
    """Two strokes of a brush: wings, thick at the shoulder and fine at the tips."""
    for side, reach in ((-1, 1.0), (1, 0.92)):
        spine = np.array(curve([(0, 0.02), (side * 0.22, -lift * 0.62), (side * 0.5 * reach, -lift * 0.7),
                                (side * reach, -lift * 0.22)], 10))  # fmt: skip
        t = np.linspace(0, 1, len(spine))
        half = 0.05 * (1 - t) ** 0.6 * (0.6 + 0.8 * np.sin(pi * np.minimum(t * 1.6, 1))) + 0.006
        c, n = cos(lean), sin(lean)
        rim = np.vstack([spine - np.stack([0 * t, half], 1), (spine + np.stack([0 * t, half], 1))[::-1]])
        plate.polygon([(x + s * (c * px - n * py), y + s * (n * px + c * py)) for px, py in rim])


def wake(plate: Plate, x: float, y: float, heading: float, s: float, run: float) -> None:
    """Two curling arms and a churned middle behind a boat seen from above."""
    c, n = cos(heading), sin(heading)
    t = np.linspace(0, 1, 60)
    for side in (-1, 1):
        spread = side * (0.2 + 0.85 * t**0.8) * s + 0.05 * s * np.sin(t * 22) * t
        back = -t * run + 0.3 * s
        half = s * 0.12 * (1 - t) ** 0.8 + 0.3
        one = [(x + c * b - n * w, y + n * b + c * w) for b, w in zip(back, spread - half, strict=True)]
        two = [(x + c * b - n * w, y + n * b + c * w) for b, w in zip(back, spread + half, strict=True)]
        plate.polygon(one + two[::-1])
    middle = [(x - c * b * run, y - n * b * run) for b in (0.1, 0.35, 0.62)]
    plate.polygon([(middle[0][0] - n * 0.13 * s, middle[0][1] + c * 0.13 * s), middle[2],
                   (middle[0][0] + n * 0.13 * s, middle[0][1] - c * 0.13 * s)])  # fmt: skip


def deck(hull: Plate, house_: Plate, x: float, y: float, heading: float, s: float) -> None:
    c, n = cos(heading), sin(heading)

    def at(points: Sequence[Point]) -> list[Point]:
        return [(x + s * (c * px - n * py), y + s * (n * px + c * py)) for px, py in points]

    side = [(-0.6, 0.17), (-0.1, 0.235), (0.35, 0.17), (0.68, 0)]
    hull.polygon(at(curve(side, 8) + curve([(px, -py) for px, py in reversed(side)], 8)))
    house_.polygon(at([(-0.02, 0.12), (0.22, 0.1), (0.22, -0.1), (-0.02, -0.12)]))
    house_.line(at([(-0.5, 0), (-0.08, 0)]), 0.03 * s)


def terrace(
    everything: Sequence[Plate], wall: Plate, at: Point, size: Point, chance: np.random.Generator
) -> None:
    """One house of the hillside, hiding what stands behind it."""
    (x, base), (w, h) = at, size
    roofs, panes = everything[-2:]
    pitch = chance.uniform(14, 24)
    front = [(x, base + 60), (x, base - h), (x + w, base - h), (x + w, base + 60)]
    top = [
        (x - 2, base - h + 1),
        (x + w * 0.2, base - h - pitch),
        (x + w * 0.8, base - h - pitch),
        (x + w + 2, base - h + 1),
    ]
    for plate in everything:
        plate.polygon(front, 1 if plate is wall else 0)
        plate.polygon(top, 1 if plate is roofs else 0)
    columns = 2 if w < 56 else 3
    for c in range(columns):
        for r in range(4):
            px, py = x + (c + 0.5) * w / columns, base - h + 10 + 24 * r
            if chance.random() < 0.86:
                panes.rectangle(px - 3.2, py, px + 3.2, py + 11)
