"""Harbour: what can be seen from a quay at night, at dawn, and from the hill above it."""

from collections.abc import Iterator
from math import sin

import numpy as np
from PIL import Image

from .press import (
    INK,
    SIGNAL,
    Sheet,
    curve,
    fbm,
    halftone,
    noise,
    rng,
    smoothstep,
)
from .quayside import deck, glimmer, gull, house, reflected, ribbon, terrace, trawler, wake, yacht


def windows(long_edge: int) -> Image.Image:
    """A row of gables at night, the last windows lit and standing in the water."""
    sheet = Sheet(long_edge, "landscape", 611, margin=(62, 62, 62, 92))
    chance, level = rng(613), 430
    x, y = sheet.grid()
    shades, roof, panes, gleam = [sheet.plate() for _ in range(3)], *(sheet.plate() for _ in range(3))
    left = 40.0
    while left < 960:
        w, h = chance.uniform(58, 96), chance.uniform(92, 178)
        for px, py in house(
            shades[int(chance.integers(3))], roof, panes, (left, level), (w, h), chance, 0.34
        ):
            glimmer(gleam, px, level + 10 + 0.2 * (level - py), 110 + 0.75 * (level - py), 7.5, chance)
        left += w + chance.choice([0, 0, 2])
    stars = sheet.plate()
    for _ in range(46):
        stars.disc(chance.uniform(70, 930), 70 + 150 * chance.beta(1, 1.6), chance.uniform(0.5, 1.2))
    sheet.ink(sheet.whole(), "#27506c", salt=0.1)
    sheet.ink(halftone(sheet, 0.75 * smoothstep(340, 40, y + 0 * x), 5, 30), "#132c42", 0.9)
    sheet.ink((y > level) * np.ones_like(x), "#5a7f8e", 0.9)
    sheet.ink(stars, "#efe3c4", opaque=True)
    for shade, dye in zip(shades, ("#1a2c3d", "#213a4b", "#16232f"), strict=True):
        wall = shade.mask()
        sheet.ink(wall, dye, opaque=True, salt=0.08)
        sheet.ink(reflected(sheet, wall, level + 8, 614, 20), "#13232f", 0.9, opaque=True)
    sheet.ink(roof, "#0e1821", opaque=True)
    light = panes.mask()
    sheet.ink(light, "#f3bd4f", opaque=True, shift=(0.5, 0.4))
    sheet.ink(gleam, "#eaab45", opaque=True, salt=0.08)
    quay = sheet.plate()
    quay.rectangle(0, level - 2, 1000, level + 9)
    for px in (186, 474, 782):
        quay.polygon([(px, level), (px + 3, level - 16), (px + 13, level - 16), (px + 16, level)])
    sheet.ink(quay, "#0e1821", opaque=True)
    sheet.caption("Last windows", "Harbour, no. 1")
    return sheet.pull()


def masts(long_edge: int) -> Image.Image:
    """A forest of masts against a low sun."""
    sheet = Sheet(long_edge, "portrait", 621, margin=(70, 70, 70, 104))
    chance, level = rng(625), 610
    x, y = sheet.grid()
    sheet.ink(sheet.whole(), "#f6d5b4")
    sheet.ink(halftone(sheet, 0.62 * smoothstep(620, 70, y + 0 * x), 5.2, 15), "#dc8d84", 0.9)
    sun = sheet.disc(452, 470, 84)
    sheet.ink(sun * (y < level), "#e2563a", opaque=True, salt=0.09)
    path = sheet.plate()
    for k in range(9):
        glimmer(path, 452 + 17 * (k - 4), level + 8, 250 - 14 * abs(k - 4), 21, chance)
    sheet.ink(path, "#e2563a", 0.9, opaque=True)
    for depth, dye, count, tall, base in (
        (0, "#b9838a", 8, 290, 600),
        (1, "#74566f", 6, 400, 608),
        (2, "#2b2a40", 4, 505, 618),
    ):
        plate = sheet.plate()
        for k in range(count):
            px = 70 + 610 * (k + 0.5) / count + chance.uniform(-24, 24)
            yacht(plate, px, base, tall * chance.uniform(0.78, 1.08), 30 + 15 * depth)
        fleet = plate.mask()
        fade = 1 - 0.85 * smoothstep(level + 40, level + 260, y)
        sheet.ink(reflected(sheet, fleet, base, 624 + depth, 9 + 4 * depth) * fade, dye, 0.85, opaque=True)
        sheet.ink(fleet, dye, opaque=True, salt=0.08)
    sheet.caption("Masts at sunrise", "Harbour, no. 2")
    return sheet.pull()


