"""The marks of a weather chart: pressure, isobars, fronts and their teeth, barbs, coasts, the net of degrees."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .chartwork import along, slope, survey
from .press import (
    Field,
    Plate,
    Point,
    Sheet,
    curve,
    fbm,
    isoline,
    isolines,
    resize,
)


@dataclass(frozen=True)
class Centre:
    """A low (negative depth) or a high, an ellipse `wide` by `tall` mils, turned by `turn` radians."""

    x: float
    y: float
    depth: float
    wide: float
    tall: float
    turn: float = 0.0


def pressure(
    sheet: Sheet,
    centres: Sequence[Centre],
    base: float,
    seed: int,
    fronts: Sequence[Sequence[Point]] = (),
    unrest: float = 2.0,
) -> Field:
    """The surface pressure in hectopascals, surveyed; isobars bend sharply where they cross `fronts`."""

    def surface(x: Field, y: Field) -> Field:
        total = base + unrest * fbm(x.shape, 3, seed, 2)
        for c in centres:
            dx, dy = x - c.x, y - c.y
            a = (dx * math.cos(c.turn) + dy * math.sin(c.turn)) / c.wide
            b = (dy * math.cos(c.turn) - dx * math.sin(c.turn)) / c.tall
            total = total + c.depth * np.exp(-((a * a + b * b + 0.02) ** 0.62))
        for path in fronts:
            away = np.full(x.shape, 9e9, np.float32)
            for px, py in curve(path, 12):
                away = np.minimum(away, (x - px) ** 2 + (y - py) ** 2)
            total = total - 5.0 * np.exp(-np.sqrt(away + 25) / 42)
        return total

    return survey(sheet, surface)


def centre_marks(line: Plate, gap: Plate, field: Field, centres: Sequence[Centre], size: float = 26) -> None:
    """L or H at each centre, its pressure in small figures below."""
    for c in centres:
        value = slope(field, c.x, c.y)[0]
        gap.disc(c.x, c.y + size * 0.06, size * 0.84)
        line.text(c.x, c.y + size * 0.2, "L" if c.depth < 0 else "H", size, face="serif", anchor="ms")
        line.text(c.x, c.y + size * 0.62, f"{value:.0f}", size * 0.36, anchor="ms")


def front(
    cold: Plate, warm: Plate, points: Sequence[Point], kind: str, side: int = 1, size: float = 12
) -> None:
    """A front through `points`: 'cold' has teeth, 'warm' has half moons, 'occluded' both, in both inks."""
    path = curve(points, 24)
    plates = {"cold": [cold], "warm": [warm], "occluded": [cold, warm]}[kind]
    for plate in plates:
        plate.line(path, size * 0.17)
    for i, (x, y, way) in enumerate(along(path, size * 2.5)):
        tooth = kind == "cold" or (kind == "occluded" and i % 2 == 0)
        ux, uy = math.cos(way), math.sin(way)
        nx, ny = -uy * side, ux * side
        half = size * 0.62
        if tooth:
            shape = [
                (x - ux * half, y - uy * half),
                (x + nx * size, y + ny * size),
                (x + ux * half, y + uy * half),
            ]
        else:
            bow = np.linspace(0, math.pi, 18)
            shape = [
                (
                    x + half * (ux * math.cos(a) + nx * math.sin(a)),
                    y + half * (uy * math.cos(a) + ny * math.sin(a)),
                )
                for a in bow
            ]
        for plate in plates:
            plate.polygon(shape)


def barb(
    plate: Plate, x: float, y: float, across: float, down: float, knots: float, size: float = 22
) -> None:
    """A station: its circle, a staff into the wind, a feather for ten knots, half for five, a pennant for fifty."""
    speed = math.hypot(across, down) or 1
    ux, uy = -across / speed, -down / speed
    nx, ny = uy, -ux
    plate.ring(x, y, size * 0.1, size * 0.05)
    plate.line([(x + ux * size * 0.1, y + uy * size * 0.1), (x + ux * size, y + uy * size)], size * 0.055)
    left, at = round(knots / 5) * 5, size
    while left >= 5:
        tip = 0.42 if left >= 10 else 0.22
        root = (x + ux * at, y + uy * at)
        end = (x + ux * (at + size * 0.10) + nx * size * tip, y + uy * (at + size * 0.10) + ny * size * tip)
        if left >= 50:
            plate.polygon([root, end, (x + ux * (at - size * 0.2), y + uy * (at - size * 0.2))])
            left, at = left - 50, at - size * 0.28
        else:
            plate.line([root, end], size * 0.055)
            left, at = left - (10 if left >= 10 else 5), at - size * 0.15


def wind(field: Field, x: float, y: float, gain: float) -> tuple[float, float, float]:
    """The wind along the isobars, lows on its left hand, turned a little inward; and its knots."""
    _, px, py = slope(field, x, y)
    u, v = py, -px
    u, v = u * 0.94 - px * 0.34, v * 0.94 - py * 0.34
    return u, v, min(65.0, gain * math.hypot(px, py))


def barbs(
    plate: Plate,
    field: Field,
    box: Sequence[float],
    step: float,
    gain: float,
    size: float,
    avoid: Sequence[tuple[float, float, float]],
) -> None:
    """Stations on a staggered net over `box`, outside the discs of `avoid`."""
    for j, y in enumerate(np.arange(box[1] + step * 0.6, box[3] - step * 0.3, step * 0.88).tolist()):
        for x in np.arange(box[0] + step * (0.55 + 0.5 * (j % 2)), box[2] - step * 0.3, step).tolist():
            if all(math.hypot(x - a, y - b) > r for a, b, r in avoid):
                barb(plate, x, y, *wind(field, x, y, gain), size)


def lines(sheet: Sheet, field: Field, gap: Plate, step: float, weight: float, bold: float) -> Field:
    """The isobars at the sheet's size, every fifth one heavier, broken where figures stand."""
    fine = resize(field, sheet.shape)
    mask = np.maximum(isolines(fine, step, weight * sheet.u), isolines(fine, step * 5, bold * sheet.u))
    return mask * (1 - gap.mask())


