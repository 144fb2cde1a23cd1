"""Tides: an invented harbour's year, month and quay, reckoned from the six largest pulls of moon and sun."""

from calendar import month_name
from math import cos, pi, sin

import numpy as np
from PIL import Image

from .press import INK, SEA, Field, Plate, Sheet, halftone, noise, rng, sample, smoothstep, strand


def tide(hours: Field) -> Field:
    """Height of an invented harbour's tide, about -1..1, from its six largest constituents."""
    speeds = (28.9841, 30.0, 28.4397, 30.0821, 15.0411, 13.9430)
    sizes = (0.62, 0.215, 0.125, 0.06, 0.055, 0.04)
    lags = (0.0, 1.1, 2.0, 0.5, 4.0, 1.0)
    return sum(a * np.cos(np.radians(s) * hours - g) for s, a, g in zip(speeds, sizes, lags, strict=True))


def moon_age(day: float) -> float:
    """0 new, 0.5 full, for the same invented year: springs follow it by two days."""
    return ((day - 10.4) / 29.530588) % 1


def moon(plate: Plate, x: float, y: float, r: float, age: float) -> None:
    """The moon as a dark disc with its lit part cut out."""
    plate.disc(x, y, r)
    bulge, side = cos(2 * pi * age), 1 if age < 0.5 else -1
    rim = [(side * r * 0.93 * sin(t), -r * 0.93 * cos(t)) for t in np.linspace(0, pi, 30)]
    back = [(side * bulge * r * 0.93 * sin(t), -r * 0.93 * cos(t)) for t in np.linspace(pi, 0, 30)]
    plate.polygon([(x + px, y + py) for px, py in rim + back], 0)


def tide_year(long_edge: int) -> Image.Image:
    """A year of the tide as one ring: every high and low water, springs and neaps, and the moon that draws them."""
    sheet = Sheet(long_edge, "square", 561, margin=0)
    hours = np.arange(0, 365 * 24, 0.25)
    turn = 2 * pi * hours / (365 * 24) - pi / 2
    height = tide(hours)
    radius = 305 + 98 * height
    ring = sheet.plate(4)
    ring.line(list(zip(500 + radius * np.cos(turn), 500 + radius * np.sin(turn), strict=True)), 0.8)
    sheet.ink(ring, SEA)
    marks, moons = sheet.plate(), sheet.plate()
    starts = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])
    for start, name in zip(starts, month_name[1:], strict=True):
        a = 2 * pi * start / 365 - pi / 2
        marks.line([(500 + q * cos(a), 500 + q * sin(a)) for q in (418, 436)], 0.8)
        middle = a + pi / 12
        upside = sin(middle) > 0.05
        angle = -np.degrees(middle) + (90 if upside else -90)
        q = 462 if upside else 452
        marks.text(
            500 + q * cos(middle), 500 + q * sin(middle), name, 14, face="italic", anchor="ms", angle=angle
        )
    for day in range(365):
        a = 2 * pi * day / 365 - pi / 2
        marks.line([(500 + q * cos(a), 500 + q * sin(a)) for q in (418, 424)], 0.35)
    for syzygy in np.arange(10.4, 365, 14.765):
        a = 2 * pi * syzygy / 365 - pi / 2
        moon(moons, 500 + 178 * cos(a), 500 + 178 * sin(a), 8.5, moon_age(syzygy + 0.01))
    marks.text(500, 497, "A year of tides", 25, face="serif", anchor="ms")
    marks.text(500, 522, "springs, neaps, moons", 13.5, face="italic", anchor="ms")
    sheet.ink(marks, INK, 0.9)
    sheet.ink(moons, "#b5482c")
    return sheet.pull()


