"""Isobars: weather charts of storms that never were, drawn to the rules of the ones that were."""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image

from .chartwork import figures, neatline, title_block
from .press import (
    Point,
    Sheet,
    halftone,
    isoline,
    isolines,
    resize,
    smoothstep,
)
from .weather import (
    Centre,
    bands,
    barbs,
    centre_marks,
    clear_of,
    front,
    graduated_ring,
    land,
    lines,
    net,
    pressure,
    shore,
)


def ada(long_edge: int) -> Image.Image:
    """The house chart: a deep low, its fronts, the coast it is coming to."""
    sheet = Sheet(long_edge, "landscape", 31, paper="#f7f1e3", margin=(52, 50, 52, 50))
    centres = [
        Centre(410, 330, -52, 150, 120, 0.5),
        Centre(790, 560, 16, 150, 120, 0.2),
        Centre(120, 610, 15, 170, 110),
        Centre(880, 130, -14, 90, 70),
    ]
    occluded = [(448, 286), (520, 262), (585, 296)]
    warm_way = [(585, 296), (662, 352), (712, 440), (730, 545)]
    cold_way = [(585, 296), (560, 400), (490, 520), (372, 640), (300, 708)]
    field = pressure(sheet, centres, 1012, 3, [warm_way, cold_way])
    height = land(sheet, lambda x, y: 0.0032 * (x - 800) + 0.0013 * (300 - y) * (x > 600) - 0.05, 12, 0.75)
    sheet.ink(sheet.whole(), "#eaf0ea")
    gale = smoothstep(996, 966, resize(field, sheet.shape))
    sheet.ink(halftone(sheet, 0.42 * gale, 5.4, 30), "#7fa6b4", 0.75)
    shore(sheet, height, "#f0d9a2", "#7c6a48")
    sheet.ink(net(sheet, (540, -900), 120, 6), "#8ea0a4", 0.7)
    line, gap, cold, warm = sheet.plate(), sheet.plate(), sheet.plate(), sheet.plate()
    figures(sheet, line, gap, field, range(964, 1032, 4), 9, 5, 1, 84, [*clear_of(centres), (180, 120, 140)])
    centre_marks(line, gap, field, centres, 30)
    front(cold, warm, occluded, "occluded", -1, 14)
    front(cold, warm, warm_way, "warm", -1, 14)
    front(cold, warm, cold_way, "cold", -1, 14)
    barbs(line, field, sheet.box, 92, 150, 23, [*clear_of(centres, 44), (180, 120, 158)])
    sheet.ink(lines(sheet, field, gap, 4, 0.9, 1.9), "#22384a", 0.9)
    panel = sheet.rectangle(72, 70, 300, 176)
    sheet.ink(panel, "#f7f1e3", opaque=True)
    title_block(line, 84, 80, 204, "Storm Ada", ["Surface analysis, 0600 UTC", "Isobars every 4 hPa"], 26)
    neatline(line, sheet.box)
    sheet.ink(line, "#16202a", clip=False)
    sheet.ink(cold, "#1f5f9a", shift=(0.5, 0.3))
    sheet.ink(warm, "#c8321f", shift=(-0.3, 0.4))
    return sheet.pull()


def blocking_high(long_edge: int) -> Image.Image:
    """Nothing moves for nine days. Layer tints, warm where the glass is high."""
    sheet = Sheet(long_edge, "square", 32, paper="#f7f1e3", margin=(64, 62, 64, 92))
    centres = [
        Centre(520, 430, 42, 230, 170, -0.3),
        Centre(170, 690, -30, 140, 130),
        Centre(850, 740, -34, 150, 120, 0.4),
        Centre(160, 140, -16, 130, 120),
    ]
    field = pressure(sheet, centres, 1008, 23, unrest=3.5)
    steps = list(range(988, 1044, 4))
    ramp = ["#35657a", "#4b7c8b", "#6a969d", "#8eb1af", "#b3cabd", "#d3dcc6", "#eae6c9", "#f3e0b0"]
    ramp += ["#f1cf8c", "#ecba6b", "#e5a251", "#da873f", "#cc6b34", "#bd4f2c"]
    sheet.ink(sheet.whole(), "#254f66", opaque=True)
    bands(sheet, field, steps, ramp)
    line, gap = sheet.plate(), sheet.plate()
    figures(sheet, line, gap, field, steps, 10, 9, 1, 110, clear_of(centres, 60))
    for c in centres[:3]:
        gap.disc(c.x, c.y - 4, 29)
    sheet.ink(lines(sheet, field, gap, 4, 0.8, 1.7), "#1b2a35", 0.85)
    sheet.ink(line, "#1b2a35")
    marks = sheet.plate()
    centre_marks(marks, sheet.plate(1), field, centres[:3], 40)
    sheet.ink(marks, "#fbf4e2", opaque=True, salt=0)
    sheet.caption("Blocking high", "ISOBARS 2")
    return sheet.pull()