def net(sheet: Sheet, pole: Point, ring: float, spoke: float, weight: float = 0.4) -> Field:
    """Parallels round a pole outside (or inside) the sheet and meridians from it."""
    x, y = sheet.grid()
    r, turn = np.hypot(x - pole[0], y - pole[1]), np.arctan2(x - pole[0], y - pole[1])
    return np.maximum(
        isolines(r, ring, weight * sheet.u), isolines(turn, math.radians(spoke), weight * sheet.u)
    )


def land(sheet: Sheet, tilt: Callable[[Field, Field], Field], seed: int, rough: float = 0.6) -> Field:
    """Height of invented land above the sea: `tilt` places it, noise gives it coasts; on the sheet's grid."""

    def surface(x: Field, y: Field) -> Field:
        return tilt(x, y) + rough * fbm(x.shape, 5, seed, 6, 0.56)

    return resize(survey(sheet, surface), sheet.shape)


def shore(sheet: Sheet, height: Field, ground: str, coast: str) -> None:
    sheet.ink(np.clip(height * 160 + 0.5, 0, 1), ground, shift=(0.6, 0.5))
    sheet.ink(isoline(height, 0, 0.75 * sheet.u), coast, 0.8)


def clear_of(centres: Sequence[Centre], radius: float = 46) -> list[tuple[float, float, float]]:
    return [(c.x, c.y, radius) for c in centres]


def bands(sheet: Sheet, field: Field, levels: Sequence[float], colours: Sequence[str]) -> None:
    """Layer tints: each colour from its level up, printed over the last, slightly out of register."""
    fine = resize(field, sheet.shape)
    slopes = np.hypot(*np.gradient(fine)) + 1e-4
    for i, (level, colour) in enumerate(zip(levels, colours, strict=True)):
        mask = np.clip((fine - level) / slopes + 0.5, 0, 1)
        sheet.ink(mask, colour, opaque=True, shift=(0.3 * (i % 2), -0.3 * (i % 3)))


def graduated_ring(line: Plate, pole: Point, rim: float) -> None:
    """The chart's round border, ticked every five degrees and lettered every thirty."""
    for radius, weight in ((rim, 1.2), (rim + 6, 0.6)):
        line.ring(*pole, radius, weight)
    for degree in range(0, 360, 5):
        turn = math.radians(degree)
        ux, uy = math.sin(turn), math.cos(turn)
        reach = 13 if degree % 30 == 0 else 6
        line.line(
            [
                (pole[0] + ux * rim, pole[1] + uy * rim),
                (pole[0] + ux * (rim + reach), pole[1] + uy * (rim + reach)),
            ],
            0.6,
        )
        if degree % 30 == 0:
            name = (
                f"{degree}°E" if 0 < degree < 180 else f"{360 - degree}°W" if degree > 180 else f"{degree}°"
            )
            flip = degree if degree <= 90 or degree >= 270 else degree + 180
            line.text(
                pole[0] + ux * (rim + 21),
                pole[1] + uy * (rim + 21),
                name,
                8.5,
                anchor="mm",
                angle=flip or 0.01,
            )