def tide_month(long_edge: int) -> Image.Image:
    """A lunation, a day to each line: the range opens and closes with the moon."""
    sheet = Sheet(long_edge, "portrait", 571, margin=(70, 70, 70, 104))
    sheet.ink(sheet.whole(), "#16303f", salt=0.09)
    x = sheet.grid()[0][0]
    lines = np.zeros(sheet.shape, np.float32)
    rows = np.arange(sheet.shape[0], dtype=np.float32)[:, None]
    inside = smoothstep(160, 164, x) * smoothstep(640, 636, x)
    for day in range(29):
        height = tide((x - 162) / 476 * 24 + 24 * (day + 3))
        y = (168 + 25 * day - 40 * height) * sheet.u
        lines *= 1 - np.clip(rows - y + 0.5, 0, 1) * (inside > 0)
        one = np.zeros_like(lines)
        strand(one, y, ((1.1 + 4.2 * np.clip(0.5 + height / 1.8, 0, 1) ** 2) * sheet.u).astype(np.float32))
        lines = np.maximum(lines, one * inside)
    sheet.ink(lines, "#f2e6c9", opaque=True)
    tags, moons = sheet.plate(), sheet.plate()
    for day in range(29):
        moons.disc(118, 168 + 25 * day, 9)
        moon(tags, 118, 168 + 25 * day, 9.4, moon_age(day + 3))
    sheet.ink(moons, "#e0a94e", opaque=True)
    sheet.ink(tags, "#16303f", opaque=True)
    sheet.caption("One lunation, a day to a line", "Tides, no. 2")
    return sheet.pull()


def board(sheet: Sheet, left: float, right: float) -> tuple[Field, Field]:
    """A tide board's white face, and its marks."""
    face, marks = sheet.plate(), sheet.plate()
    face.rectangle(left, 30, right, 980)
    marks.frame(left, 20, right, 990, 3)
    for step in range(11):
        top = 92 + 84 * step
        for k in range(3):
            marks.rectangle(left, top + 16.8 * k, left + 76, top + 16.8 * k + 8.4)
        marks.rectangle(left, top, left + 18, top + 42)
        marks.text(right - 22, top + 46, str((8 - step) % 10), 62, face="serif", anchor="rs")
    return face.mask(), marks.mask()


def glints(sheet: Sheet, top: float, bottom: float, count: int, seed: int) -> Plate:
    """Long flat cuts of light on water, thinner and fewer the deeper."""
    plate, chance = sheet.plate(), rng(seed)
    for _ in range(count):
        depth = chance.beta(1, 2.6)
        x, y = chance.uniform(0, sheet.width), top + depth * (bottom - top)
        half, thick = chance.uniform(14, 70) * (0.5 + depth), chance.uniform(0.8, 2.4) * (0.6 + depth)
        t = np.linspace(-1, 1, 17)
        rise = thick * (1 - t**2)
        lean = 1.2 * np.sin(3 * t + chance.uniform(0, 6))
        plate.polygon([*zip(x + half * t, y - rise + lean, strict=True),
                       *zip(x + half * t[::-1], y + rise * 0.5 + lean[::-1], strict=True)])  # fmt: skip
    return plate


def tide_staff(long_edge: int) -> Image.Image:
    """A tide board at a quay, half drowned."""
    sheet = Sheet(long_edge, "portrait", 581, margin=(70, 70, 70, 104))
    x, y = sheet.grid()
    water = smoothstep(-0.6, 0.6, y - 548 - 2.4 * noise(sheet.shape, 14, 582, stretch=3))
    face, marks = board(sheet, 214, 404)
    bend = (
        (y > 548) * (7 * np.sin((y - 548) / 17) + 4 * np.sin((y - 548) / 7.3)) * np.minimum(1, (y - 548) / 60)
    )
    columns = np.arange(sheet.shape[1], dtype=np.float32)[None, :] + bend * sheet.u
    rows = np.arange(sheet.shape[0], dtype=np.float32)[:, None] + 0 * columns
    face, marks = sample(face, columns, rows), sample(marks, columns, rows)
    sheet.ink((1 - face) * (1 - water), "#f0c896", salt=0.08)
    sheet.ink(marks, INK, salt=0.1)
    deep = smoothstep(548, 930, y + 0 * x)
    cut = glints(sheet, 556, 900, 150, 584).mask()
    sheet.ink(water * (1 - face) * (1 - cut), "#2f7f93", salt=0.1, shift=(0, 0.5))
    sheet.ink(water * face * (1 - cut), "#7fb4b8", salt=0.1)
    sheet.ink(halftone(sheet, 0.6 * deep * water * (1 - cut), 5, 20), "#16465a", 0.85)
    sheet.caption("Half tide", "Tides, no. 3")
    return sheet.pull()


PRINTS = {
    "tides-year": tide_year,
    "tides-lunation": tide_month,
    "tides-half-tide": tide_staff,
}
