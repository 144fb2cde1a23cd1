"""The bottom of invented seas: distances, depth tints, sounding figures, lights."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from .chartwork import LATTICE, slope
from .press import (
    Field,
    Plate,
    Point,
    Sheet,
    curve,
    rng,
)

Disc = tuple[float, float, float]


def ranges(points: Sequence[Point], x: Field, y: Field) -> Field:
    """Distance in mils to the nearest of many points."""
    away = np.full(x.shape, 9e9, np.float32)
    for px, py in points:
        away = np.minimum(away, (x - px) ** 2 + (y - py) ** 2)
    return np.sqrt(away)


def ashore(outline: Sequence[Point], shape: tuple[int, int]) -> Field:
    """Which cells of the lattice lie inside an outline given in mils."""
    image = Image.new("L", shape[::-1], 0)
    ImageDraw.Draw(image).polygon([(x * LATTICE / 1000, y * LATTICE / 1000) for x, y in outline], 1)
    return np.asarray(image) > 0


def offshore(land: Field, reach: int = 110) -> Field:
    """Distance in lattice cells from the nearest land, up to `reach`; exact, one axis after the other."""
    rows = land.shape[0]
    down = np.where(land, 0, np.float32(reach))
    for i in range(1, rows):
        down[i] = np.minimum(down[i], down[i - 1] + 1)
    for i in range(rows - 2, -1, -1):
        down[i] = np.minimum(down[i], down[i + 1] + 1)
    square, best = down**2, down**2
    for k in range(1, reach):
        best[:, k:] = np.minimum(best[:, k:], square[:, :-k] + k * k)
        best[:, :-k] = np.minimum(best[:, :-k], square[:, k:] + k * k)
    return np.sqrt(best)


def sharp(field: Field, level: float) -> Field:
    """A mask of `field` above `level`, with a clean edge."""
    steep = np.hypot(*np.gradient(field)) + 1e-5
    return np.clip((field - level) / steep + 0.5, 0, 1)


def tints(sheet: Sheet, depth: Field, levels: Sequence[float], colours: Sequence[str]) -> None:
    """Depth tints from the shore out: each colour from its depth down, laid over the last."""
    for i, (level, colour) in enumerate(zip(levels, colours, strict=True)):
        sheet.ink(sharp(depth, level), colour, opaque=True, shift=(0.25 * (i % 2), -0.25 * (i % 3)))


def leads(
    line: Plate,
    field: Field,
    spacing: float,
    size: float,
    seed: int,
    avoid: Sequence[Disc] = (),
    deepest: float = 1e9,
    stretch: float = 1.0,
) -> None:
    """Sounding figures on a loose net wherever there is water; shallow ones with their decimetres lowered."""
    sheet, chance = line.sheet, rng(seed, 55)
    left, top, right, bottom = sheet.box
    for j, row in enumerate(np.arange(top + spacing * 0.8, bottom - spacing * 0.4, spacing * 0.8)):
        for column in np.arange(
            left + spacing * (0.7 + 0.5 * (j % 2)), right - spacing * 0.6, spacing * stretch
        ):
            x, y = chance.normal((column, row), spacing * 0.14).tolist()
            depth, across, down = slope(field, x, y)
            near_shore = depth - 9 * math.hypot(across, down)
            if near_shore < 0.4 or depth > deepest or any(math.hypot(x - a, y - b) < r for a, b, r in avoid):
                continue
            figure(line, x, y, depth, size)


def figure(line: Plate, x: float, y: float, depth: float, size: float) -> None:
    whole, tenth = int(depth), int(depth * 10) % 10
    line.text(x, y, str(whole), size, face="italic", anchor="mm")
    if depth < 12 and tenth:
        line.text(
            x + line.measure(str(whole), size, "italic") / 2 + 0.3,
            y + size * 0.52,
            str(tenth),
            size * 0.64,
            face="italic",
        )


def light(line: Plate, flare: Plate, x: float, y: float, name: str, side: int = 1) -> None:
    """A light: its star in black, its flare and character in the signal ink, to its right or left."""
    line.disc(x, y, 2.1)
    outline = [(0, 0), (7, -13), (13, -24), (18.5, -19.5), (11, -9)]
    flare.polygon(curve([(x + side * a, y + b) for a, b in outline], 8, closed=True))
    flare.text(x + side * 22, y - 16, name, 9.5, face="italic", anchor="ls" if side > 0 else "rs")
