"""Lights: towers as flat shapes, and the characters they are known by, drawn as a light list would if it could."""

from collections.abc import Sequence
from math import cos, pi, radians, sin

import numpy as np
from PIL import Image

from .lighthouse import (
    beam,
    bulls_eye,
    daymark,
    flashes,
    framework,
    lantern,
    prisms,
    rock,
    seconds,
    strip,
    tapered,
)
from .press import (
    BRASS,
    INK,
    Plate,
    Sheet,
    blur,
    curve,
    fbm,
    halftone,
    rng,
    smoothstep,
)

NIGHT, LAMP = "#14222f", "#f5cf73"


def skerry_fog(long_edge: int) -> Image.Image:
    """A red-banded tower on its skerry, half taken by fog, its character below."""
    sheet = Sheet(long_edge, "portrait", 311, margin=(70, 70, 70, 236))
    x, y = sheet.grid()
    fog = fbm(sheet.shape, 3.2, 312, 4, stretch=3.6)
    bank = np.exp(-(((y - 560) / 130) ** 2)) * (0.75 + 0.5 * fog)
    tower, bands, stones, far, light = (sheet.plate() for _ in range(5))
    light.polygon(beam(430, 243, 171, 6.5))
    light.polygon(beam(430, 243, -7, 5))
    far.polygon(rock(80, 330, 655, 700, 3, 4))
    far.polygon(rock(520, 720, 672, 706, 8, 3))
    stones.polygon(rock(250, 640, 612, 735, 12, 6))
    tower.polygon(tapered(430, 640, 262, 52, 24))
    bands.polygon(tapered(430, 640, 262, 52, 24))
    for top in (262, 400, 538):
        bands.rectangle(300, top + 69, 560, top + 138, 0)
    shape, cap = tower.mask(), sheet.plate()
    lantern(cap, 430, 262, 24)
    sky = 1 - 0.85 * light.mask() * (1 - smoothstep(0, 520, np.hypot(x - 430, y - 243)) * 0.55)
    sheet.ink(sheet.whole(), "#dfe3de", 0.8)
    sheet.ink(sky * (1 - shape) * smoothstep(800, 80, y + 0 * x), "#9db4bb", 0.95, salt=0.08)
    sheet.ink(halftone(sheet, 0.46 * smoothstep(520, 60, y) * sky * (1 - shape), 5, 22), "#52717f", 0.9)
    sheet.ink(far, "#8fa3aa", 0.75)
    veil = np.clip(1 - 0.9 * np.clip(bank, 0, 1), 0, 1)
    sheet.ink(bands.mask() * veil, "#c4402a", shift=(0.8, 0.4), salt=0.08)
    shade = halftone(sheet, 0.5 * smoothstep(425, 482, x + 0 * y) * shape, 4.2, 70)
    sheet.ink(shade * veil * (1 - stones.mask()), "#2b3d4a", 0.8)
    sheet.ink(stones.mask() * np.clip(veil + smoothstep(640, 720, y) * 0.7, 0, 1), "#22323e", salt=0.1)
    sheet.ink(smoothstep(714, 722, y + 4 * fog), "#5d7f88", 0.85)
    sheet.ink(cap, "#1d2a35")
    lamp = sheet.plate()
    lamp.disc(430, 243, 11)
    sheet.ink(lamp, "#f2b632", opaque=True)
    legend = sheet.plate()
    legend.text(70, 826, "Outer Skerry", 27, face="serif")
    legend.text(680, 826, "Fl(3) 15s 34m 18M", 15, face="italic", anchor="rs")
    legend.line([(70, 866), (680, 866)], 0.6)
    strip(legend, (70, 846, 680, 866), flashes(3, 0.9, 1.6, 15), 30)
    seconds(legend, 70, 680, 866, 30)
    sheet.ink(legend, INK, 0.92, clip=False)
    return sheet.pull()