def fleet(long_edge: int) -> Image.Image:
    """A fleet going one way, and one boat the other."""
    sheet = Sheet(long_edge, "square", 631, margin=(70, 70, 70, 104))
    chance = rng(632)
    dyes = ("#24566a", "#c89a45", "#5f9189", "#24344a", "#d2472c")
    hulls, trim, dark = [sheet.plate() for _ in dyes], sheet.plate(), sheet.plate()
    waves = sheet.plate()
    for row in range(7):
        for column in range(-1, 6):
            x, y = 150 + 174 * column + (87 if row % 2 else 0), 178 + 113 * row
            odd = (row, column) == (3, 2)
            dye = 4 if odd else (column * 2 + row * 3 + int(chance.integers(2))) % 4
            trawler(hulls[dye], trim, dark, x, y, 132, -1 if odd else 1)
            t = np.linspace(-78, 78, 40)
            for k, reach in ((0, 1), (1, 0.7)):
                swell = y + 13 + 8 * k + 2.1 * np.sin(t * 0.16 + row + k)
                waves.line(list(zip(x + reach * t, swell, strict=True)), 1.5)
    body = np.clip(trim.mask() + sum(plate.mask() for plate in hulls), 0, 1)
    sheet.ink((1 - body), "#e9dcc0", shift=(0.4, 0.3))
    for plate, paint in zip(hulls, dyes, strict=True):
        sheet.ink(np.clip(plate.mask() - trim.mask(), 0, 1), paint, shift=(0.7, 0.5), salt=0.09)
    sheet.ink(waves.mask() * (1 - body), "#5f9189")
    sheet.ink(dark, INK)
    sheet.caption("The fleet, and one who forgot something", "Harbour, no. 3")
    return sheet.pull()


def gulls(long_edge: int) -> Image.Image:
    """Gulls over a breakwater, mostly air."""
    sheet = Sheet(long_edge, "portrait", 641, margin=(70, 70, 70, 104))
    chance = rng(647)
    x, y = sheet.grid()
    sheet.ink(halftone(sheet, 0.3 * smoothstep(520, 900, y + 0 * x) * (y < 806), 5.4, 20), "#8fb3bd")
    birds = sheet.plate()
    for k in range(27):
        t = (k / 26) ** 0.8
        off = chance.normal(0, 1, 2)
        gull(
            birds,
            565 - 330 * t + 70 * sin(4.2 * t) + 32 * off[0],
            726 - 530 * t + 24 * off[1],
            8 + 27 * t**1.7 * chance.uniform(0.6, 1.2),
            chance.normal(-0.12, 0.25),
            chance.uniform(0.18, 0.62),
        )
    gull(birds, 500, 268, 92, -0.26, 0.5)
    sheet.ink(birds, INK)
    stone, sea = sheet.plate(), sheet.plate()
    stone.polygon([(750, 790), (600, 792), (590, 780), (574, 780), (566, 806), (750, 830)])
    stone.polygon([(577, 781), (579, 752), (587, 752), (589, 781)])
    t = np.linspace(-1, 1, 25)
    for k in range(11):
        wave = 808 + 1.2 * k**1.55
        for _ in range(5):
            half, px = chance.uniform(20, 130), chance.uniform(0, 750)
            crest, foot = wave - (0.5 + 0.06 * k) * (1 - t**2), wave + (0.4 + 0.05 * k) * (1 - t**2)
            sea.polygon(ribbon(px + half * t, crest, foot))
    sheet.ink(sea, "#2a6272")
    sheet.ink(stone, "#22313c", salt=0.1)
    sheet.ink(sheet.disc(583, 749, 4.2), SIGNAL)
    sheet.caption("Twenty-eight gulls", "Harbour, no. 4")
    return sheet.pull()


