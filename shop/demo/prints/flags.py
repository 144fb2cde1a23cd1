"""Flags and tides: what a harbour says with cloth, and what the moon says back."""

from math import pi, sin

import numpy as np
from PIL import Image

from . import tides
from .press import (
    INK,
    Field,
    Plate,
    Point,
    Sheet,
    curve,
    halftone,
    smoothstep,
)
from .signal_flags import NAMES, Locker, flat, waving

DYES = {"b": "#1f4f86", "r": "#c9402a", "y": "#eab23c", "k": "#1b222b"}


def dyed(sheet: Sheet, locker: Locker, dyes: dict[str, str] = DYES, white: str = "") -> None:
    """Print the flags; a `white` is printed only where the ground is not paper."""
    masks = locker.masks()
    if white:
        sheet.ink(masks["w"], white, opaque=True)
    for i, (colour, dye) in enumerate(dyes.items()):
        sheet.ink(masks[colour], dye, shift=(0.35 * (i - 1), 0.3 * (1 - i)), salt=0.09)


def hold_fast(long_edge: int) -> Image.Image:
    sheet = Sheet(long_edge, "portrait", 511, margin=0)
    locker, rope = Locker(sheet), sheet.plate()
    for column, (word, x) in enumerate((("HOLD", 112), ("FAST", 412))):
        rope.line([(x - 7, 60), (x - 7, 880)], 2.2)
        for row, letter in enumerate(word):
            y = 92 + 194 * row
            locker.fly(letter, waving(x, y, 226, 158, 9, phase=0.9 * row + 2.2 * column), hem=1.6)
            for toggle in (y + 2, y + 154):
                rope.disc(x - 7, toggle, 4.4)
                rope.line([(x - 7, toggle), (x + 2, toggle)], 2)
    dyed(sheet, locker)
    sheet.ink(locker.hems, INK)
    rope.text(375, 940, "Hold fast", 25, face="italic", anchor="ms")
    sheet.ink(rope, INK)
    return sheet.pull()


def alphabet(long_edge: int) -> Image.Image:
    sheet = Sheet(long_edge, "landscape", 521, margin=0)
    locker, tags = Locker(sheet), sheet.plate()
    for i, letter in enumerate(NAMES):
        row = i // 7
        x, y = 66 + 128 * (i % 7) + (128 if row == 3 else 0), 136 + 142 * row
        locker.fly(letter, flat(x, y, 100, 80), hem=0.9)
        tags.text(x, y + 101, letter, 16, face="serif")
        tags.text(x + 100, y + 101, NAMES[letter], 13, face="italic", anchor="rs")
    dyed(sheet, locker)
    tags.text(500, 88, "The code", 38, face="serif", anchor="ms")
    sheet.ink(tags, INK, 0.9)
    sheet.ink(locker.hems, INK)
    return sheet.pull()


def folds(sheet: Sheet, warp_box: tuple[float, float, float, float], swing: float) -> Field:
    """Where a waving flag turns from the light."""
    x0, y0, width, height = warp_box
    x, y = sheet.grid()
    u, v = (x - x0) / width, (y - y0) / height
    return np.clip(-np.cos(2 * pi * 1.15 * u - swing + 0.5 * v), 0, 1) * np.clip(u * 2.4, 0.15, 1)


def blue_peter(long_edge: int) -> Image.Image:
    sheet = Sheet(long_edge, "portrait", 531, margin=(70, 70, 70, 104))
    sheet.ink(sheet.whole(), "#f0c9a0", 0.75)
    x, y = sheet.grid()
    glow = smoothstep(-260, 900, y) * np.ones_like(x)
    sheet.ink(halftone(sheet, 0.44 * glow, 5.2, 30), "#d9744f", 0.8)
    locker, lines = Locker(sheet), sheet.plate()
    where = (152, 196, 462, 392)
    locker.fly("P", waving(*where, swing=34, phase=0.7), hem=2.2)
    masks = locker.masks()
    cloth = np.clip(masks["b"] + masks["w"], 0, 1)
    shade = halftone(sheet, 0.62 * folds(sheet, where, 0.7), 4.6, 62)
    sheet.ink(cloth, "#f8f2e4", opaque=True)
    sheet.ink(masks["b"], "#22598f", shift=(0.8, -0.6), salt=0.1)
    sheet.ink(cloth * shade, "#1b2f4d", 0.75)
    lines.line([(140, 40), (140, 960)], 3.4)
    for py in (200, 586):
        lines.disc(140, py, 7)
        lines.line([(140, py), (156, py)], 3.4)
    sheet.ink(lines, "#1b2430")
    sheet.ink(locker.hems, "#1b2f4d")
    sheet.caption("The Blue Peter", "Flags, no. 3")
    return sheet.pull()


