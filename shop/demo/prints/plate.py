"""A plate: the surface that lines, shapes and type are drawn on before they are printed."""

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .fields import Field

if TYPE_CHECKING:
    from .press import Sheet

FACES = {
    "serif": "Newsreader-Medium.ttf",
    "italic": "Newsreader-Italic.ttf",
    "sans": "InstrumentSans-Medium.ttf",
}


Point = tuple[float, float]


@cache
def typeface(face: str, pixels: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(Path(__file__).parent / "fonts" / FACES[face]), pixels)


class Plate:
    """A drawing surface in mils. `ink` 0 cuts away what was drawn before, values between are tints."""

    def __init__(self, sheet: "Sheet", detail: int = 3):
        self.sheet, self.detail = sheet, detail
        self.k = sheet.u * detail
        self.image = Image.new("L", (sheet.shape[1] * detail, sheet.shape[0] * detail), 0)
        self.draw = ImageDraw.Draw(self.image)

    def _px(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self.k, y * self.k) for x, y in points]

    def line(self, points: Sequence[Point], width: float, ink: float = 1, closed: bool = False) -> None:
        """A polyline with round joints; give curves many points (see `curve`)."""
        path = self._px([*points, points[0]] if closed else points)
        weight = max(1, round(width * self.k))
        self.draw.line(path, round(ink * 255), weight, joint="curve" if weight > 3 else None)

    def polygon(self, points: Sequence[Point], ink: float = 1) -> None:
        self.draw.polygon(self._px(points), round(ink * 255))

    def disc(self, x: float, y: float, radius: float, ink: float = 1) -> None:
        self.draw.ellipse(self._px([(x - radius, y - radius), (x + radius, y + radius)]), round(ink * 255))

    def ring(self, x: float, y: float, radius: float, width: float, ink: float = 1) -> None:
        """A circle's line, its middle at `radius`."""
        r = radius + width / 2
        box = self._px([(x - r, y - r), (x + r, y + r)])
        self.draw.ellipse(box, outline=round(ink * 255), width=max(1, round(width * self.k)))

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, ink: float = 1) -> None:
        self.draw.rectangle(self._px([(x0, y0), (x1, y1)]), round(ink * 255))

    def frame(self, x0: float, y0: float, x1: float, y1: float, width: float, ink: float = 1) -> None:
        """A rectangle's line, drawn inward."""
        box = self._px([(x0, y0), (x1, y1)])
        self.draw.rectangle(box, outline=round(ink * 255), width=max(1, round(width * self.k)))

    def measure(self, text: str, size: float, face: str = "sans", tracking: float = 0) -> float:
        """The width of a line of type in mils; `tracking` in ems between letters."""
        return typeface(face, size * self.k).getlength(text) / self.k + tracking * size * max(
            0, len(text) - 1
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        face: str = "sans",
        anchor: str = "ls",
        angle: float = 0,
        tracking: float = 0,
        ink: float = 1,
    ) -> None:
        """A line of type: `face` serif, italic or sans; `anchor` l m r with s (baseline), m or a; `angle` in
        degrees, turning counter-clockwise about the anchor point."""
        if angle:
            return self._turned(x, y, text, size, face, anchor, angle, tracking, ink)
        fill = round(ink * 255)
        font = typeface(face, size * self.k)
        if not tracking:
            self.draw.text((x * self.k, y * self.k), text, fill, font, anchor)
            return None
        x -= {"l": 0, "m": 0.5, "r": 1}[anchor[0]] * self.measure(text, size, face, tracking)
        for i, letter in enumerate(text):
            at = x + self.measure(text[: i + 1], size, face) - self.measure(letter, size, face)
            self.draw.text(
                ((at + i * tracking * size) * self.k, y * self.k), letter, fill, font, "l" + anchor[1]
            )
        return None

    def _turned(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        face: str,
        anchor: str,
        angle: float,
        tracking: float,
        ink: float,
    ) -> None:
        half = math.ceil((self.measure(text, size, face, tracking) + 2 * size) * self.k)
        slip = Plate.__new__(Plate)
        slip.sheet, slip.detail, slip.k = self.sheet, self.detail, self.k
        slip.image = Image.new("L", (2 * half, 2 * half), 0)
        slip.draw = ImageDraw.Draw(slip.image)
        slip.text(half / self.k, half / self.k, text, size, face=face, anchor=anchor, tracking=tracking)
        turned = slip.image.rotate(angle, Image.Resampling.BICUBIC)
        corner = (round(x * self.k) - half, round(y * self.k) - half)
        self.image.paste(round(ink * 255), (*corner, corner[0] + 2 * half, corner[1] + 2 * half), turned)

    def mask(self) -> Field:
        """What was drawn, as coverage 0..1 at the sheet's size."""
        image = self.image if self.detail == 1 else self.image.reduce(self.detail)
        return np.asarray(image, dtype=np.float32) / np.float32(255)


def curve(points: Sequence[Point], steps: int = 16, closed: bool = False) -> list[Point]:
    """A smooth path through `points` (Catmull-Rom), `steps` to each span."""
    p = np.array(points, float)
    before, after = (p[-1], p[:2]) if closed else (2 * p[0] - p[1], 2 * p[-1] - p[-2])
    p = np.vstack([before, p, after])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    spans = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    path = np.vstack(spans if closed else [*spans, p[-2][None]])
    return [(float(x), float(y)) for x, y in path]
