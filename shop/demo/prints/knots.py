"""Knots: rope that can be followed with a finger, every crossing as it would be tied."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from .press import INK, SIGNAL, Field, Point, Sheet
from .rope import Rope, beside, even, place, spline, weave

STRAW, FLAX = "#dcc08c", "#efe2c4"


def tied(parts: Sequence[Sequence[Point]], orders: Sequence[str] | None = None) -> list[Field]:
    return weave([spline(points) for points in parts], orders)


def mirrored(points: Sequence[Point]) -> list[Point]:
    return [(-x, y) for x, y in points]


def carrick_bend() -> list[Field]:
    part = [(-9, 2.1), (-5.6, 1.5), (-3.3, 1.0), (-1.4, 0), (0, -1.35), (1.5, -1.55), (2.6, 0), (1.5, 1.55),
            (0, 1.35), (-1.4, 0), (-3.3, -1.0), (-5.6, -1.5), (-9, -2.1)]  # fmt: skip
    return tied([part, mirrored(part)])


def reef_knot(tail: float = 8.5) -> list[Field]:
    upper = [(-tail, 0.85), (-4.8, 0.82), (-2.9, 0.8), (-1.3, 0.9), (0, 1.62), (1.25, 2.25), (2.5, 1.75)]
    part = [*upper, (3.05, 0), *((x, -y) for x, y in reversed(upper))]
    return tied([part, mirrored(part)], ["OUOOUO", "UOUUOU"])


def figure_eight(rise: float = 9) -> list[Field]:
    path = [(0.1, -rise), (0.05, -5), (0.05, -2.6), (0.55, -0.6), (1.45, 1.4), (0, 2.65), (-1.45, 1.4), (-0.15, 0.1),
            (1.4, -1.5), (0, -2.75), (-1.45, -1.45), (-0.85, 0.7), (-0.1, 2.6), (0, 5), (0, rise)]  # fmt: skip
    return tied([path])


def overhand() -> list[Field]:
    path = [(-6, -0.9), (-3.6, -0.95), (-0.9, -0.8), (1.2, -0.2), (1.8, 1.1), (0.8, 2.1), (-0.25, 1.3),
            (-0.3, -0.6), (-0.6, -2.1), (-1.4, -2.55), (-2.1, -1.7), (-2.05, -0.3), (-1.0, 0.75), (0.9, 0.35),
            (3.4, -0.6), (6, -0.7)]  # fmt: skip
    return tied([path])


def sheet_bend() -> list[Field]:
    bight = [(-7, 0.95), (-3.4, 0.95), (0.4, 1.15), (2.1, 0.85), (2.6, 0), (2.1, -0.85), (0.4, -1.15), (-3.4, -0.95),
             (-7, -0.95)]  # fmt: skip
    hitch = [(7, -0.15), (4.4, -0.15), (2.6, -0.1), (0.9, 0.0), (-0.4, 0.75), (-1.3, 1.9), (-2.25, 1.75), (-2.5, 0),
             (-2.25, -1.75), (-1.2, -1.9), (-0.2, -0.75), (0.6, 0.2), (1.2, 1.4), (2.0, 2.9)]  # fmt: skip
    return tied([bight, hitch], ["OUUOUO", "UOOUUOUO"])


def bowline(reach: float = 1.0) -> list[Field]:
    """Tied as sailors do, the end inside the loop; `reach` draws the loop out."""
    low = -5.6 - 4 * reach
    path = [(-0.15, 12), (-0.15, 4.4), (-0.1, 2.6), (0, 0.9), (-0.75, -0.4), (-1.95, -1.25), (-1.8, -2.3), (0, -2.55),
            (1.8, -2.3), (1.95, -1.2), (0.75, -0.2), (-0.2, 0.6), (-1.6, 1.15), (-2.95, 0.3), (-3.6, -2.2),
            (-3.7, low * 0.55 - 1), (-2.75, low + 1.1), (0, low), (2.75, low + 1.1), (3.4, low * 0.6 - 0.8),
            (2.3, -4.3), (1.2, -2.4), (1.1, 0.2), (0.95, 2.0), (0, 2.65), (-0.95, 2.0), (-1.1, 0.2),
            (-0.95, -2.4), (-0.75, -4.9)]  # fmt: skip
    return tied([path], ["UOOUUOUOOUOUUO"])


def clove_hitch() -> list[Field]:
    """Its three parts in front of a spar that lies from -1.5 to 1.5."""
    standing, end = [(0.75, -5.5), (0.72, -2), (0.62, 1.62)], [(-0.62, -1.62), (-0.72, 2), (-0.75, 4.4)]
    return tied([standing, [(1.75, -1.62), (0, 0), (-1.75, 1.62)], end], ["U", "OO", "U"])


def turks_head(leads: int, bights: int, inner: float, outer: float) -> list[Field]:
    t = np.linspace(0, 2 * np.pi * leads, 60 * leads * bights + 1)
    swing = np.cos(bights * t / leads)
    radius = (inner + outer) / 2 + (outer - inner) / 2 * swing
    return weave([even(np.column_stack([radius * np.cos(t), radius * np.sin(t)]), outer / 40)])


def ocean_mat(across: int, down: int, width: float, height: float) -> list[Field]:
    t = np.linspace(0, 2 * np.pi, 4000)
    # The shift at the start keeps the line from running back along itself.
    x, y = np.cos(across * t + np.pi / 2 / down), np.cos(down * t)
    # Nearly straight from side to side, as a mat is laid, with round bends at the rim.
    path = np.arcsin(0.86 * np.column_stack([x, y])) / np.arcsin(0.86) * [width, height]
    return weave([even(path, width / 60)])


def flemish_coil(turns: float, pitch: float, tail: Sequence[Point]) -> list[Field]:
    """A flat spiral with its end led off through the points of `tail`, heights zero throughout."""
    t = np.linspace(0.8, turns, 2400)
    angle = 2 * np.pi * t
    spiral = np.column_stack([pitch * t * np.cos(angle), pitch * t * np.sin(angle)])
    led = spline([tuple(spiral[-60]), tuple(spiral[-1]), *tail])
    path = np.vstack([spiral[:-60], led])
    return [np.column_stack([path, np.zeros(len(path))])]


def ground(sheet: Sheet, rope: Sequence[Field]) -> Field:
    """The plate with the rope's place cut out of it."""
    return 1 - np.clip(np.sum(rope, axis=0), 0, 1)