def five_marks(long_edge: int) -> Image.Image:
    """Five towers by day and by night, on one sheet."""
    sheet = Sheet(long_edge, "landscape", 321, margin=0)
    red, black, lines, bars = (sheet.plate() for _ in range(4))
    lights: list[tuple[str, str, float, float, float, Sequence[tuple[float, float]]]] = [
        ("Kell Head", "Oc 8s", 256, 28, 15, [(a, a + 6) for a in range(0, 24, 8)]),
        ("The Widow", "Fl(2) 12s", 336, 35, 17.5, flashes(2, 1, 2, 12)),
        ("Sallow Ness", "Iso 6s", 214, 33, 22, [(a, a + 3) for a in range(0, 24, 6)]),
        ("Long Ledge", "Fl(3) 15s", 374, 42, 18, flashes(3, 0.8, 1.7, 15)),
        ("Mew Point", "Q", 176, 38, 28, [(a, a + 0.5) for a in range(0, 24, 1)]),
    ]
    for i, (name, code, height, foot, head, lit) in enumerate(lights):
        x, base, top = 132 + 184 * i, 584, 584 - height
        outline = tapered(x, base, top, foot, head, 1 if i in (2, 4) else 1.7)
        daymark(i, red, black, x, base, top, outline)
        lines.line(outline, 1.3, closed=True)
        lantern(lines, x, top, head)
        lines.text(x, 632, name, 18, face="italic", anchor="ms")
        lines.text(x, 652, code, 11.5, anchor="ms", tracking=0.04)
        strip(bars, (x - 66, 668, x + 66, 680), lit, 24)
        lines.line([(x - 66, 680), (x + 66, 680)], 0.6)
    inside = sheet.plate()
    for i, (_, _, height, foot, head, _) in enumerate(lights):
        inside.polygon(tapered(132 + 184 * i, 584, 584 - height, foot, head, 1 if i in (2, 4) else 1.7))
    cover = inside.mask()
    sheet.ink(red.mask() * cover, "#c8452c", shift=(0.9, 0.5), salt=0.09)
    sheet.ink(black.mask() * cover, "#1d2831", shift=(-0.5, 0.4), salt=0.09)
    across = sheet.grid()[0]
    side = np.clip((across - 40) % 184 - 92, 0, 46) / 46
    side = side * side * (3 - 2 * side)
    sheet.ink(halftone(sheet, 0.34 * side * cover, 4, 68), "#2c4a58", 0.8)
    lines.line([(54, 584), (946, 584)], 1.3)
    sheet.ink(lines, INK)
    sheet.ink(bars, BRASS)
    title = sheet.plate()
    title.text(54, 96, "Five lights of one coast", 31, face="serif")
    title.text(
        54, 121, "as seen by day, and as counted by night through twenty-four seconds", 14, face="italic"
    )
    sheet.ink(title, INK, 0.92)
    return sheet.pull()


SECTORS = (
    (268, 312, "#d3492f"),
    (312, 346, "#f6dc9a"),
    (346, 20, "#3f9277"),
    (20, 58, "#f6dc9a"),
    (58, 112, "#d3492f"),
)


def coastline(sheet: Sheet, cx: float, cy: float) -> Plate:
    """The light's islet, and a corner of the mainland."""
    land = sheet.plate()
    chance = rng(334)
    coast = [(cx + q * cos(a), cy + q * sin(a) * 0.8) for a, q in
             ((k * pi / 12, 44 + chance.uniform(-13, 20)) for k in range(24))]  # fmt: skip
    land.polygon(curve(coast, 6, closed=True))
    land.polygon(
        curve([(560, 930), (620, 800), (700, 770), (790, 690), (960, 660), (960, 960), (560, 960)], 10)
    )
    return land


def sectors(long_edge: int) -> Image.Image:
    """A sector light from above: where it shows white is water."""
    sheet = Sheet(long_edge, "square", 331, margin=(70, 70, 70, 104))
    cx, cy = 430, 590
    x, y = sheet.grid()
    r = np.hypot(x - cx, y - cy)
    bearing = np.degrees(np.arctan2(x - cx, cy - y)) % 360
    sheet.ink(sheet.whole(), "#1b3242", salt=0.1)
    fade = 1 - 0.72 * smoothstep(60, 620, r)
    for start, end, dye in SECTORS:
        width = (end - start) % 360
        within = ((bearing - start) % 360 < width) * (r > 30)
        rays = 0.5 + 0.5 * np.cos(np.radians(bearing - start) * 360 / 1.6)
        sheet.ink(
            np.clip(within * smoothstep(1 - fade, 1.12 - fade, rays), 0, 1), dye, opaque=True, salt=0.08
        )
    chart = sheet.plate()
    for radius in range(120, 700, 80):
        chart.ring(cx, cy, radius, 0.7)
    for start, _, _ in (*SECTORS, (112, 0, "")):
        a = radians(start - 90)
        chart.line([(cx + 30 * cos(a), cy + 30 * sin(a)), (cx + 900 * cos(a), cy + 900 * sin(a))], 1.0)
    sheet.ink(chart, "#f4ead0", 0.55, opaque=True)
    sheet.ink(coastline(sheet, cx, cy), "#e6d3a3", opaque=True)
    names = sheet.plate()
    for angle, q, word in ((290, 300, "R"), (329, 400, "W"), (3, 300, "G"), (39, 400, "W"), (85, 300, "R")):
        a = radians(angle - 90)
        names.disc(cx + q * cos(a), cy + q * sin(a), 15, 1)
        names.text(cx + q * cos(a), cy + q * sin(a) + 6.5, word, 18, face="serif", anchor="ms", ink=0)
    names.disc(cx, cy, 9)
    sheet.ink(names, "#14222d", opaque=True)
    star = sheet.plate()
    star.disc(cx, cy, 5)
    sheet.ink(star, LAMP, opaque=True)
    sheet.caption("Sectors: keep in the white", "Lights, no. 3")
    return sheet.pull()


