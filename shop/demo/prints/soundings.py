"""Soundings: charts of bays, banks and deeps that nobody has sailed, surveyed with a lead line and a seed."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from .bathymetry import Disc, ashore, leads, light, offshore, ranges, sharp, tints
from .breakwater import breakwater
from .chartwork import LATTICE, compass, figures, neatline, scale_bar, slope, survey, title_block
from .press import (
    Field,
    Sheet,
    blur,
    curve,
    fbm,
    halftone,
    isoline,
    isolines,
    resize,
    rng,
    smoothstep,
)

KELL = [
    (-40, 250),
    (120, 262),
    (215, 300),
    (262, 235),
    (330, 150),
    (440, 128),
    (540, 160),
    (585, 235),
    (590, 320),
    (640, 345),
    (745, 250),
    (860, 150),
    (920, 20),
]


def kell_bay(long_edge: int) -> Image.Image:
    """The classic: a bay, its bar, the rose, a plan of the harbour in the corner."""
    sheet = Sheet(long_edge, "landscape", 41, paper="#f7f1e3", margin=(50, 48, 50, 48))
    shore = curve(KELL, 20)

    def surface(x: Field, y: Field) -> Field:
        away = ranges(shore, x, y) * np.where(ashore([*shore, (1100, -60), (-60, -60)], x.shape), -1, 1)
        away = away + 15 * fbm(x.shape, 9, 21, 5, 0.58)
        shelf = 0.085 * away + 0.00021 * np.clip(away, 0, None) ** 2
        isle = 30 * np.exp(-(((x - 300) / 46) ** 2) - ((y - 520) / 24) ** 2)
        bank = 17 * np.exp(-(((x - 640) / 150) ** 2) - ((y - 560 - 0.25 * (x - 640)) / 34) ** 2)
        return shelf + (0.5 + 0.022 * np.abs(away)) * fbm(x.shape, 7, 4, 5) - isle - bank

    field = survey(sheet, surface)
    depth = resize(field, sheet.shape)
    sheet.ink(sheet.whole(), "#f1dba6")
    tints(sheet, depth, (0, 5, 10, 20), ("#9fcbd0", "#bcdcdb", "#d8eae4", "#f3f3e8"))
    line, gap, flare = sheet.plate(), sheet.plate(), sheet.plate()
    keep: list[Disc] = [(815, 570, 116), (300, 520, 30), *[(x, 682, 20) for x in range(390, 640, 20)]]
    keep += figures(sheet, line, gap, field, (10, 20, 30, 50), 8.4, 6, 2, 120, keep)
    leads(line, field, 31, 9.4, 7, keep)
    for level, weight in ((5, 0.5), (10, 0.6), (20, 0.6), (30, 0.6), (50, 0.6)):
        sheet.ink(isoline(depth, level, weight * sheet.u) * (1 - gap.mask()), "#3d7f92")
    sheet.ink(isoline(depth, 0, 1.5 * sheet.u), "#16202a")
    sheet.ink(isolines(np.minimum(depth, -1.2), 3.2, 0.45 * sheet.u) * (depth < -1.6), "#a9813d", 0.8)
    light(line, flare, 606, 326, "Fl(2) 10s")
    light(line, flare, 300, 516, "Iso 4s")
    compass(flare, line, 815, 575, 92, variation=-7)
    title_block(
        line, 70, 66, 196, "Kell Bay", ["Soundings in metres", "Surveyed by lead line", "in an open boat"], 28
    )
    scale_bar(line, 400, 682, 180, "Sea miles", 4)
    neatline(line, sheet.box)
    sheet.ink(line, "#16202a", clip=False)
    sheet.ink(flare, "#b8326a", 0.92, shift=(0.4, 0.3))
    return sheet.pull()


def the_narrows(long_edge: int) -> Image.Image:
    """A fjord as a stack of cut paper, each sheet one tint deeper."""
    sheet = Sheet(long_edge, "portrait", 42, paper="#f6f0e2", margin=(66, 62, 66, 92))
    course = curve(
        [
            (330, 20),
            (300, 130),
            (420, 250),
            (470, 370),
            (330, 480),
            (290, 610),
            (420, 700),
            (460, 820),
            (400, 980),
        ],
        26,
    )
    arm = curve([(470, 370), (560, 330), (640, 250), (720, 210)], 20)
    side = curve([(300, 600), (190, 640), (120, 740), (40, 760)], 20)

    def surface(x: Field, y: Field) -> Field:
        away = np.minimum(ranges(course, x, y), 1.5 * np.minimum(ranges(arm, x, y), ranges(side, x, y)) + 14)
        wide = 88 + 24 * np.sin(y / 105) + 0.05 * y
        return (1 - away / wide) * 100 + 30 * fbm(x.shape, 6, 9, 4, 0.45)

    depth = resize(survey(sheet, surface), sheet.shape)
    sheet.ink(sheet.whole(), "#f0dcb4", opaque=True)
    steps = (-34, -16, 0, 16, 33, 50, 67, 84)
    inks = ("#e9cd95", "#dfb974", "#a9cfc8", "#74b1b3", "#458c9c", "#286a84", "#174a68", "#0e2f4c")
    for level, colour in zip(steps, inks, strict=True):
        cut = sharp(depth, level)
        shadow = sheet.shifted(smoothstep(level - 9, level + 2, depth), 3.4, 4.6)
        sheet.ink(cut, colour, opaque=True, salt=0.03)
        sheet.ink(cut * np.clip(1 - shadow, 0, 1), "#20303a", 0.34, salt=0)
    boat = sheet.plate()
    boat.polygon(curve([(452, 800), (457, 812), (455, 829), (449, 829), (447, 812)], 8, closed=True))
    sheet.ink(boat, "#fbf4e6", opaque=True)
    wake = sheet.plate()
    for side_ in (-1, 1):
        wake.line(curve([(452, 826), (450 + 9 * side_, 862), (444 + 22 * side_, 912)], 12), 0.9)
    sheet.ink(wake, "#dfeae4", 0.8, opaque=True)
    sheet.caption("The narrows", "SOUNDINGS 2")
    return sheet.pull()


def lagoon(long_edge: int) -> Image.Image:
    """An atoll with one way in."""
    sheet = Sheet(long_edge, "square", 43, paper="#f7f2e4", margin=(60, 58, 60, 58))

    def surface(x: Field, y: Field) -> Field:
        dx, dy = x - 545, (y - 470) * 1.16
        r, turn = np.hypot(dx, dy), np.arctan2(dy, dx)
        rim = 250 + 34 * np.cos(2 * turn + 0.7) + 17 * np.cos(3 * turn - 1) + 22 * fbm(x.shape, 6, 3, 4)
        ring = np.exp(-(((r - rim) / np.where(r < rim, 34, 27)) ** 2))
        passage = np.exp(-(((turn - 2.12 + 0 * r) / 0.085) ** 2)) + 0.75 * np.exp(
            -(((turn + 0.35) / 0.05) ** 2)
        )
        inner = 17 + 5 * fbm(x.shape, 8, 5, 3) - 22 * np.exp(-(((x - 600) / 26) ** 2) - ((y - 430) / 19) ** 2)
        outer = 20 + 0.62 * np.clip(r - rim, 0, None)
        floor = np.where(r < rim, inner, outer)
        lumps = 0.74 + 0.62 * fbm(x.shape, 11, 8, 4)
        return floor - 27 * ring * np.clip(lumps, 0.2, 1.5) * (1 - 0.86 * np.clip(passage, 0, 1))

    field = survey(sheet, surface)
    depth = resize(field, sheet.shape)
    sheet.ink(sheet.whole(), "#f2d79b")
    steps = (0, 3, 8, 14, 26, 60, 120)
    tints(sheet, depth, steps, ("#d9ecd4", "#a9dacb", "#76c2c0", "#4da5b4", "#2f7f9e", "#1f5b82", "#173f66"))
    sheet.ink(isoline(depth, 0, 1.2 * sheet.u), "#3a3020")
    line = sheet.plate()
    leads(line, field, 36, 10, 3, [(196, 812, 118), (820, 150, 130), (730, 150, 90), (900, 150, 100)], 400)
    sheet.ink(line, "#0f2438", 0.82)
    pale, rose = sheet.plate(), sheet.plate()
    compass(rose, pale, 196, 806, 100, variation=11)
    title_block(pale, 706, 84, 200, "The lagoon", ["One pass, on the flood only", "Soundings in metres"], 28)
    neatline(pale, sheet.box)
    track = sheet.plate()
    way = curve([(330, 900), (392, 770), (432, 676), (470, 600), (560, 540)], 24)
    for i in range(0, len(way) - 3, 5):
        track.line(way[i : i + 4], 1.5)
    sheet.ink(pale, "#f7f2e4", opaque=True, clip=False, salt=0.02)
    sheet.ink(rose, "#f4b860", opaque=True, shift=(0.4, 0.3))
    sheet.ink(track, "#e8552f", opaque=True)
    return sheet.pull()


def lead_line(long_edge: int) -> Image.Image:
    """No coast, no contour: two thousand figures, and the bank appears."""
    sheet = Sheet(long_edge, "landscape", 44, paper="#f6f0e1", margin=(60, 56, 60, 82))

    def surface(x: Field, y: Field) -> Field:
        spine = curve([(190, 560), (330, 440), (480, 400), (620, 300), (800, 210)], 16)
        away = ranges(spine, x, y)
        hook = ranges(curve([(620, 300), (700, 380), (690, 470)], 12), x, y)
        return (
            58
            - 55 * np.exp(-((away / 92) ** 1.5))
            - 40 * np.exp(-((hook / 60) ** 2))
            + 5 * fbm(x.shape, 6, 5)
        )

    field = survey(sheet, surface)
    ranks = (
        (0, 7, "#cf3a1e", 19.5),
        (7, 16, "#c07c22", 17.5),
        (16, 34, "#2f8293", 15.5),
        (34, 99, "#17364f", 13.5),
    )
    plates = [(sheet.plate(), *rank) for rank in ranks]
    chance = rng(44, 3)
    for j, row in enumerate(np.arange(76, 662, 16.4)):
        for column in np.arange(80 + 11.5 * (j % 2), 928, 23):
            x, y = chance.normal((column, row), 1.2).tolist()
            depth = max(1.0, slope(field, x, y)[0])
            for plate, low, high, _, size in plates:
                if low <= depth < high:
                    plate.text(x, y, f"{depth:.0f}", size, face="serif", anchor="mm")
    sheet.ink(sheet.whole(), "#fbf6ea")
    for plate, _, _, colour, _ in plates:
        sheet.ink(plate, colour)
    sheet.caption("Lead line", "SOUNDINGS 4")
    return sheet.pull()


def skerries(long_edge: int) -> Image.Image:
    """A thousand rocks in water lines, and the one red track that clears them all."""
    sheet = Sheet(long_edge, "portrait", 45, paper="#f7f1e2", margin=(60, 58, 60, 58))
    way = [
        (120, 1000),
        (190, 860),
        (330, 770),
        (380, 640),
        (300, 520),
        (340, 390),
        (470, 300),
        (500, 180),
        (620, 20),
    ]
    fairway = curve(way, 30)

    def surface(x: Field, y: Field) -> Field:
        clear = smoothstep(10, 52, ranges(fairway, x, y))
        rocks = fbm(x.shape, 21, 14, 4, 0.62) + 0.38 * fbm(x.shape, 5, 15, 2) - 0.20
        grain = 0.0007 * (np.abs(x - 375) - 150)
        return (rocks + grain) * clear - 0.3 * (1 - clear)

    height = survey(sheet, surface)
    away = offshore(height > 0) * 1000 / LATTICE
    fine, rocks = blur(resize(away, sheet.shape), 1.2 * sheet.u), resize(height, sheet.shape)
    sheet.ink(sheet.whole(), "#e9f1ec")
    # Water lines stand closest at the shore and open as they leave it.
    spread = np.log1p(np.maximum(fine, 0.01) / 6)
    weight = 0.75 * smoothstep(64, 14, fine)
    lines = isolines(spread, 0.27, 0.75 * sheet.u) * smoothstep(0.8, 2, fine) * np.clip(weight * 1.4, 0, 1)
    sheet.ink(lines, "#235f75")
    sheet.ink(sharp(rocks, 0), "#f3d698", opaque=True)
    sheet.ink(isoline(rocks, 0, 1.1 * sheet.u), "#16303f")
    peaks = halftone(sheet, np.clip(rocks * 1.9 - 0.1, 0, 0.75), 4.2, 45)
    sheet.ink(peaks, "#b9782c", 0.9, shift=(0.5, 0.4))
    track, line = sheet.plate(), sheet.plate()
    for i in range(0, len(fairway) - 6, 8):
        track.line(fairway[i : i + 6], 2.6)
    sheet.ink(track, "#c93a20", opaque=True)
    sheet.ink(sheet.rectangle(452, 806, 668, 922), "#f7f1e2", opaque=True)
    title_block(line, 462, 814, 196, "Skerries", ["Keep to the red", "Local knowledge required"], 28)
    neatline(line, sheet.box)
    sheet.ink(line, "#16202a", clip=False)
    return sheet.pull()


def the_deep(long_edge: int) -> Image.Image:
    """A trench, six miles down, drawn by its echoes."""
    sheet = Sheet(long_edge, "square", 46, paper="#f4efe3", margin=(64, 62, 64, 92))
    trench = curve([(60, 820), (240, 700), (380, 540), (520, 470), (660, 350), (780, 180), (860, 20)], 20)

    def surface(x: Field, y: Field) -> Field:
        away = ranges(trench, x, y)
        mounts = sum(
            h * np.exp(-(((x - a) ** 2 + (y - b) ** 2) / r**2))
            for a, b, r, h in (
                (250, 300, 70, 1.9),
                (360, 220, 44, 1.3),
                (720, 700, 90, 2.1),
                (600, 800, 50, 1.4),
                (160, 430, 40, 1.0),
            )
        )
        return 4.6 + 5.7 * np.exp(-((np.hypot(away, 18) / 88) ** 1.4)) - mounts + 0.75 * fbm(x.shape, 5, 6, 5)

    field = survey(sheet, surface)
    depth = resize(field, sheet.shape)
    down, across = np.gradient(depth)
    lit = np.clip(0.36 + (across + down) * sheet.u * 9, 0, 1)
    sheet.ink(sheet.whole(), "#10233a", opaque=True)
    sheet.ink(
        halftone(sheet, (lit * 1.25 - 0.12) * smoothstep(8.8, 3.0, depth), 5.6, 30), "#4a87a0", opaque=True
    )
    line, gap = sheet.plate(), sheet.plate()
    figures(sheet, line, gap, field, range(3, 10), 10.5, 4, 2, 150)
    mark = sheet.plate()
    row, column = np.unravel_index(
        np.argmax(np.where(np.indices(field.shape)[1] > 200, field, 0)), field.shape
    )
    x, y = (column + 0.5) * 1000 / LATTICE, (row + 0.5) * 1000 / LATTICE
    gap.rectangle(x + 8, y - 13, x + 112, y + 13)
    fine = isolines(depth, 0.25, 0.55 * sheet.u) * 0.72
    bold = isolines(depth, 1.0, 1.3 * sheet.u)
    sheet.ink(np.maximum(fine, bold) * (1 - gap.mask()), "#b9d3d2", 0.9, opaque=True)
    sheet.ink(line, "#f4efe3", opaque=True)
    mark.line([(x - 11, y), (x + 11, y)], 2.4)
    mark.line([(x, y - 11), (x, y + 11)], 2.4)
    mark.text(x + 15, y + 8, f"{field.max() * 1000:.0f} m", 23, face="italic")
    sheet.ink(mark, "#f0693f", opaque=True)
    sheet.caption("The deep", "SOUNDINGS 6")
    return sheet.pull()


PRINTS: dict[str, Callable[[int], Image.Image]] = {
    "soundings-kell-bay": kell_bay,
    "soundings-the-narrows": the_narrows,
    "soundings-the-lagoon": lagoon,
    "soundings-lead-line": lead_line,
    "soundings-skerries": skerries,
    "soundings-the-deep": the_deep,
    "soundings-breakwater": breakwater,
}
