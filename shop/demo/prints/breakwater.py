"""The harbour plan of the Soundings series: the one chart drawn stone by stone."""

import math

import numpy as np
from PIL import Image

from .bathymetry import Disc, leads, light, ranges, tints
from .chartwork import compass, neatline, scale_bar, survey, title_block
from .press import (
    Field,
    Plate,
    Point,
    Sheet,
    curve,
    fbm,
    isoline,
    resize,
    rng,
    smoothstep,
)

MOLE = [(132, 392), (112, 520), (146, 622), (240, 696), (352, 712), (452, 678)]


PIER = [(640, 328), (664, 480), (634, 608), (560, 660)]


def breakwater(long_edge: int) -> Image.Image:
    """The harbour plan: two arms of stone, quays, moorings, and a light on each head."""
    sheet = Sheet(long_edge, "portrait", 47, paper="#f7f1e3", margin=(56, 54, 56, 54))
    mole, pier = curve(MOLE, 20), curve(PIER, 20)

    def surface(x: Field, y: Field) -> Field:
        coast = 372 + 60 * np.sin(x / 190 + 2.2) + 16 * fbm(x.shape, 6, 3, 5)
        town = smoothstep(130, 200, x) * smoothstep(650, 580, x)
        coast = coast + (372 - coast) * town
        floor = 0.035 * (y - coast) + 1.1 * fbm(x.shape, 8, 6, 4)
        wall = np.minimum(ranges(mole, x, y), ranges(pier, x, y))
        channel = 4.2 * np.exp(
            -((ranges(curve([(505, 960), (508, 690), (430, 540), (390, 420)], 12), x, y) / 46) ** 2)
        )
        return np.where(
            y < coast, 0.5 * (y - coast) - 0.4, floor + channel - 4.0 * np.exp(-((wall / 26) ** 2)) + 1.2
        )

    field = survey(sheet, surface)
    depth = resize(field, sheet.shape)
    sheet.ink(sheet.whole(), "#f2dfb2")
    tints(sheet, depth, (0, 3, 6, 10, 15), ("#a9d2cf", "#c3e0db", "#d9eae3", "#eaf2ea", "#f8f6ec"))
    stone, line, flare = sheet.plate(), sheet.plate(), sheet.plate()
    for arm in (mole, pier):
        stone.line(arm, 17)
        stone.disc(*arm[-1], 13)
    town = sheet.plate()
    quays(stone, town)
    sheet.ink(town, "#8a5f22")
    for level in (3, 6, 10, 15):
        sheet.ink(isoline(depth, level, 0.65 * sheet.u), "#3d7f92")
    sheet.ink(isoline(depth, 0, 1.4 * sheet.u), "#16202a")
    clear: list[Disc] = [(505, 690, 20), (178, 834, 92), (478, 838, 92), (550, 838, 96), (640, 838, 96)]
    clear += [(x, y, 22) for x, y in (*mole[::6], *pier[::6])] + [(x, y, 20) for x, y, _ in BOATS]
    leads(line, field, 30, 10.5, 5, clear)
    for x, y, turn in BOATS:
        hull = [(0, -9), (3.4, -2), (2.8, 8), (-2.8, 8), (-3.4, -2)]
        c, n = math.cos(turn), math.sin(turn)
        flare.polygon([(x + c * a - n * b, y + n * a + c * b) for a, b in hull])
    sheet.ink(stone, "#3b3a38", opaque=True)
    light(line, flare, *mole[-1], "Fl.R 3s")
    light(line, flare, *pier[-1], "Fl.G 3s", -1)
    sheet.ink(sheet.rectangle(426, 758, 676, 924), "#f7f1e3", opaque=True)
    title_block(
        line, 440, 768, 222, "Breakwater", ["Plan of the harbour", "Dries alongside the old quay"], 31
    )
    scale_bar(line, 466, 901, 120, "cables", 4)
    compass(flare, line, 178, 838, 72, variation=-4)
    neatline(line, sheet.box)
    sheet.ink(line, "#16202a", clip=False)
    sheet.ink(flare, "#c5381e", 0.95, shift=(0.4, 0.3))
    return sheet.pull()


BOATS = [
    (250, 470, 0.2),
    (292, 478, 0.25),
    (334, 470, 0.2),
    (250, 530, 0.3),
    (292, 538, 0.2),
    (470, 470, -0.3),
    (512, 478, -0.2),
    (554, 470, -0.3),
]


def quays(stone: Plate, town: Plate) -> None:
    """Quay walls and two jetties; behind them the town, its streets bending with the hill."""
    stone.rectangle(186, 366, 594, 374)
    for jetty, head in ((226, 420), (402, 436), (566, 420)):
        stone.rectangle(jetty - 5, 370, jetty + 5, head)
    chance = rng(47, 2)
    y = 96.0
    while y < 322:
        depth, x = chance.uniform(14, 21), chance.uniform(40, 80)
        while x < 700:
            wide = chance.uniform(12, 44)
            market = math.hypot(x + wide / 2 - 330, (y - 262) * 1.5) < 62
            outskirts = min(max((abs(x - 375) / 330 + (322 - y) / 420 - 0.55) / 0.45, 0), 1)
            thin = chance.random() < 0.1 + 0.9 * outskirts**2 * (3 - 2 * outskirts)
            if not market and not thin:
                block(town, x, y, wide, depth)
            x += wide + (3.0 if chance.random() > 0.3 else 11.0)
        y += depth + (10 if chance.random() > 0.4 else 5)
    town.rectangle(327, 250, 331, 272)
    town.rectangle(320, 256, 338, 260)


def block(town: Plate, x: float, y: float, wide: float, depth: float) -> None:
    """One row of roofs, hatched on the side away from the light."""

    def bend(px: float, py: float) -> Point:
        return px, py + (13 * math.sin(px / 105 + 0.6) + 0.03 * (px - 375)) * (340 - py) / 240

    corners = [bend(x, y), bend(x + wide, y), bend(x + wide, y + depth), bend(x, y + depth)]
    town.line(corners, 0.7, closed=True)
    ridge = depth * 0.52
    town.line([bend(x, y + ridge), bend(x + wide, y + ridge)], 0.5)
    for k in range(1, int(wide / 2.2)):
        town.line([bend(x + k * 2.2, y + ridge), bend(x + k * 2.2, y + depth)], 0.45)