def sweep(long_edge: int) -> Image.Image:
    """Eight beams over a black sea."""
    sheet = Sheet(long_edge, "portrait", 341, margin=(70, 70, 70, 104))
    lx, ly = 268, 622
    x, y = sheet.grid()
    far = np.hypot(x - lx, y - ly)
    rays, tower, stones, cap = (sheet.plate() for _ in range(4))
    for k, spread in enumerate((4.6, 4.2, 5.2, 4.6, 4.2, 5)):
        rays.polygon(beam(lx, ly, 8 + 33 * k, spread))
    light = rays.mask()
    sheet.ink(sheet.whole(), "#f0cf8a", 0.9)
    sheet.ink((1 - light) * (y < 742), "#23506a", salt=0.1)
    sheet.ink(
        (y < 742) * halftone(sheet, np.clip(0.16 + 0.9 * smoothstep(20, 760, far), 0, 1) * light, 6.4, 15),
        "#23506a",
    )
    sheet.ink(
        (y < 742) * halftone(sheet, 0.8 * smoothstep(700, 90, y + 0 * x) * (1 - light), 5.2, 45),
        "#12283a",
        0.9,
    )
    cut = sheet.plate()
    chance = rng(342)
    for _ in range(210):
        depth = chance.uniform(0, 1) ** 1.3
        gx = lx + chance.normal(0, 40 + 150 * depth)
        gy, half = 748 + 145 * depth, chance.uniform(8, 42) * (0.5 + depth)
        cut.polygon(
            [(gx - half, gy), (gx, gy - 0.7 - 1.6 * depth), (gx + half, gy), (gx, gy + 0.7 + 1.2 * depth)]
        )
    sheet.ink((y >= 742) * (1 - cut.mask()), "#132f42", salt=0.08)
    tower.polygon(tapered(lx, 735, ly + 14, 19, 10))
    stones.polygon(rock(150, 430, 716, 752, 5, 3))
    lantern(cap, lx, ly + 14, 10)
    for plate in (tower, stones, cap):
        sheet.ink(plate, "#0e1a24", opaque=True)
    lamp = sheet.plate()
    lamp.disc(lx, ly + 5, 6.5)
    sheet.ink(lamp, "#fff3cf", opaque=True)
    sheet.caption("The loom", "Lights, no. 4")
    return sheet.pull()