def carrick(long_edge: int) -> Image.Image:
    sheet = Sheet(long_edge, "landscape", 411, margin=(62, 62, 62, 92))
    rope = Rope.lay(sheet, place(carrick_bend(), 500, 360, 103), 33)
    (left, right), lines, _ = rope.engraved(yarns=9)
    sheet.ink(left, "#dcb775", shift=(1.1, 0.8))
    sheet.ink(right, "#86b0b8", shift=(1.1, 0.8))
    sheet.ink(lines, INK)
    sheet.caption("Carrick bend", "Knots, no. 1")
    return sheet.pull()


def reef(long_edge: int) -> Image.Image:
    sheet = Sheet(long_edge, "square", 421, margin=(70, 70, 70, 104))
    rope = Rope.lay(sheet, place(reef_knot(), 500, 483, 76, turn=-38), 29, gap=0.24)
    bodies, lines, _ = rope.engraved(yarns=9)
    sheet.ink(ground(sheet, bodies), "#c4452b", shift=(0.8, -0.6), salt=0.09)
    sheet.ink(lines, "#2a1512")
    sheet.caption("Reef knot", "Knots, no. 2")
    return sheet.pull()


def eight(long_edge: int) -> Image.Image:
    sheet = Sheet(long_edge, "portrait", 431, margin=(70, 70, 70, 104))
    line = place(figure_eight(11), 375, 470, 66)[0]
    rope = Rope.lay(sheet, [line[line[:, 1] < 828]], 24, gap=0.26)
    bodies, lines, bound = rope.engraved(whipped=[(0, 0)])
    sheet.ink(ground(sheet, bodies), "#20505f", salt=0.1, shift=(0.7, 0.5))
    sheet.ink(bodies[0] - bound, "#f3e4bf")
    sheet.ink(bound, "#d5543a")
    sheet.ink(lines, "#10222b")
    sheet.caption("Figure of eight", "Knots, no. 3")
    return sheet.pull()


def turk(long_edge: int) -> Image.Image:
    sheet = Sheet(long_edge, "square", 441, margin=(70, 70, 70, 104))
    rope = Rope.lay(sheet, place(turks_head(5, 13, 138, 345), 500, 483, 1), 16.5, gap=0.32)
    bodies, lines, _ = rope.engraved(pitch=6, weight=0.06)
    sheet.ink(ground(sheet, bodies), "#1a2530", salt=0.1)
    sheet.ink(bodies[0], "#e0b062", shift=(0.6, 0.5))
    sheet.ink(lines, "#1b2430")
    sheet.caption("Turk’s head, five leads and thirteen bights", "Knots, no. 4")
    return sheet.pull()


