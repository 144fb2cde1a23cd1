"""Swell: the sea as hundreds of parallel lines that swell and thin as an engraver's do, hair-fine far off."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from PIL import Image

from .press import Field, Plate, Point, Sheet, curve, fbm, halftone, noise, rng, smoothstep
from .sea import Sea, draw, fronts, glitter, upper


def first_light(long_edge: int) -> Image.Image:
    """The sun a hand's breadth up, the swell still dark."""
    sheet = Sheet(long_edge, "landscape", 11, margin=(62, 58, 62, 82))
    sea = Sea(horizon=262, foot=690, seed=5, height=30, length=330, heading=0.5, centre=610)
    _, y = sheet.grid()
    sky = upper(sheet, 262.6)
    sheet.ink(sky, "#f6e0ba")
    sheet.ink(halftone(sheet, np.clip((y - 80) / 182, 0, 1) ** 1.5 * 0.62 * sky, 5.2, 22), "#ec9a68", 0.7)
    sheet.ink(1 - sky, "#e3e8de")
    sun = sheet.disc(640, 192, 52)
    sheet.ink(sun, "#fbf1da", opaque=True, salt=0)
    sheet.ink(sun, "#d4472a", shift=(0.9, 0.7))
    drawn = draw(sheet, sea, 230, (0.42, 2.5), glint=glitter(3, 640, 26, 190))
    sheet.ink(drawn.lit, "#d4472a", shift=(0.5, 0.3))
    sheet.ink(drawn.dark, "#17394a")
    sheet.caption("First light", "SWELL 1")
    return sheet.pull()


def sail(plate: Plate, x: float, y: float, size: float) -> None:
    """A small gaff rig, heeled a little, standing on (x, y)."""
    lean = size * 0.10
    plate.polygon([(x, y - size * 0.12), (x + lean, y - size), (x + size * 0.5, y - size * 0.16)])
    plate.polygon(
        [
            (x - size * 0.05, y - size * 0.14),
            (x + lean - size * 0.04, y - size * 0.9),
            (x - size * 0.3, y - size * 0.14),
        ]
    )
    plate.polygon(
        [
            (x - size * 0.38, y - size * 0.09),
            (x + size * 0.44, y - size * 0.09),
            (x + size * 0.3, y + size * 0.04),
            (x - size * 0.26, y + size * 0.04),
        ]
    )


def long_fetch(long_edge: int) -> Image.Image:
    """A thousand miles of wind behind every wave; one boat."""
    sheet = Sheet(long_edge, "portrait", 12, paper="#f4efe2", margin=(66, 62, 66, 92))
    sea = Sea(horizon=236, foot=930, seed=29, height=128, length=720, heading=0.22, spread=0.28, centre=380)
    drawn = draw(sheet, sea, 270, (0.5, 3.1), power=1.9, shading=1.15)
    _, y = sheet.grid()
    sky = np.clip((drawn.skyline[None, :] - y) * sheet.u + 0.5, 0, 1)
    sheet.ink(sky, "#f3dcc2")
    sheet.ink(1 - sky, "#d5e6df", 0.9)
    sheet.ink(halftone(sheet, np.clip((y - 420) / 900, 0, 0.5) * (1 - sky), 5, 70), "#7fb0b4", 0.7)
    blend = smoothstep(240, 620, y + 40 * noise(sheet.shape, 3, 8))
    sheet.ink(drawn.dark * (1 - blend), "#2f7f80")
    sheet.ink(drawn.dark * blend, "#1a2c52")
    plate = sheet.plate()
    sail(plate, 492, 238, 46)
    sheet.ink(plate, "#c23a20", shift=(0.4, 0.3))
    sheet.caption("Long fetch", "SWELL 2")
    return sheet.pull()