MOLES = (
    [(40, 330), (150, 322), (262, 372), (318, 428)],
    [(250, 730), (300, 640), (388, 566), (448, 528)],
)


def outward() -> Iterator[tuple[float, float, float, float]]:
    """The boats: where they are, where they head, and how long a wake they have."""
    way = np.array(curve([(150, 640), (268, 520), (380, 440), (520, 360), (690, 268), (905, 128)], 40))
    gone = (0.05, 0.24, 0.43, 0.56, 0.6, 0.74, 0.82, 0.84, 0.98)
    aside = (4, -4, 12, -46, 62, -2, -112, 118, 40)
    for t, off in zip(gone, aside, strict=True):
        i = int(t * (len(way) - 2))
        step = way[i + 1] - way[i]
        x, y = way[i] + np.array([-step[1], step[0]]) / np.hypot(*step) * off
        yield x, y, float(np.arctan2(step[1], step[0])) + off * 0.003, 110 + 90 * t


def leaving(long_edge: int) -> Image.Image:
    """The fleet from above, leaving between the moles in the order of their engines."""
    sheet = Sheet(long_edge, "landscape", 651, margin=(62, 62, 62, 92))
    foam, mole, shade = (sheet.plate() for _ in range(3))
    hulls, tops, red = sheet.plate(), sheet.plate(), sheet.plate()
    for k, (bx, by, heading, run) in enumerate(outward()):
        wake(foam, bx, by, heading, 46 + 5 * (k % 3), run)
        deck(red if k == 5 else hulls, tops, bx, by, heading, 46 + 5 * (k % 3))
    for arm in MOLES:
        mole.line(curve(arm, 20), 30)
        shade.line([(px + 7, py + 9) for px, py in curve(arm, 20)], 31)
        mole.disc(*arm[-1], 21)
        shade.disc(arm[-1][0] + 7, arm[-1][1] + 9, 21)
    x, y = sheet.grid()
    swell = np.sin((y + 0.35 * x) / 6.2 + 2.4 * fbm(sheet.shape, 7, 652, 3)) * 0.5 + 0.5
    lines = 0.8 * smoothstep(0.93, 0.97, swell) * smoothstep(0, 0.5, noise(sheet.shape, 22, 653, stretch=2))
    white = foam.mask()
    deep = np.clip(0.15 + 0.5 * smoothstep(300, 1000, x + 0.4 * y), 0, 1)
    sheet.ink(1 - white, "#4f979b", salt=0.1)
    sheet.ink(halftone(sheet, deep * (1 - white), 5.2, 22), "#1f5f74")
    sheet.ink(lines * (1 - white), "#17485c", 0.9)
    sheet.ink(shade, "#123746", 0.7)
    sheet.ink(mole, "#ecdcb8", opaque=True, salt=0.09)
    for px, py, dye in ((318, 428, "#2f8a66"), (448, 528, "#d4492e")):
        sheet.ink(sheet.disc(px, py, 9.5), dye, opaque=True)
    sheet.ink(hulls, "#1a2833", opaque=True)
    sheet.ink(red, "#d4492e", opaque=True)
    sheet.ink(tops, "#f3e6c6", opaque=True)
    sheet.caption("Leaving", "Harbour, no. 5")
    return sheet.pull()


