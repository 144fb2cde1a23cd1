"""Storm: wind made visible. Grain is drawn out along invented winds (line integral convolution) and cut like lino."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from .press import Sheet, blur, curve, fbm, halftone, smoothstep
from .winds import (
    bolt,
    came_from,
    cut,
    cyclone,
    gusts,
    lattice,
    radius,
    streaks,
    total,
    upright,
    vortex,
)


def the_eye(long_edge: int) -> Image.Image:
    """Looking straight down into the calm."""
    sheet = Sheet(long_edge, "square", 21, margin=(64, 62, 64, 92))
    x, y = lattice(sheet)
    at = (520, 455)
    wind = total(cyclone(x, y, at, 60, 1.0, 0.34), gusts(x.shape, 5, 8, 0.10))
    hair = streaks(wind, 4, 36, 470)
    r, turn = radius(x, y, at), np.arctan2(y - at[1], x - at[0])
    arm = np.cos(2 * turn - 7.2 * np.log(r / 60 + 0.35) + 0.5 + 0.9 * fbm(x.shape, 6, 3))
    bank = (
        np.exp(-(((r - 100) / 75) ** 2)) * 0.8 + 0.34 * arm * smoothstep(70, 190, r) * np.exp(-r / 900) + 0.10
    )
    bank = bank - 0.55 * smoothstep(300, 700, r)
    bank = np.where(r < 60, bank - 1.2 * smoothstep(52, 36, r), bank)
    sheet.ink(sheet.whole(), "#12263a")
    sheet.ink(cut(sheet, hair, np.clip(0.34 + 0.5 * bank, 0, 1)), "#3c6e86", opaque=True, shift=(0.5, 0.4))
    sheet.ink(cut(sheet, hair, np.clip(0.16 + 0.62 * bank, 0, 1)), "#f1e8d2", opaque=True)
    sheet.ink(sheet.disc(*at, 15), "#d8452a", opaque=True)
    sheet.caption("The eye", "STORM 1")
    return sheet.pull()


def pas_de_deux(long_edge: int) -> Image.Image:
    """Two lows turning round each other, as they do when they come too near."""
    sheet = Sheet(long_edge, "landscape", 22, paper="#f5efe1", margin=(60, 56, 60, 82))
    x, y = lattice(sheet)
    west, east = (322, 430), (700, 268)
    wind = total(vortex(x, y, west, 60, 1.2), vortex(x, y, east, 50, 1.0), gusts(x.shape, 5, 5, 0.05))
    hair = streaks(wind, 9, 40, 400)
    mass = [np.exp(-radius(x, y, at) / size) for at, size in ((west, 240), (east, 200))]
    arms = [
        np.cos(np.arctan2(y - at[1], x - at[0]) - 4.6 * np.log(radius(x, y, at) / 40 + 0.5) + lag)
        for at, lag in ((west, 0.4), (east, 3.0))
    ]
    sheet.ink(sheet.whole(), "#f0e4cb")
    for at, weight, arm, colour in ((west, mass[0], arms[0], "#17506a"), (east, mass[1], arms[1], "#c64328")):
        other = mass[1] if weight is mass[0] else mass[0]
        tone = 0.05 + 1.05 * weight + 0.22 * arm * weight**0.5 - 0.75 * other
        tone = np.where(radius(x, y, at) < 34, 0, tone)
        sheet.ink(cut(sheet, hair, np.clip(tone, -0.2, 0.93)), colour, shift=(0.5, 0.4))
    sheet.caption("Pas de deux", "STORM 2")
    return sheet.pull()


def squall_line(long_edge: int) -> Image.Image:
    """A shelf of cloud, rain under it, and a lit strip of sea still to go."""
    sheet = Sheet(long_edge, "landscape", 23, margin=(60, 56, 60, 82))
    x, y = lattice(sheet)
    depth = y - (352 - 0.20 * (x - 500) + 20 * fbm(x.shape, 4, 11))
    under = smoothstep(-4, 12, depth)
    flow = -0.2 + 0.55 * fbm(x.shape, 4, 12) * smoothstep(40, -120, depth)
    hair = streaks((1 - 0.84 * under, flow * (1 - under) + under), 14, 34, 480)
    roll = fbm(x.shape, 5, 15, 4, stretch=2.6)
    cloud = 0.62 + 0.5 * roll + 0.34 * np.exp(-((depth / 60) ** 2)) + 0.0012 * depth
    band = smoothstep(150, 560, x) * smoothstep(980, 660, x)
    rain = (0.62 * band + 0.20 * fbm(x.shape, 7, 19, 2) * band) * smoothstep(420, 60, depth - 60 * band)
    sky = np.clip(np.where(depth < 0, cloud, rain), 0, 1) * smoothstep(571, 569, y)
    sheet.ink(sheet.whole(), "#efe0bf")
    lit = upright(sheet, 560, 668)
    sheet.ink(lit, "#d9a441", 0.85)
    sheet.ink(cut(sheet, hair, np.where(y < 570, sky - 0.34, -0.3)), "#6b7f8c", shift=(0.8, 0.6))
    sheet.ink(cut(sheet, hair, np.where(y < 570, sky, -0.3)), "#22324b")
    water = streaks((1 + 0 * x, 0.10 * fbm(x.shape, 9, 27, stretch=3)), 31, 30, 420)
    shade = 0.16 + 0.55 * band * smoothstep(720, 560, y) + 0.38 * smoothstep(585, 690, y) + 0.2 * (y < 576)
    sheet.ink(cut(sheet, water, np.where(y > 569, shade, -0.3)), "#22324b")
    sheet.caption("Squall line", "STORM 3")
    return sheet.pull()


def waterspout(long_edge: int) -> Image.Image:
    """Cloud and sea joined by a rope of water; a boat that has seen it."""
    sheet = Sheet(long_edge, "portrait", 24, margin=(62, 60, 62, 90))
    x, y = lattice(sheet)
    middle = 400 + 34 * np.sin(y / 150 + 0.6) - 0.05 * (y - 500)
    half = 15 + 190 * np.exp(-((y - 70) / 120)) + 26 * np.exp(-(((y - 800) / 42) ** 2)) + 0.008 * y
    across = (x - middle) / half
    inside = smoothstep(1.05, 0.9, np.abs(across))
    base = 238 + 22 * fbm(x.shape, 5, 2) + 0.03 * np.abs(x - 400)
    cloud = smoothstep(14, -14, y - base)
    u = cloud * 1.0 + inside * (0.55 - 0.35 * cloud) + 0.12 * (1 - cloud)
    v = (
        0.35 * fbm(x.shape, 5, 5) * cloud
        - 0.5 * across * inside * cloud
        + (1 - cloud) * (0.35 * inside - 0.9 * inside * across)
    )
    v = v + (1 - cloud) * (1 - inside) * 0.9
    sea = y > 800
    u, v = np.where(sea & (inside < 0.2), 1, u), np.where(sea & (inside < 0.2), 0.15 * fbm(x.shape, 9, 7), v)
    hair = streaks((u, v), 6, 28, 540)
    bright = (
        0.05
        + 0.30 * cloud * (0.5 + fbm(x.shape, 5, 8, stretch=2))
        + 0.16 * cloud * smoothstep(60, 10, np.abs(y - base))
    )
    rope = inside * (0.16 + 0.62 * smoothstep(0.9, -0.9, across)) * smoothstep(90, 260, y)
    spray = np.exp(-radius(x, y * 1.7, (400, 808 * 1.7)) / 85) * 0.75
    tone = np.where(sea, 0.16 + 0.10 * smoothstep(800, 930, y), bright) + rope + spray
    sheet.ink(sheet.whole(), "#16283a")
    glow = np.exp(-(((sheet.grid()[1] - 800) / 210) ** 2)) * (sheet.grid()[1] < 800) + 0 * sheet.grid()[0]
    sheet.ink(halftone(sheet, 0.62 * glow, 4.8, 30), "#b9853c", 0.8, opaque=True)
    sheet.ink(cut(sheet, hair, np.clip(tone + 0.14, 0, 1)), "#48738a", opaque=True, shift=(0.6, 0.4))
    sheet.ink(cut(sheet, hair, np.clip(tone - 0.02, 0, 1)), "#f2e7cf", opaque=True)
    boat = sheet.plate()
    boat.polygon([(560, 792), (612, 789), (603, 803), (566, 803)])
    boat.polygon([(584, 792), (585, 752), (587, 752), (588, 792)])
    sheet.ink(boat, "#0d1820", opaque=True)
    lamp = sheet.plate()
    lamp.disc(586, 752, 3.6)
    sheet.ink(lamp, "#e8512f", opaque=True)
    sheet.caption("Waterspout", "STORM 4")
    return sheet.pull()


def street(long_edge: int) -> Image.Image:
    """What an island does to the wind, seen from far above: eddies left and right in turn."""
    sheet = Sheet(long_edge, "landscape", 25, paper="#f6f1e5", margin=(60, 56, 60, 82))
    x, y = lattice(sheet)
    eddies = []
    for i in range(7):
        spin = 1 if i % 2 else -1
        eddies.append(((232 + 118 * i, 322 + 19 * i + (46 + 5 * i) * spin), 30 + 5.2 * i, spin))
    wind = total(
        (0.20 + 0 * x, 0.032 + 0 * x),
        *[vortex(x, y, at, core, spin * min(1.15, 0.55 + at[0] / 550)) for at, core, spin in eddies],
        gusts(x.shape, 5, 5, 0.02),
    )
    hair = streaks(wind, 21, 40, 430)
    sheet.ink(sheet.whole(), "#e6ecdf")
    grip = sum(np.exp(-((radius(x, y, at) / (core * 1.75)) ** 2)) for at, core, _ in eddies)
    back = np.clip(0.34 + 0.14 * fbm(x.shape, 4, 9) - 0.3 * grip, 0, 1)
    sheet.ink(cut(sheet, hair, back), "#7fa7ad")
    for side, colour in ((1, "#c64a2c"), (-1, "#1d5068")):
        near = sum(
            np.exp(-((radius(x, y, at) / (core * 1.6)) ** 2)) for at, core, spin in eddies if spin == side
        )
        sheet.ink(
            cut(sheet, hair, np.clip(0.92 * near - 0.02, -0.2, 0.86)), colour, 0.96, shift=(0.4 * side, 0.3)
        )
    rock = sheet.plate()
    rock.polygon(
        curve(
            [(106, 300), (122, 262), (146, 268), (160, 300), (150, 338), (128, 352), (112, 332)],
            14,
            closed=True,
        )
    )
    sheet.ink(rock, "#16202a", opaque=True)
    sheet.caption("Vortex street", "STORM 5")
    return sheet.pull()


def strike(long_edge: int) -> Image.Image:
    """One stroke into the sea, and the cloud it came from lit for as long as it takes to count."""
    sheet = Sheet(long_edge, "portrait", 26, margin=(62, 60, 62, 90))
    x, y = lattice(sheet)
    main = bolt(5, (452, 300), (318, 792), 44)
    base = 330 + 46 * fbm(x.shape, 4, 3)
    cloud = smoothstep(20, -30, y - base)
    wind = total(cyclone(x, y, (470, 240), 120, 0.5, 0.0), gusts(x.shape, 4, 12, 1.0), (0.5 + 0 * x, 0 * y))
    slant = (-0.24 + 0 * x, 1 + 0 * x)
    u, v = (a * cloud + b * (1 - cloud) for a, b in zip(wind, slant, strict=True))
    sea = smoothstep(788, 792, y)
    hair = streaks((u * (1 - sea) + sea, v * (1 - sea) + 0.06 * sea), 8, 26, 500)
    heat = np.exp(-radius(x, y * 1.25, (455, 300 * 1.25)) / 190)
    billow = fbm(x.shape, 5, 21, 4)
    tone = cloud * (0.10 + 0.34 * billow + 0.75 * heat) + (1 - cloud) * (1 - sea) * (0.03 + 0.34 * heat)
    tone = tone + sea * (0.10 + 0.62 * np.exp(-(((x - 318) / (40 + 1.1 * (y - 790).clip(0))) ** 2)))
    sheet.ink(sheet.whole(), "#241f3c")
    sheet.ink(cut(sheet, hair, np.clip(tone + 0.17, 0, 1)), "#5d5c92", opaque=True, shift=(0.6, 0.4))
    sheet.ink(cut(sheet, hair, np.clip(tone - 0.06, 0, 1)), "#f0d9a0", opaque=True)
    fire = sheet.plate()
    fire.line(main, 4.2)
    for i, (reach, drop) in enumerate(((-120, 150), (95, 170), (-70, 120), (130, 210), (40, 90))):
        root = main[18 + 17 * i]
        fire.line(bolt(40 + i, root, (root[0] + reach, root[1] + drop), 17), 1.5 - 0.12 * i)
    sheet.ink(blur(fire.mask(), 3 * sheet.u), "#f6c95c", 0.9, opaque=True)
    sheet.ink(fire, "#fffaf0", opaque=True, salt=0)
    sheet.caption("Strike", "STORM 6")
    return sheet.pull()


def billow(long_edge: int) -> Image.Image:
    """Warm air over cold, and the edge between them breaking like surf."""
    sheet = Sheet(long_edge, "square", 27, paper="#f6f0e4", margin=(64, 62, 64, 92))
    x, y = lattice(sheet)
    middle = 520 - 0.09 * (x - 500) + 12 * np.sin(x / 130)
    cores = [((-560 + 286 * i, 615 - 26 * i), 62.0) for i in range(9)]
    shear = (np.tanh((y - middle) / 50) * -0.42, 0 * x)
    wind = total(shear, *[vortex(x, y, at, core, 0.95) for at, core in cores])
    hair = streaks(wind, 3, 38, 380)
    warm = smoothstep(12, -12, came_from(wind, y - middle, 115, 1.25))
    edge = np.exp(-(((y - middle) / 170) ** 2))
    sheet.ink(sheet.whole(), "#f3e3c4")
    sheet.ink(cut(sheet, hair, np.where(warm > 0.5, -0.2, 0.50 + 0.36 * edge)), "#1c4b66")
    sheet.ink(cut(sheet, hair, np.where(warm > 0.5, 0.20 + 0.52 * edge, -0.2)), "#d2653a", shift=(0.7, -0.5))
    sheet.caption("Billow", "STORM 7")
    return sheet.pull()


PRINTS: dict[str, Callable[[int], Image.Image]] = {
    "storm-the-eye": the_eye,
    "storm-pas-de-deux": pas_de_deux,
    "storm-squall-line": squall_line,
    "storm-waterspout": waterspout,
    "storm-vortex-street": street,
    "storm-strike": strike,
    "storm-billow": billow,
}