def moon_road(long_edge: int) -> Image.Image:
    """Full moon, no wind, the road laid to the reader's feet."""
    sheet = Sheet(long_edge, "portrait", 13, margin=(64, 60, 64, 90))
    sea = Sea(horizon=404, foot=940, seed=17, height=17, length=200, heading=0.9, spread=0.6, centre=375)
    x, y = sheet.grid()
    sheet.ink(sheet.whole(), "#1d2c44")
    sheet.ink(1 - upper(sheet, 404), "#8fa0b8")
    glow = np.hypot(x - 375, y - 214)
    sheet.ink(
        halftone(sheet, np.clip(0.42 - glow / 620, 0, 1) * upper(sheet, 403), 4.6, 45),
        "#5a7396",
        0.85,
        opaque=True,
    )
    sheet.ink(sheet.disc(375, 214, 66), "#f3e6c4", opaque=True, salt=0.12)
    seas = smoothstep(0.02, 0.2, fbm(sheet.shape, 13, 47, 3)) * sheet.disc(369, 209, 57)
    sheet.ink(seas, "#e6d8b4", 0.75)
    drawn = draw(
        sheet, sea, 240, (0.45, 1.7), power=1.55, shading=0.8, glint=glitter(6, 375, 34, 150, patch=4)
    )
    sheet.ink(drawn.dark, "#6f8cac", 0.8, opaque=True)
    sheet.ink(drawn.lit, "#f8edcd", opaque=True, shift=(-0.5, 0.2))
    sheet.caption("Moon road", "SWELL 3")
    return sheet.pull()


LIP = [(250, 520), (262, 418), (330, 322), (440, 262), (575, 268), (720, 352), (1010, 470)]


def breaker(steps: int) -> list[list[Point]]:
    """The wave's lines from far to near, each from the trough up the face and over to the lip."""
    lip = curve(LIP, 40)
    foot = curve([(-20, 842), (210, 822), (430, 806), (640, 800), (830, 806), (1010, 800)], 40)
    t = np.linspace(0, 1, 60)[:, None]
    found = []
    for place in np.linspace(1, 0, steps):
        a = np.array(foot[round(place * (len(foot) - 1))])
        d = np.array(lip[round(place**0.8 * (len(lip) - 1))])
        b = a + np.array([330 * (1 - place) ** 0.8 + 60, -14])
        c = d + np.array([250 * (1 - place) ** 0.6 - 120 * place, 70 - 235 * (1 - place) ** 1.5])
        bow = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
        found.append([(float(px), float(py)) for px, py in bow])
    return found


def ninth_wave(long_edge: int) -> Image.Image:
    """The big one of the set, and the moment before it falls."""
    sheet = Sheet(long_edge, "square", 14, paper="#f5efe0", margin=(64, 62, 64, 92))
    sea = Sea(horizon=470, foot=900, seed=44, height=26, length=420, heading=-0.3, spread=0.35)
    drawn = draw(sheet, sea, 150, (0.5, 2.6), power=1.5, shading=0.8)
    sky = upper(sheet, 470)
    sheet.ink(sky, "#f3dfc4")
    sun = sheet.disc(300, 330, 150)
    sheet.ink(sun * sky, "#fbf3e2", opaque=True, salt=0)
    sheet.ink(sun * sky, "#d65a34", shift=(1, 0.8))
    sheet.ink(1 - sky, "#dfe8e2")
    sheet.ink(drawn.dark, "#14384a")
    body, line = sheet.plate(), sheet.plate()
    wave = breaker(84)
    for far, near in pairwise(wave):
        strip = [*far, *near[::-1]]
        body.polygon(strip)
        line.polygon(strip, 0)
        tapered(line, near, lambda t: 0.6 + 2.9 * np.sin(np.pi * min(1, 0.12 + t * 0.95)) ** 1.3)
    foam(body, line)
    sheet.ink(body, "#e9efe6", opaque=True, salt=0)
    sheet.ink(line, "#14384a")
    sheet.caption("The ninth wave", "SWELL 4")
    return sheet.pull()


def foam(body: Plate, line: Plate) -> None:
    """The lip's broken edge: lobes hanging from it, and what has already come loose."""
    chance = rng(14, 9)
    lip = curve(LIP, 40)
    lobes = []
    for size in chance.gamma(5, 1.3, 70):
        x, y = lip[int(chance.integers(0, 100))]
        at = (x + chance.normal(0, 3), y + chance.uniform(-4, 9))
        lobes.append((at, size * (1.25 - 0.0045 * (x - 250))))
    for _ in range(34):
        away = chance.gamma(1.6, 22)
        lobes.append(
            ((262 - 0.8 * away, 440 + chance.uniform(-90, 110) + 0.5 * away), max(1.2, 4.6 - away / 16))
        )
    for (x, y), r in sorted(lobes, key=lambda lobe: lobe[0][1]):
        body.disc(x, y, r)
        line.disc(x, y, r)
        line.disc(x, y - 0.25, max(0.4, r - 0.9), 0)