def hillside(long_edge: int) -> Image.Image:
    """A town that climbs from its quay, washed in five colours."""
    sheet = Sheet(long_edge, "portrait", 661, margin=(70, 70, 70, 104))
    chance = rng(668)
    dyes = ("#e8b866", "#d9694a", "#efe2c6", "#8fb2ad", "#c9867a")
    walls = [sheet.plate() for _ in dyes]
    roofs, panes = sheet.plate(), sheet.plate()
    everything = [*walls, roofs, panes]
    for row in range(10):
        base = 250 + 56 * row + 4 * row * (row > 4)
        left, right = 300 - 34 * row + chance.uniform(-20, 20), 640 + 20 * row
        x = left
        while x < right:
            w, h = chance.uniform(42, 74), chance.uniform(58, 96)
            y = base + 16 * sin(x / 120 + row) + chance.uniform(-5, 5)
            terrace(everything, walls[int(chance.integers(5))], (x, y), (w, h), chance)
            x += w
    sheet.ink(sheet.whole(), "#cfe0dd", 0.9)
    sheet.ink(sheet.disc(212, 196, 46), "#e9a94a", opaque=True)
    for plate, dye in zip(walls, dyes, strict=True):
        sheet.ink(plate, dye, opaque=True, salt=0.08)
    sheet.ink(roofs, "#9c4a38", opaque=True, shift=(0.5, 0.4), salt=0.09)
    sheet.ink(panes, "#22384a", opaque=True)
    water = sheet.plate()
    water.rectangle(0, 806, 750, 1000)
    sheet.ink(water, "#24566a", opaque=True, salt=0.1)
    hull, trim, dark = (sheet.plate() for _ in range(3))
    trawler(hull, trim, dark, 240, 850, 120)
    trawler(hull, trim, dark, 520, 866, 146, -1)
    for plate, dye in ((hull, "#d9694a"), (trim, "#f3e6cb"), (dark, "#15242f")):
        sheet.ink(plate, dye, opaque=True)
    sheet.caption("Hill town, nine o’clock", "Harbour, no. 6")
    return sheet.pull()


def mole_night(long_edge: int) -> Image.Image:
    """A breakwater, its one lamp, and rain."""
    sheet = Sheet(long_edge, "square", 671, margin=(70, 70, 70, 104))
    chance = rng(672)
    x, y = sheet.grid()
    lx, ly, level = 652, 470, 588
    far = np.hypot(x - lx, (y - ly) * 1.0)
    sheet.ink(sheet.whole(), "#45636f", salt=0.1)
    sheet.ink(
        halftone(sheet, np.clip(0.25 + 0.75 * smoothstep(60, 520, far), 0, 1), 5.4, 12), "#1c3443", 0.95
    )
    glow = np.exp(-((far / 105) ** 1.15)) * (y < level + 8)
    sheet.ink(halftone(sheet, np.clip(1.1 * glow, 0, 1), 5, 50), "#f2c063", opaque=True)
    rain = sheet.plate()
    for _ in range(520):
        px, py, run = chance.uniform(0, 1080), chance.uniform(0, 1000), chance.uniform(18, 74)
        rain.line([(px, py), (px - 0.2 * run, py + run)], float(chance.choice([0.7, 1.0, 1.4])))
    stone = sheet.plate()
    stone.polygon([(0, 560), (240, 566), (480, 572), (690, 576), (708, 584), (716, 606), (0, 640)])
    stone.polygon([(640, 578), (645, 494), (659, 494), (664, 578)])
    stone.polygon([(638, 494), (666, 494), (662, 488), (642, 488)])
    stone.polygon([(640, 460), (664, 460), (652, 446)])
    stone.line([(643, 488), (643, 460)], 1.6)
    stone.line([(661, 488), (661, 460)], 1.6)
    gleam = sheet.plate()
    for k in range(44):
        gy = 622 + 6.2 * k
        half = chance.uniform(0.3, 1) * (12 + 1.1 * k)
        gx = lx + chance.normal(0, 3 + 0.5 * k)
        gleam.polygon([(gx - half, gy), (gx, gy - 1.6), (gx + half, gy), (gx, gy + 1.6)])
    sheet.ink(gleam.mask() * (y < 880), "#eab654", 0.92, opaque=True)
    sheet.ink(rain, "#dfe6e2", 0.5, opaque=True)
    sheet.ink(stone, "#0f1b25", opaque=True, salt=0.09)
    sheet.ink(sheet.disc(lx, 473, 9), "#fff1c9", opaque=True)
    sheet.caption("Rain on the mole", "Harbour, no. 7")
    return sheet.pull()


PRINTS = {
    "harbour-last-windows": windows,
    "harbour-masts-at-sunrise": masts,
    "harbour-fleet": fleet,
    "harbour-gulls": gulls,
    "harbour-leaving": leaving,
    "harbour-hill-town": hillside,
    "harbour-rain-on-the-mole": mole_night,
}
