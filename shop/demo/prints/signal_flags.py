"""The flags of the International Code of Signals, as shapes in a square, hoist at the left, and a way to fly them."""

from collections.abc import Callable, Sequence
from math import cos, pi, sin

from .press import Field, Point, Sheet

Patch = tuple[str, Sequence[Point]]
Warp = Callable[[float, float], Point]

NAMES = {
    name[0]: name
    for name in (
        *(
            "Alfa",
            "Bravo",
            "Charlie",
            "Delta",
            "Echo",
            "Foxtrot",
            "Golf",
            "Hotel",
            "India",
            "Juliett",
            "Kilo",
        ),
        *("Lima", "Mike", "November", "Oscar", "Papa", "Quebec", "Romeo", "Sierra", "Tango", "Uniform"),
        *("Victor", "Whiskey", "X-ray", "Yankee", "Zulu"),
    )
}


def box(colour: str, x0: float, y0: float, x1: float, y1: float) -> Patch:
    return colour, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def inset(colour: str, by: float) -> Patch:
    return box(colour, by, by, 1 - by, 1 - by)


def across(colours: str, weights: Sequence[float] = ()) -> list[Patch]:
    """Horizontal bands from the top."""
    weights = weights or [1] * len(colours)
    edges = [sum(weights[:i]) / sum(weights) for i in range(len(colours) + 1)]
    return [box(c, 0, a, 1, b) for c, a, b in zip(colours, edges, edges[1:], strict=False)]


def upright(colours: str) -> list[Patch]:
    """Vertical bands from the hoist."""
    n = len(colours)
    return [box(c, i / n, 0, (i + 1) / n, 1) for i, c in enumerate(colours)]


def checked(first: str, second: str, n: int) -> list[Patch]:
    return [
        box(first if (i + j) % 2 == 0 else second, i / n, j / n, (i + 1) / n, (j + 1) / n)
        for i in range(n)
        for j in range(n)
    ]


def cross(colour: str, arm: float) -> list[Patch]:
    a, b = 0.5 - arm / 2, 0.5 + arm / 2
    return [box(colour, a, 0, b, 1), box(colour, 0, a, 1, b)]


def saltire(colour: str, w: float) -> list[Patch]:
    return [
        (colour, [(0, 0), (w, 0), (1, 1 - w), (1, 1), (1 - w, 1), (0, w)]),
        (colour, [(1, 0), (1, w), (w, 1), (0, 1), (0, 1 - w), (1 - w, 0)]),
    ]


def swallowtail(colour: str, x0: float) -> Patch:
    return colour, [(x0, 0), (1, 0), (0.72, 0.5), (1, 1), (x0, 1)]


def disc(colour: str, r: float) -> Patch:
    # Flags are flown a fifth longer than high; drawn narrower here, it comes out round.
    return colour, [(0.5 + 0.82 * r * cos(k * pi / 30), 0.5 + r * sin(k * pi / 30)) for k in range(60)]


def slanted(first: str, second: str) -> list[Patch]:
    """Ten stripes rising towards the fly, `first` in the upper hoist."""
    patches: list[Patch] = []
    for k in range(10):
        a, b = k / 5, (k + 1) / 5
        corner = [(1.0, 0.0)] if a < 1 < b else []
        far = [(0.0, 1.0)] if a < 1 < b else []
        rim = [(min(a, 1), max(a - 1, 0)), *corner, (min(b, 1), max(b - 1, 0)),
               (max(b - 1, 0), min(b, 1)), *far, (max(a - 1, 0), min(a, 1))]  # fmt: skip
        patches.append((second if k % 2 else first, rim))
    return patches


PATTERNS: dict[str, list[Patch]] = {
    "A": [box("w", 0, 0, 0.5, 1), swallowtail("b", 0.5)],
    "B": [swallowtail("r", 0)],
    "C": across("bwrwb"),
    "D": across("yby", (1, 2, 1)),
    "E": across("br"),
    "F": [inset("w", 0), ("r", [(0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)])],
    "G": upright("ybybyb"),
    "H": upright("wr"),
    "I": [inset("y", 0), disc("k", 0.28)],
    "J": across("bwb"),
    "K": upright("yb"),
    "L": checked("y", "k", 2),
    "M": [inset("b", 0), *saltire("w", 0.16)],
    "N": checked("b", "w", 4),
    "O": [("r", [(0, 0), (1, 0), (1, 1)]), ("y", [(0, 0), (1, 1), (0, 1)])],
    "P": [inset("b", 0), inset("w", 1 / 3)],
    "Q": [inset("y", 0)],
    "R": [inset("r", 0), *cross("y", 0.2)],
    "S": [inset("w", 0), inset("b", 1 / 3)],
    "T": upright("rwb"),
    "U": checked("r", "w", 2),
    "V": [inset("w", 0), *saltire("r", 0.16)],
    "W": [inset("b", 0), inset("w", 0.2), inset("r", 0.38)],
    "X": [inset("w", 0), *cross("b", 0.24)],
    "Y": slanted("y", "r"),
    "Z": [
        ("k", [(0, 0), (0.5, 0.5), (0, 1)]),
        ("y", [(0, 0), (1, 0), (0.5, 0.5)]),
        ("b", [(1, 0), (1, 1), (0.5, 0.5)]),
        ("r", [(0, 1), (0.5, 0.5), (1, 1)]),
    ],
}


def dense(points: Sequence[Point], steps: int = 36) -> list[Point]:
    """The outline with points enough to bend."""
    return [
        (a[0] + (b[0] - a[0]) * k / steps, a[1] + (b[1] - a[1]) * k / steps)
        for a, b in zip(points, [*points[1:], points[0]], strict=True)
        for k in range(steps)
    ]


class Locker:
    """The flag locker: one plate for each of the code's five colours, and one for the hems."""

    def __init__(self, sheet: Sheet, detail: int = 3):
        self.sheet = sheet
        self.plates = {colour: sheet.plate(detail) for colour in "wbryk"}
        self.hems = sheet.plate(detail)

    def fly(self, letter: str, warp: Warp, hem: float = 1.1) -> None:
        """Put a flag where `warp` takes its unit square."""
        for colour, outline in PATTERNS[letter]:
            bent = [warp(x, y) for x, y in dense(outline)]
            for c, plate in self.plates.items():
                plate.polygon(bent, 1 if c == colour else 0)
        tail = letter in "AB"
        rim = swallowtail("", 0)[1] if tail else inset("", 0)[1]
        self.hems.line([warp(x, y) for x, y in dense(rim)], hem, closed=True)

    def masks(self) -> dict[str, Field]:
        return {colour: plate.mask() for colour, plate in self.plates.items()}


def flat(x: float, y: float, width: float, height: float) -> Warp:
    return lambda u, v: (x + u * width, y + v * height)


def waving(
    x: float, y: float, width: float, height: float, swing: float, phase: float = 0, turns: float = 1.15
) -> Warp:
    """A flag in a breeze: the wave grows towards the fly."""

    def warp(u: float, v: float) -> Point:
        bend = swing * (0.25 + 0.75 * u) * sin(2 * pi * turns * u - phase + 0.5 * v)
        return x + u * width + 0.25 * bend * (v - 0.5), y + v * height + bend - swing * (0.25) * sin(
            -phase + 0.5 * v
        )

    return warp