def tapered(plate: Plate, points: list[Point], weight: Callable[[float], float]) -> None:
    """A stroke whose weight in mils follows its way along, 0..1."""
    path = np.array(points)
    way = np.gradient(path, axis=0)
    normal = np.stack([-way[:, 1], way[:, 0]], 1) / np.maximum(np.hypot(way[:, :1], way[:, 1:]), 1e-6)
    half = np.array([weight(t) for t in np.linspace(0, 1, len(path))])[:, None] / 2
    outline = np.vstack([path + normal * half, (path - normal * half)[::-1]])
    plate.polygon([(float(x), float(y)) for x, y in outline])


def slack_water(long_edge: int) -> Image.Image:
    """Between the tides; somebody has let go of something."""

    def rise(x: Field, near: float) -> Field:
        far = np.hypot((x - 640) / near, 1.6 * (900 / near - 900 / 0.36)) / 1000
        return 4.2 * np.sin(far * 17) * np.exp(-far / 0.95) * np.clip(far * 5, 0, 1) * near**0.3

    sheet = Sheet(long_edge, "square", 15, paper="#f6f2e8", margin=(66, 62, 66, 94))
    sea = Sea(horizon=190, foot=925, seed=61, height=6.5, length=420, heading=1.1, spread=0.3, rise=rise)
    _, y = sheet.grid()
    sky = upper(sheet, 190)
    sheet.ink(sky, "#f5dccb")
    sheet.ink(halftone(sheet, np.clip((y - 60) / 400, 0, 0.3) * sky, 5, 60), "#e9a99a", 0.6)
    sheet.ink(1 - sky, "#e9f0ec")
    drawn = draw(sheet, sea, 190, (0.34, 2.3), power=1.35, shading=1.1)
    sheet.ink(drawn.dark, "#2c6076")
    plate = sheet.plate()
    plate.disc(640, 190 + 735 * 0.36 - 11, 13)
    sheet.ink(plate, "#f6f2e8", opaque=True, salt=0)
    sheet.ink(plate, "#c23a20", shift=(0.7, 0.5))
    sheet.caption("Slack water", "SWELL 5")
    return sheet.pull()


def in_the_lee(long_edge: int) -> Image.Image:
    """A swell meets an island, and its two halves cross each other behind it."""
    sheet = Sheet(long_edge, "landscape", 16, paper="#f7f2e7", margin=(58, 54, 58, 80))
    gx, gy = sheet.grid()
    turn, half, pitch = 0.24, 96, 12.4
    x = (gx - 470) * np.cos(turn) + (gy - 236) * np.sin(turn)
    y = (gy - 236) * np.cos(turn) - (gx - 470) * np.sin(turn)
    shoal = np.exp(-((x / 190) ** 2) - (y / 120) ** 2)
    travelled = y + 34 * shoal + 5 * noise(sheet.shape, 3, 3)
    hand = 0.42 + 0.07 * noise(sheet.shape, 5, 9) + 0.05 * noise(sheet.shape, 30, 10)
    beside = smoothstep(half - 6, half + 26, np.abs(x) + 0.03 * np.clip(y, 0, None))
    open_sea = np.where(y > 0, beside, 1) * (1 - 0.3 * smoothstep(-60, 300, y))
    sheet.ink(sheet.whole(), "#eef0e4")
    sheet.ink(fronts(sheet, travelled, pitch, hand * open_sea), "#1b4a63")
    for side, colour in ((-1, "#d4532f"), (1, "#1f8a8e")):
        px = (x - side * half) * -side
        angle, reach = np.arctan2(px, np.maximum(y, 0.1)), np.hypot(px, y)
        fan = smoothstep(-0.02, 0.06, angle) * (1 - smoothstep(0.3, 1.0, angle))
        wave = fronts(sheet, reach + 3 * noise(sheet.shape, 4, 30), pitch, hand * 1.1 * fan * (y > 0))
        sheet.ink(wave, colour, 0.95, shift=(0.3 * side, 0.3))
    island(sheet, 470, 236, turn)
    sheet.caption("In the lee", "SWELL 6")
    return sheet.pull()