def pier_heads(long_edge: int) -> Image.Image:
    """Red to port, green to starboard: the way in at dusk."""
    sheet = Sheet(long_edge, "landscape", 351, margin=(62, 62, 62, 92))
    x, y = sheet.grid()
    level = 452
    sheet.ink(sheet.whole(), "#f3d9bd")
    sheet.ink(halftone(sheet, 0.75 * smoothstep(420, 40, y + 0 * x), 5.2, 15), "#7e8fae")
    sheet.ink(halftone(sheet, 0.55 * smoothstep(180, 460, y + 0 * x) * (y < level), 5.2, 75), "#e08a5e", 0.85)
    sheet.ink((y >= level) * np.ones_like(x), "#8fa3b8")
    sheet.ink(halftone(sheet, 0.85 * smoothstep(level - 90, 690, y + 0 * x) * (y >= level), 5, 30), "#2b4560")
    stone, cut = sheet.plate(), sheet.plate()
    stone.polygon([(0, 398), (318, 404), (330, 412), (342, 470), (0, 506)])
    stone.polygon([(1000, 408), (700, 412), (690, 419), (678, 462), (1000, 484)])
    for px, foot, w, top in ((282, 406, 15, 262), (728, 413, 12, 300)):
        stone.polygon(tapered(px, foot, top, w * 1.25, w * 0.9, 1))
        lantern(stone, px, top, w * 0.9)
    sheet.ink(stone, "#1b2736", opaque=True, salt=0.09)
    chance = rng(352)
    for px, breadth in ((282, 1.0), (728, 0.8)):
        for k in range(26):
            gy = 520 + k * 7 + chance.uniform(-2, 2)
            half = breadth * (26 - 0.5 * k) * chance.uniform(0.35, 1)
            gx = px + chance.normal(0, 5 + 0.5 * k)
            cut.polygon([(gx - half, gy), (gx, gy - 2), (gx + half, gy), (gx, gy + 2)])
    wake = cut.mask()
    sheet.ink(wake * (x < 500), "#e0533a", opaque=True)
    sheet.ink(wake * (x >= 500), "#4fa585", opaque=True)
    for px, py, r, dye in ((282, 250, 9, "#e84a2e"), (728, 290, 7.5, "#3fa37f")):
        glow = np.exp(-((np.hypot(x - px, y - py) / 42) ** 1.2))
        sheet.ink(halftone(sheet, 0.8 * glow, 4.6, 40), dye, 0.8, opaque=True)
        sheet.ink(sheet.disc(px, py, r), dye, opaque=True)
    boat = sheet.plate()
    boat.polygon([(488, 447), (534, 447), (528, 457), (493, 457)])
    boat.polygon([(511, 446), (511, 396), (531, 440)])
    boat.line([(511, 450), (511, 390)], 1.4)
    sheet.ink(boat, "#1b2736", opaque=True)
    sheet.ink(sheet.disc(511, 388, 2.6), "#fff0c4", opaque=True)
    sheet.caption("Pier heads, coming in", "Lights, no. 5")
    return sheet.pull()


def lens(long_edge: int) -> Image.Image:
    """A first-order lens at rest."""
    sheet = Sheet(long_edge, "portrait", 361, margin=(70, 70, 70, 104))
    cx, cy = 375, 500
    x, y = sheet.grid()
    glass, groove, brass = (sheet.plate() for _ in range(3))
    prisms(glass, groove, cx, cy)
    for dx, squash in ((-158, 0.36), (158, 0.36), (0, 0.72)):
        bulls_eye(glass, groove, cx + dx, cy, squash)
    framework(brass, cx, cy)
    glow = np.exp(-((np.hypot((x - cx) / 0.8, y - cy) / 190) ** 2))
    sheet.ink(sheet.whole(), "#1a3440", salt=0.1)
    panes = glass.mask()
    sheet.ink(panes, "#cfe0d2", 0.95, opaque=True, salt=0.08)
    sheet.ink(panes * halftone(sheet, np.clip(glow, 0, 1), 4.6, 30), "#f5c65a", opaque=True)
    sheet.ink(groove.mask() * panes, "#3f7a80", 0.85, shift=(0.5, 0.5))
    sheet.ink(brass, "#c9953f", opaque=True, salt=0.1)
    sheet.ink(sheet.disc(cx, cy, 13), "#fffbe9", opaque=True)
    sheet.caption("First-order lens", "Lights, no. 6")
    return sheet.pull()


COAST: list[tuple[str, str, Sequence[tuple[float, float]], int]] = [
    ("Kell Head", "Oc 8s", [(a, a + 6) for a in range(0, 60, 8)], 0),
    ("Harbour mole, north", "Q R", [(a, a + 0.4) for a in range(0, 60, 1)], 1),
    ("Harbour mole, south", "Fl G 3s", flashes(1, 0.7, 0, 3), 2),
    ("The Widow", "Fl(2) 12s", flashes(2, 1, 2, 12), 0),
    ("Cinder Rock", "Fl R 5s", flashes(1, 1, 0, 5), 1),
    ("Sallow Ness", "Iso 6s", [(a, a + 3) for a in range(0, 60, 6)], 0),
    ("Ferry stage", "F G", [(0, 60)], 2),
    ("Long Ledge", "Fl(3) 15s", flashes(3, 0.8, 1.7, 15), 0),
    ("Teal Bank", "VQ(9) 10s", flashes(9, 0.25, 0.25, 10), 0),
    ("Inner Hope", "Oc(2) R 10s", [(a + d, a + d + w) for a in range(0, 60, 10) for d, w in ((0, 5), (6.5, 1.5))], 1),
    ("Outer Skerry", "Fl(4) 20s", flashes(4, 0.9, 1.6, 20), 0),
    ("Drum Sound", "LFl G 10s", flashes(1, 2.2, 0, 10), 2),
    ("Mew Point", "Q(6)+LFl 15s", flashes(6, 0.35, 0.65, 15) + [(a + 7, a + 9.4) for a in range(0, 60, 15)], 0),
    ("Lightship", "Fl 2.5s", flashes(1, 0.5, 0, 2.5), 0),
]  # fmt: skip


