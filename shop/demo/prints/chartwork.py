"""What every chart has, of weather or of water: a graduated border, figures set into contours, a title block."""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from .press import Field, Plate, Point, Sheet, rng

LATTICE = 640


def survey(sheet: Sheet, surface: Callable[[Field, Field], Field]) -> Field:
    """`surface` of x and y (mils) on a lattice that is the same at every print size."""
    columns, rows = round(LATTICE * sheet.width / 1000), round(LATTICE * sheet.height / 1000)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    return surface((x + 0.5) * 1000 / LATTICE, (y + 0.5) * 1000 / LATTICE).astype(np.float32)


def slope(field: Field, x: float, y: float) -> tuple[float, float, float]:
    """A surveyed field's value and its gradient (per mil) at a point."""
    k = LATTICE / 1000
    row = min(max(round(y * k - 0.5), 2), field.shape[0] - 3)
    column = min(max(round(x * k - 0.5), 2), field.shape[1] - 3)
    across = float(field[row, column + 2] - field[row, column - 2]) / 4 * k
    down = float(field[row + 2, column] - field[row - 2, column]) / 4 * k
    return float(field[row, column]), across, down


def figures(
    sheet: Sheet,
    line: Plate,
    gap: Plate,
    field: Field,
    levels: Iterable[float],
    size: float,
    seed: int,
    each: int = 2,
    apart: float = 120,
    avoid: Sequence[tuple[float, float, float]] = (),
    face: str = "sans",
) -> list[tuple[float, float, float]]:
    """Set each level's figure into its contour, turned along it; `gap` is what the contour must leave free.

    `avoid` holds discs (x, y, radius) that stay clear; returned are those of the figures set.
    """
    chance, taken = rng(seed, 77), list(avoid)
    placed: list[tuple[float, float, float]] = []
    left, top, right, bottom = sheet.box
    for level in levels:
        near = np.argwhere(np.abs(np.diff(np.sign(field - level), axis=1)) > 0)
        chance.shuffle(near)
        found = 0
        for row, column in near[:500]:
            x, y = (column + 1) * 1000 / LATTICE, (row + 0.5) * 1000 / LATTICE
            clear = all(math.hypot(x - a, y - b) > r for a, b, r in taken)
            if not (clear and left + 34 < x < right - 34 and top + 34 < y < bottom - 34):
                continue
            _, across, down = slope(field, x, y)
            turn = math.degrees(math.atan2(-across, down))
            turn = (turn + 90) % 180 - 90
            label = f"{level:g}"
            half = line.measure(label, size, face) / 2 + size * 0.3
            tilt = math.radians(-turn)
            ends = [(x + s * half * math.cos(tilt), y + s * half * math.sin(tilt)) for s in (-1, 1)]
            gap.line(ends, size * 0.9)
            line.text(x, y, label, size, face=face, anchor="mm", angle=turn or 0.01)
            taken.append((x, y, apart))
            placed.append((x, y, size * 1.5))
            found += 1
            if found == each:
                break
    return placed


def neatline(plate: Plate, box: Sequence[float], step: float = 24, depth: float = 5) -> None:
    """A chart's border: two fine lines with a graduated bar between them, inside `box`."""
    x0, y0, x1, y1 = box
    plate.frame(x0, y0, x1, y1, 1.1)
    plate.frame(x0 + depth, y0 + depth, x1 - depth, y1 - depth, 0.55)
    across, down = round((x1 - x0) / step / 2) * 2, round((y1 - y0) / step / 2) * 2
    for i in range(0, across, 2):
        a, b = x0 + (x1 - x0) * i / across, x0 + (x1 - x0) * (i + 1) / across
        plate.rectangle(a, y0, b, y0 + depth * 0.55)
        plate.rectangle(b, y1 - depth * 0.55, b + (b - a), y1)
    for i in range(0, down, 2):
        a, b = y0 + (y1 - y0) * i / down, y0 + (y1 - y0) * (i + 1) / down
        plate.rectangle(x0, b, x0 + depth * 0.55, b + (b - a))
        plate.rectangle(x1 - depth * 0.55, a, x1, b)