def mat(long_edge: int) -> Image.Image:
    sheet = Sheet(long_edge, "portrait", 451, margin=(0, 0, 0, 0))
    middle = ocean_mat(4, 5, 268, 372)
    three = [beside(middle[0], d) for d in (-17.5, 0, 17.5)]
    rope = Rope.lay(sheet, place(three, 375, 470, 1), 7.9, gap=0.2)
    bodies, lines, _ = rope.engraved(pitch=6, yarns=5)
    for body, tint in zip(bodies, ("#ead9b2", "#cf6b47", "#ead9b2"), strict=True):
        sheet.ink(body, tint, shift=(0.5, 0.5))
    sheet.ink(lines, "#2b2430")
    plate = sheet.plate()
    plate.text(375, 936, "Ocean mat, laid with three parts", 13, face="italic", anchor="ms")
    sheet.ink(plate, "#2b2430", 0.86)
    return sheet.pull()


def coil(long_edge: int) -> Image.Image:
    sheet = Sheet(long_edge, "square", 461, margin=(70, 70, 70, 104))
    tail = [(120, -302), (230, -322), (330, -300), (402, -330)]
    rope = Rope.lay(sheet, place(flemish_coil(7.75, 39, tail), 452, 446, 1), 18.6, gap=0.05)
    bodies, lines, bound = rope.engraved(whipped=[(0, -1)])
    sheet.ink(ground(sheet, bodies), "#9fc0bb", salt=0.09)
    sheet.ink(bodies[0] - bound, "#f6ecd6")
    sheet.ink(bound, SIGNAL)
    sheet.ink(lines, "#17303a")
    sheet.caption("Flemish coil", "Knots, no. 6")
    return sheet.pull()


def loop(long_edge: int) -> Image.Image:
    sheet = Sheet(long_edge, "portrait", 471, margin=(70, 70, 70, 104))
    rope = Rope.lay(sheet, place(bowline(1.4), 375, 318, 44), 16, gap=0.3)
    bodies, lines, bound = rope.engraved(whipped=[(0, -1)])
    sheet.ink(ground(sheet, bodies), "#cfd9d9")
    sheet.ink(bodies[0] - bound, "#f3dca6", shift=(0.9, 0.8))
    sheet.ink(bound, SIGNAL)
    sheet.ink(lines, "#17404f")
    sheet.caption("Bowline", "Knots, no. 7")
    return sheet.pull()


def specimen(long_edge: int) -> Image.Image:
    """Nine knots, numbered and named, as on the wall of a sail loft."""
    sheet = Sheet(long_edge, "portrait", 481, margin=0)
    knots = [
        ("Overhand knot", overhand(), 19, 0), ("Figure of eight", figure_eight(5.7), 20.5, -90),
        ("Reef knot", reef_knot(5.4), 18.5, 0), ("Sheet bend", sheet_bend(), 17.5, 0),
        ("Bowline", bowline(0.75), 16, 0), ("Carrick bend", carrick_bend(), 18, 0),
        ("Clove hitch", clove_hitch(), 19, 0), ("Turk’s head", turks_head(3, 5, 1.9, 5), 18, 18),
        ("Flemish coil", flemish_coil(3.75, 1.14, [(2.4, -4.4), (4.6, -4.2)]), 19.5, 0),
    ]  # fmt: skip
    lines, tags = [], sheet.plate()
    for i, (name, knot, scale, turn) in enumerate(knots):
        x, y = 147 + 228 * (i % 3), (250, 478, 772)[i // 3]
        clear = [line[(np.abs(line[:, 0]) * scale < 97) & (line[:, 1] * scale < 97)] for line in knot]
        lines += place(clear, x, y, scale, turn)
        below = (344, 640, 896)[i // 3]
        tags.text(x, below, f"{i + 1}. {name}", 14.5, face="italic", anchor="ms")
    spar = sheet.rectangle(48, 772 - 28, 246, 772 + 28, radius=5)
    rope = Rope.lay(sheet, lines, 7.8, gap=0.3)
    bodies, shading, _ = rope.engraved(yarns=5)
    body = np.clip(np.sum(bodies, axis=0), 0, 1)
    sheet.ink(spar * (1 - body), "#b98f61")
    sheet.ink(body, "#e3c68c", shift=(0.8, 0.7))
    sheet.ink(shading, INK)
    tags.text(375, 100, "Nine knots", 40, face="serif", anchor="ms")
    tags.text(375, 128, "and what a hand should know in the dark", 14.5, face="italic", anchor="ms")
    sheet.ink(tags, INK, 0.9)
    return sheet.pull()


PRINTS = {
    "knots-specimen": specimen,
    "knots-carrick-bend": carrick,
    "knots-reef": reef,
    "knots-figure-eight": eight,
    "knots-turks-head": turk,
    "knots-ocean-mat": mat,
    "knots-flemish-coil": coil,
    "knots-bowline": loop,
}