def night_watch(long_edge: int) -> Image.Image:
    """The chart as it hangs over the wheel, under a red lamp."""
    sheet = Sheet(long_edge, "portrait", 33, paper="#f4efe3", margin=(56, 54, 56, 54))
    centres = [
        Centre(300, 640, -58, 130, 105, -0.5),
        Centre(560, 250, -20, 120, 90, 0.4),
        Centre(140, 200, 22, 150, 130),
        Centre(640, 860, 18, 130, 120),
    ]
    warm_way = [(352, 600), (450, 568), (560, 590), (690, 650)]
    cold_way = [(352, 600), (400, 700), (390, 800), (320, 945)]
    field = pressure(sheet, centres, 1010, 41, [warm_way, cold_way])
    sheet.ink(sheet.whole(), "#142536", opaque=True)
    height = land(sheet, lambda x, y: 0.0034 * (x - 640) + 0.0022 * (420 - y) - 0.12, 47, 0.7)
    sheet.ink(np.clip(height * 160 + 0.5, 0, 1), "#22394c", opaque=True)
    sheet.ink(isoline(height, 0, 0.9 * sheet.u), "#c79a4a", opaque=True)
    sheet.ink(net(sheet, (300, -700), 110, 7), "#40586b", 0.9, opaque=True)
    line, gap, cold, warm = sheet.plate(), sheet.plate(), sheet.plate(), sheet.plate()
    figures(
        sheet, line, gap, field, range(956, 1036, 4), 9.5, 3, 1, 84, [*clear_of(centres), (560, 880, 150)]
    )
    centre_marks(line, gap, field, centres[:3], 32)
    front(warm, warm, warm_way, "warm", -1, 15)
    front(cold, cold, cold_way, "cold", -1, 15)
    sheet.ink(lines(sheet, field, gap, 4, 0.9, 1.9), "#cfd8d4", 0.92, opaque=True)
    sheet.ink(sheet.rectangle(462, 822, 678, 930), "#142536", opaque=True)
    title_block(
        line, 472, 830, 196, "Night watch", ["Midnight chart, outer banks", "Gale now, storm later"], 25
    )
    neatline(line, (56, 54, 694, 946))
    sheet.ink(line, "#efe6d0", opaque=True, clip=False)
    sheet.ink(cold, "#6fb0c8", opaque=True)
    sheet.ink(warm, "#e8573a", opaque=True, shift=(0.4, 0.3))
    return sheet.pull()


# Corners of the sea areas, lettered row by row.
AREAS: dict[str, Point] = dict(
    zip(
        "abcdefghijklmno",
        [
            *[(300, 40), (520, 40), (770, 40), (40, 262), (306, 338), (508, 276), (742, 318), (960, 250)],
            *[(276, 540), (548, 512), (790, 560), (960, 500), (330, 690), (590, 690), (770, 690)],
        ],
        strict=True,
    )
)


def gale_warning(long_edge: int) -> Image.Image:
    """Only the wind: every staff points where it comes from; one sea area is in red."""
    sheet = Sheet(long_edge, "landscape", 34, paper="#f6f1e4", margin=(58, 54, 58, 82))
    centres = [
        Centre(590, 330, -62, 190, 150, 0.5),
        Centre(140, 620, 20, 200, 150),
        Centre(950, 700, 14, 170, 130),
    ]
    field = pressure(sheet, centres, 1014, 8)
    patch, border = sheet.plate(), sheet.plate()
    patch.polygon([AREAS[name] for name in "efji"])
    for way in ("abc", "aei", "defgh", "bfj", "cgk", "ijkl", "im", "jn", "ko"):
        border.line([AREAS[name] for name in way], 0.7)
    sheet.ink(sheet.whole(), "#f2efe3")
    sheet.ink(
        halftone(sheet, 0.44 * smoothstep(1004, 956, resize(field, sheet.shape)), 6, 45), "#9fb9bb", 0.8
    )
    sheet.ink(patch, "#d8452c", shift=(0.8, 0.6))
    sheet.ink(border, "#b0402c")
    feathers = sheet.plate()
    barbs(feathers, field, sheet.box, 43, 175, 31, clear_of(centres[:1], 34))
    sheet.ink(feathers, "#1a2f40")
    mark = sheet.plate()
    mark.text(590, 346, "L", 46, face="serif", anchor="ms")
    sheet.ink(mark, "#d8452c")
    sheet.caption("Gale warning", "ISOBARS 4")
    return sheet.pull()