def minute(long_edge: int) -> Image.Image:
    """One minute of a whole coast, a light to each line, like a score."""
    sheet = Sheet(long_edge, "landscape", 371, margin=(40, 40, 40, 40))
    sheet.ink(sheet.whole(), NIGHT, salt=0.09)
    bars, words = [sheet.plate() for _ in range(3)], sheet.plate()
    for i, (name, code, lit, colour) in enumerate(COAST):
        y = 176 + 35.4 * i
        strip(bars[colour], (286, y - 12, 926, y + 7), lit, 60)
        words.line([(286, y + 7), (926, y + 7)], 0.45)
        words.text(82, y + 5, name, 14.5, face="italic")
        words.text(270, y + 4.5, code, 9.5, anchor="rs", tracking=0.03)
    seconds(words, 286, 926, 660, 60, every=10)
    words.text(82, 118, "One minute of coast", 31, face="serif")
    for plate, dye in zip(bars, ("#f6d98f", "#e0573c", "#58ae8e"), strict=True):
        sheet.ink(plate, dye, opaque=True, shift=(0.4, 0.3))
    sheet.ink(words, "#e9e0cb", 0.92, opaque=True)
    return sheet.pull()


def day_mark(long_edge: int) -> Image.Image:
    """A spiral-painted tower, too near to see whole."""
    sheet = Sheet(long_edge, "portrait", 381, margin=(70, 70, 70, 104))
    x, y = sheet.grid()
    half = 150 + 62 * (np.clip(y - 60, 0, None) / 840) ** 1.5 * np.ones_like(x)
    cx = 428
    u = np.clip((x - cx) / half, -1, 1)
    turn = np.arcsin(u) / pi
    tower = smoothstep(-0.6, 0.6, half - np.abs(x - cx)) * (y > 196)
    spiral = ((y + 168 * turn) / 236 + 0.28) % 1 < 0.5
    sheet.ink((1 - tower) * smoothstep(-300, 900, y + 0 * x), "#e9c58a", 0.95, salt=0.08)
    sun = sheet.disc(176, 300, 62) * (1 - tower)
    sheet.ink(sun, "#d9713a", opaque=True, salt=0.08)
    sheet.ink(tower, "#fbf5e6", opaque=True)
    sheet.ink(blur((spiral * tower).astype(np.float32), 0.8), "#b8402b", shift=(0.9, 0), salt=0.1)
    shade = smoothstep(-0.15, 1.05, u) * tower
    sheet.ink(halftone(sheet, 0.8 * shade, 5.4, 74), "#2a3346", 0.85)
    cap, panes = sheet.plate(), sheet.plate()
    cap.rectangle(cx - 196, 176, cx + 196, 204)
    cap.polygon([(cx - 160, 204), (cx + 160, 204), (cx + 146, 222), (cx - 146, 222)])
    for k in range(-9, 10):
        cap.line([(cx + 20.5 * k, 178), (cx + 20.5 * k, 112)], 2.4)
    cap.line([(cx - 190, 112), (cx + 190, 112)], 4)
    cap.line([(cx - 190, 144), (cx + 190, 144)], 2)
    panes.rectangle(cx - 104, 40, cx + 104, 178)
    for k in range(-4, 5):
        cap.line([(cx + 26 * k, 60), (cx + 26 * k, 178)], 3)
    sheet.ink(panes, "#f3cf7a", opaque=True)
    door = sheet.plate()
    for wy in (452, 700):
        door.rectangle(cx - 62, wy, cx - 34, wy + 52)
        door.disc(cx - 48, wy, 14)
    sheet.ink(cap, "#222c3c", opaque=True, salt=0.08)
    sheet.ink(door, "#222c3c", opaque=True, salt=0.08)
    sheet.caption("Day mark", "Lights, no. 8")
    return sheet.pull()


PRINTS = {
    "lights-skerry-fog": skerry_fog,
    "lights-five-marks": five_marks,
    "lights-sectors": sectors,
    "lights-the-loom": sweep,
    "lights-pier-heads": pier_heads,
    "lights-first-order-lens": lens,
    "lights-one-minute": minute,
    "lights-day-mark": day_mark,
}