def string(locker: Locker, a: Point, b: Point, sag: float, letters: str, wind: Point, lines: Plate) -> None:
    """Flags along a stay from `a` to `b`, each held by its hoist and streaming down `wind`."""
    n = len(letters)
    bow = [
        (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t + sag * 4 * t * (1 - t))
        for t in np.linspace(0, 1, n * 8 + 1)
    ]
    lines.line(bow, 1.3)
    for i, letter in enumerate(letters):
        (x0, y0), (x1, y1) = bow[i * 8 + 1], bow[i * 8 + 7]
        length = np.hypot(x1 - x0, y1 - y0)
        dx, dy = (x1 - x0) / length, (y1 - y0) / length

        def hang(u: float, v: float, x0: float = x0, y0: float = y0, dx: float = dx, dy: float = dy) -> Point:
            along, out, ripple = v * 46, u * 54, 2.6 * sin(2 * pi * u + x0 * 0.05) * u
            return (
                x0 + dx * along + wind[0] * out + wind[1] * ripple,
                y0 + dy * along + wind[1] * out + wind[0] * ripple,
            )

        locker.fly(letter, hang, hem=0.9)


def steamer(plate: Plate) -> None:
    """A coaster's side, black against the sky."""
    plate.polygon(curve([(132, 556), (200, 580), (330, 592), (500, 596), (680, 592), (800, 580), (872, 562)], 8)
                  + curve([(872, 562), (862, 610), (838, 650)], 8) + [(180, 650), (158, 610)])  # fmt: skip
    plate.rectangle(420, 520, 590, 600)
    plate.rectangle(440, 478, 520, 524)
    plate.polygon([(536, 524), (542, 436), (580, 436), (574, 524)])
    for x, top in ((318, 168), (684, 152)):
        plate.polygon([(x - 4, 600), (x - 1.6, top), (x + 1.6, top), (x + 4, 600)])
        plate.line([(x, 560), (x + (70 if x < 500 else -70), 430)], 3)
    for x in (452, 478, 504):
        plate.rectangle(x - 8, 488, x + 8, 502, 0)
    for x in (436, 466, 496, 526, 556, 576):
        plate.disc(x, 550, 4.4, 0)


def dressed(long_edge: int) -> Image.Image:
    """A coaster dressed overall for a holiday."""
    sheet = Sheet(long_edge, "landscape", 541, margin=(62, 62, 62, 92))
    x, y = sheet.grid()
    sheet.ink(halftone(sheet, 0.5 * smoothstep(640, 120, y + 0 * x) + 0.06, 5.4, 15), "#8fbcc9")
    sea = (y > 628) * np.ones_like(x)
    hull, lines, locker = sheet.plate(), sheet.plate(), Locker(sheet)
    steamer(hull)
    string(locker, (140, 548), (316, 176), 14, "EQGZTX", (0.9, 0.4), lines)
    string(locker, (326, 168), (676, 152), 30, "IVPLHJ", (0.34, 0.94), lines)
    string(locker, (690, 158), (868, 552), 14, "DSFOKW", (0.98, 0.02), lines)
    sheet.ink(sea * (1 - tides.glints(sheet, 640, 690, 46, 542).mask()), "#2a6474", salt=0.1)
    sheet.ink(np.clip(hull.mask() - sea, 0, 1), "#17222c", salt=0.09)
    sheet.ink(np.clip(sum(locker.masks().values()), 0, 1), "#f7f2e4", opaque=True)
    dyed(sheet, locker)
    band = sheet.plate()
    band.polygon([(540.6, 456), (579, 456), (577.6, 476), (539.4, 476)])
    sheet.ink(band, "#d4492e", opaque=True)
    sheet.ink(lines, "#17222c")
    sheet.ink(locker.hems, "#17222c", 0.9)
    sheet.caption("Dressed overall", "Flags, no. 4")
    return sheet.pull()


PRINTS = {
    "flags-hold-fast": hold_fast,
    "flags-the-code": alphabet,
    "flags-blue-peter": blue_peter,
    "flags-dressed-overall": dressed,
    **tides.PRINTS,
}