def two_days(long_edge: int) -> Image.Image:
    """Nine charts, six hours apart: a low arrives, deepens, and goes."""
    sheet = Sheet(long_edge, "square", 35, paper="#f7f2e6", margin=(64, 62, 64, 62))
    line, red, iso = sheet.plate(), sheet.plate(), np.zeros(sheet.shape, np.float32)
    edge, space, left, top = 262.0, 43.0, 64.0, 62.0
    sea = np.zeros(sheet.shape, np.float32)
    for i in range(9):
        x0, y0 = left + i % 3 * (edge + space), top + i // 3 * (edge + space + 6)
        way = i / 8
        depth = -14 - 50 * math.sin(math.pi * min(1, 0.16 + way * 0.86)) ** 1.4
        low = Centre(
            x0 + edge * (0.02 + 0.96 * way),
            y0 + edge * (0.86 - 0.66 * way),
            depth,
            62 - 14 * way,
            50,
            0.6 - way,
        )
        high = Centre(x0 + edge * (0.9 + 0.2 * way), y0 + edge * (0.95 + 0.2 * way), 20, 80, 70)
        field = resize(pressure(sheet, [low, high], 1012, 60 + i, unrest=2.5), sheet.shape)
        window = sheet.rectangle(x0, y0, x0 + edge, y0 + edge, radius=0.8)
        iso = np.maximum(
            iso, np.maximum(isolines(field, 4, 0.8 * sheet.u), isolines(field, 20, 1.7 * sheet.u)) * window
        )
        sea = np.maximum(sea, halftone(sheet, 0.75 * smoothstep(1006, 966, field), 4.6, 30) * window)
        line.frame(x0, y0, x0 + edge, y0 + edge, 1.0)
        line.text(x0, y0 + edge + 15, ("Monday", "Tuesday", "Wednesday")[i // 4], 10.5, face="italic")
        line.text(x0 + edge, y0 + edge + 15, f"{(i * 6) % 24:02d}00", 9, anchor="rs", tracking=0.06)
        red.disc(min(max(low.x, x0 + 7), x0 + edge - 7), low.y, 5.2)
    sheet.ink(sea, "#5f97a8", 0.9, clip=False)
    sheet.ink(iso, "#1a2f40", clip=False)
    sheet.ink(line, "#1a2f40", clip=False)
    sheet.ink(red, "#cf3d22", clip=False, shift=(0.4, 0.3))
    return sheet.pull()


def over_the_pole(long_edge: int) -> Image.Image:
    """The whole north at once: lows strung round the pole like beads."""
    sheet = Sheet(long_edge, "portrait", 36, paper="#f6f0e2", margin=(60, 58, 60, 58))
    pole, rim = (375.0, 432.0), 312.0
    centres = []
    for i, (turn, out, depth) in enumerate(
        [
            (0.3, 190, -44),
            (1.35, 215, -34),
            (2.5, 180, -50),
            (3.65, 225, -30),
            (4.75, 195, -42),
            (5.6, 222, -26),
        ]
    ):
        centres.append(
            Centre(pole[0] + out * math.cos(turn), pole[1] + out * math.sin(turn), depth, 62, 48, turn + 1.2)
        )
        turn += 0.55
        centres.append(
            Centre(
                pole[0] + 262 * math.cos(turn), pole[1] + 262 * math.sin(turn), 17 + i % 2 * 5, 60, 52, turn
            )
        )
    centres.append(Centre(*pole, 26, 95, 80))
    field = pressure(sheet, centres, 1010, 71, unrest=3)
    height = land(sheet, lambda x, y: 0.0042 * (np.hypot(x - pole[0], y - pole[1]) - 262), 66, 0.95)
    disc = sheet.disc(*pole, rim)
    sheet.ink(disc, "#dfe9e6", clip=False)
    sheet.ink(np.clip(height * 140 + 0.5, 0, 1) * disc, "#eccf92", clip=False, shift=(0.5, 0.4))
    sheet.ink(isoline(height, 0, 0.7 * sheet.u) * disc, "#80653a", 0.8, clip=False)
    sheet.ink(net(sheet, pole, 78, 30, 0.5) * disc, "#7d9299", 0.7, clip=False)
    line, gap = sheet.plate(), sheet.plate()
    lows = [c for c in centres if c.depth < 0]
    centre_marks(line, gap, field, [*lows, centres[-1]], 24)
    sheet.ink(lines(sheet, field, gap, 4, 0.85, 1.7) * disc, "#1d3446", 0.92, clip=False)
    graduated_ring(line, pole, rim)
    title_block(
        line,
        245,
        824,
        260,
        "Over the pole",
        ["Six lows, one high, noon on the eleventh", "Isobars every 4 hPa"],
        27,
    )
    sheet.ink(line, "#1d2a34", clip=False)
    red = sheet.plate()
    for c in lows:
        red.ring(c.x, c.y - 2, 19, 1.3)
    sheet.ink(red, "#c9381f", clip=False, shift=(0.4, 0.3))
    return sheet.pull()


PRINTS: dict[str, Callable[[int], Image.Image]] = {
    "isobars-storm-ada": ada,
    "isobars-blocking-high": blocking_high,
    "isobars-night-watch": night_watch,
    "isobars-gale-warning": gale_warning,
    "isobars-two-days": two_days,
    "isobars-over-the-pole": over_the_pole,
}