def title_block(
    line: Plate, x: float, y: float, width: float, title: str, lines: Sequence[str], size: float = 23
) -> float:
    """A centred title with small lines under it and rules above and below; returns its foot."""
    middle = x + width / 2
    line.line([(x, y), (x + width, y)], 1.1)
    line.line([(x, y + 3), (x + width, y + 3)], 0.45)
    at = y + size * 1.42
    line.text(middle, at, title, size, face="serif", anchor="ms")
    for text in lines:
        at += size * 0.66
        line.text(middle, at, text, size * 0.40, face="sans", anchor="ms", tracking=0.05)
    at += size * 0.6
    line.line([(x, at), (x + width, at)], 0.45)
    line.line([(x, at + 3), (x + width, at + 3)], 1.1)
    return at + 3


def along(points: Sequence[Point], spacing: float, start: float = 0.5) -> list[tuple[float, float, float]]:
    """Places every `spacing` mils along a path, each with its direction in radians."""
    path = np.array(points)
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    at = np.arange(spacing * start, length[-1], spacing)
    x, y = np.interp(at, length, path[:, 0]), np.interp(at, length, path[:, 1])
    ahead = np.minimum(at + 1.5, length[-1])
    behind = np.maximum(at - 1.5, 0)
    way = np.arctan2(
        np.interp(ahead, length, path[:, 1]) - np.interp(behind, length, path[:, 1]),
        np.interp(ahead, length, path[:, 0]) - np.interp(behind, length, path[:, 0]),
    )
    return [(float(a), float(b), float(c)) for a, b, c in zip(x, y, way, strict=True)]


def compass(rose: Plate, line: Plate, x: float, y: float, radius: float, variation: float = 0) -> None:
    """A rose: the true ring in `line`, the star and the magnetic ring, turned by `variation` degrees, in `rose`."""
    for plate, reach, turn in ((line, radius, 0.0), (rose, radius * 0.72, variation)):
        plate.ring(x, y, reach, radius * 0.011)
        plate.ring(x, y, reach * 0.93, radius * 0.006)
        for degree in range(0, 360, 2):
            length = 0.10 if degree % 30 == 0 else 0.065 if degree % 10 == 0 else 0.03
            a = math.radians(degree + turn)
            ux, uy = math.sin(a), -math.cos(a)
            near, far = reach * 0.93, reach * (0.93 - length)
            plate.line([(x + ux * near, y + uy * near), (x + ux * far, y + uy * far)], radius * 0.007)
    for degree in range(0, 360, 30):
        a = math.radians(degree)
        at = (x + math.sin(a) * radius * 1.07, y - math.cos(a) * radius * 1.07)
        line.text(*at, f"{degree:03d}" if degree else "0", radius * 0.085, anchor="mm", angle=-degree or 0.01)
    for points, reach, wide in ((4, 0.60, 0.085), (4, 0.40, 0.06)):
        for i in range(points):
            a = math.radians(variation * 0 + i * 360 / points + (45 if reach < 0.5 else 0))
            for side, plate in ((1, rose), (-1, line)):
                flank = a + side * math.pi / 4
                tip = (x + math.sin(a) * reach * radius, y - math.cos(a) * reach * radius)
                hip = (x + math.sin(flank) * wide * radius * 1.4, y - math.cos(flank) * wide * radius * 1.4)
                shape = [(x, y), hip, tip]
                if side > 0:
                    plate.polygon(shape)
                else:
                    plate.line(shape, radius * 0.008, closed=True)
    line.text(x, y - radius * 1.17, "N", radius * 0.2, face="serif", anchor="ms")


def scale_bar(line: Plate, x: float, y: float, width: float, name: str, parts: int) -> None:
    """A divided bar, filled and open in turn, figures above, its unit below."""
    step = width / parts
    for i in range(parts):
        line.frame(x + i * step, y, x + (i + 1) * step, y + 4, 0.6)
        if i % 2 == 0:
            line.rectangle(x + i * step, y, x + (i + 1) * step, y + 4)
    for i in range(parts + 1):
        line.text(x + i * step, y - 4, str(i), 7.5, anchor="ms")
    line.text(x + width + 10, y + 5, name, 8.5, face="italic")