def island(sheet: Sheet, x: float, y: float, turn: float) -> None:
    """Surf, rock, and the bit of grass on top."""
    gx, gy = sheet.grid()
    across = ((gx - x) * np.cos(turn) + (gy - y) * np.sin(turn)) / 118
    down = ((gy - y) * np.cos(turn) - (gx - x) * np.sin(turn)) / 58
    out = np.hypot(across, down) + 0.10 * noise(sheet.shape, 9, 61) + 0.05 * noise(sheet.shape, 26, 62)
    grass = (
        np.hypot(across + 0.12, down + 0.1)
        + 0.16 * noise(sheet.shape, 8, 63)
        + 0.05 * noise(sheet.shape, 30, 64)
    )
    sheet.ink(smoothstep(1.2, 1.17, out), "#f9f5ea", opaque=True, salt=0)
    sheet.ink(smoothstep(1.0, 0.985, out), "#26211d", opaque=True)
    sheet.ink(smoothstep(0.44, 0.42, grass) * (out < 0.9), "#dcaa48", opaque=True, shift=(0.6, 0.4))


def ebb(long_edge: int) -> Image.Image:
    """A beach from above: every wash leaves its line a little lower than the last."""
    sheet = Sheet(long_edge, "portrait", 17, paper="#f6f0e2", margin=(62, 60, 62, 90))
    x, y = sheet.grid()
    bend = 50 * noise(sheet.shape, 2.2, 5) + 17 * noise(sheet.shape, 6, 6) + 5 * noise(sheet.shape, 17, 7)
    shore = (y - 575) + 0.34 * (x - 375) + bend
    sheet.ink(sheet.whole(), "#f5e7c9")
    grit = halftone(sheet, np.clip(0.06 + shore / 1700, 0, 0.4) * (shore > 34), 5.4, 15)
    sheet.ink(grit, "#d3a765", 0.6)
    sheet.ink(smoothstep(52, 16, shore + 9 * noise(sheet.shape, 9, 77)), "#ead2a2", opaque=True)
    for level, colour in ((0, "#c4ded6"), (-105, "#93c4c3"), (-235, "#4f97a3"), (-390, "#246079")):
        tide = shore + 30 * noise(sheet.shape, 4, 20 - level) + 8 * noise(sheet.shape, 14, 21 - level)
        sheet.ink(np.clip((level - tide) * sheet.u / 1.2 + 0.5, 0, 1), colour, opaque=True, shift=(0.4, 0.2))
        lace = np.exp(-(((tide - level + 8) / 10) ** 2)) * (1 + 0.55 * noise(sheet.shape, 55, 30 - level))
        sheet.ink(smoothstep(0.5, 0.6, lace) * (tide < level + 6), "#fcf8ee", opaque=True, salt=0)
    turn = (shore - 6 * noise(sheet.shape, 30, 9)) / 5.4
    weight = np.clip(0.05 - shore / 3400, 0, 0.2) * (0.8 + 0.7 * noise(sheet.shape, 5, 10))
    ripple = np.clip((weight - np.abs(turn - np.round(turn))) * 5.4 * sheet.u + 0.5, 0, 1) * (weight > 0.03)
    sheet.ink(ripple * smoothstep(-20, -60, shore), "#1c4c63", 0.85)
    walkers(sheet)
    sheet.caption("Ebb", "SWELL 7")
    return sheet.pull()


def walkers(sheet: Sheet) -> None:
    """Someone and a dog, early enough for long shadows, and where they came from."""
    plate = sheet.plate()
    for x, y, size in ((470, 752, 1.35), (508, 764, 0.75)):
        plate.disc(x, y, 3.6 * size)
        shade = [(x - 2 * size, y - 2 * size), (x - 50 * size, y + 21 * size), (x - 47 * size, y + 27 * size)]
        plate.polygon(curve([*shade, (x + 2, y + 3 * size)]))
    for i in range(27):
        plate.disc(480 + i * 7.6, 757 + (2 if i % 2 else -2) - 0.03 * i * i, 1.15)
    sheet.ink(plate, "#3a2b22", 0.92)


PRINTS: dict[str, Callable[[int], Image.Image]] = {
    "swell-first-light": first_light,
    "swell-long-fetch": long_fetch,
    "swell-moon-road": moon_road,
    "swell-ninth-wave": ninth_wave,
    "swell-slack-water": slack_water,
    "swell-in-the-lee": in_the_lee,
    "swell-ebb": ebb,
}
