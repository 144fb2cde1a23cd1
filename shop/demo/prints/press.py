"""The press that every print goes through: paper, plates, inks, overprint and type.

Lengths are mils: thousandths of the long edge, origin top left. A print is a function of its long edge:

    def first_light(long_edge: int) -> Image.Image:
        sheet = Sheet(long_edge, "landscape", seed=11)         # 4:3; "portrait" 3:4, "square" 1:1
        sheet.ink(sheet.whole(), "#f0d9a8")                    # flat tint over the whole plate
        plate = sheet.plate()                                  # a drawing surface in mils, supersampled
        plate.line([(100, 300), (900, 320)], 1.2)
        plate.disc(500, 200, 40)
        plate.text(500, 690, "First light", 12, face="italic", anchor="ms")
        sheet.ink(plate, "#1f4e5f", shift=(0.6, -0.4))         # multiplied onto the paper, out of register
        return sheet.pull()

Masks are float32 arrays (sheet.shape) with 0..1 coverage; make them with a plate, with `sheet.grid()` (x and
y in mils at each pixel) or from `fields`. `sheet.u` is pixels per mil. Small prints are drawn at no less than
1600 pixels and reduced, so lines keep their weight. Keep fine noise on lattices (`noise`, `fbm`), never per
pixel.
"""

import math

import numpy as np
from PIL import Image

from .fields import (
    Field,
    Shape,
    blur,
    fbm,
    isoline,
    isolines,
    noise,
    resize,
    rng,
    sample,
    smoothstep,
)
from .plate import Plate, Point, curve

__all__ = [
    "BRASS", "FORMS", "INK", "PAPER", "SEA", "SIGNAL", "Field", "Plate", "Point", "Shape", "Sheet", "blur",
    "curve", "fbm", "halftone", "isoline", "isolines", "noise", "resize", "rgb", "rng", "sample",
    "smoothstep", "strand",
]  # fmt: skip

PAPER, INK, SEA, SIGNAL, BRASS = "#f6f1e6", "#16202a", "#1f4e5f", "#c23a20", "#8a6423"
FORMS = {"landscape": (1.0, 0.75), "portrait": (0.75, 1.0), "square": (1.0, 1.0)}


def rgb(colour: str) -> Field:
    """'#1f4e5f' as three floats 0..1."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


class Sheet:
    """A sheet of paper with a plate area inside its margins, printed ink by ink.

    `margin` in mils: one number, or (left, top, right, bottom). `box` is the plate's rectangle in mils.
    `width` and `height` are the sheet's in mils (1000 x 750 for a landscape).
    """

    def __init__(
        self,
        long_edge: int,
        form: str,
        seed: int,
        paper: str = PAPER,
        margin: float | tuple[float, float, float, float] = 62,
    ):
        across, down = FORMS[form]
        self.size = (round(long_edge * across), round(long_edge * down))
        self.scale = max(1, math.ceil(1600 / long_edge))
        self.shape: Shape = (self.size[1] * self.scale, self.size[0] * self.scale)
        self.u = max(self.shape) / 1000
        self.width, self.height = 1000 * across, 1000 * down
        left, top, right, bottom = margin if isinstance(margin, tuple) else (margin,) * 4
        self.box = (left, top, self.width - right, self.height - bottom)
        self.seed = seed
        self.tooth = 0.62 * noise(self.shape, 900, seed) + 0.38 * noise(
            self.shape, 330, seed + 1, stretch=1.6
        )
        self.area = self._area()
        self.image = self._paper(rgb(paper))

    def _paper(self, colour: Field) -> Field:
        mottle = 1 + 0.012 * self.tooth + 0.010 * noise(self.shape, 9, self.seed + 2)
        image = colour * mottle[..., None]
        rim = self.rectangle(*self.box, grow=2.2)
        pressed = blur(rim, 1.6 * self.u)
        # Paper pressed by a plate: darker just inside its edge, catching light just outside.
        return image * (1 - 0.016 * pressed - 0.09 * np.clip(rim - pressed, -0.25, 0.5))[..., None]

    def _area(self) -> Field:
        """The plate's inked area: its edges wander a little, its corners are eased."""
        x, y = self.grid()
        x = x + 0.35 * noise(self.shape, 60, self.seed + 3) + 0.2 * self.tooth
        y = y + 0.35 * noise(self.shape, 60, self.seed + 4) + 0.2 * self.tooth
        return self._rounded(x, y, self.box, 1.8)

    def _rounded(self, x: Field, y: Field, box: tuple[float, float, float, float], radius: float) -> Field:
        dx = np.abs(x - (box[0] + box[2]) / 2) - (box[2] - box[0]) / 2 + radius
        dy = np.abs(y - (box[1] + box[3]) / 2) - (box[3] - box[1]) / 2 + radius
        outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0) - radius
        return np.clip(0.5 - outside * self.u, 0, 1).astype(np.float32)

    def grid(self) -> tuple[Field, Field]:
        """x and y in mils at each pixel; broadcastable as they are, full fields after arithmetic."""
        rows, columns = self.shape
        x = ((np.arange(columns, dtype=np.float32) + 0.5) / np.float32(self.u))[None, :]
        y = ((np.arange(rows, dtype=np.float32) + 0.5) / np.float32(self.u))[:, None]
        return x, y

    def whole(self) -> Field:
        """A mask of the whole plate."""
        return np.ones(self.shape, np.float32)

    def rectangle(
        self, x0: float, y0: float, x1: float, y1: float, grow: float = 0, radius: float = 2
    ) -> Field:
        """A mask: a rectangle with eased corners."""
        return self._rounded(*self.grid(), (x0 - grow, y0 - grow, x1 + grow, y1 + grow), radius)

    def disc(self, x: float, y: float, radius: float) -> Field:
        """A mask: a disc with a clean edge."""
        gx, gy = self.grid()
        return np.clip((radius - np.hypot(gx - x, gy - y)) * self.u + 0.5, 0, 1)

    def plate(self, detail: int = 3) -> "Plate":
        """A surface to draw on in mils; `detail` is its supersampling."""
        return Plate(self, detail)

    def ink(
        self,
        mask: "Field | Plate",
        colour: str,
        strength: float = 1.0,
        *,
        shift: Point = (0, 0),
        opaque: bool = False,
        salt: float = 0.05,
        clip: bool = True,
    ) -> None:
        """Print a mask or plate. Inks multiply like glazes unless `opaque`.

        `shift` puts it out of register (mils), `salt` lets the paper's tooth through, `clip` keeps it on
        the plate.
        """
        cover = mask.mask() if isinstance(mask, Plate) else mask
        if shift != (0, 0):
            cover = self.shifted(cover, *shift)
        if clip:
            cover = cover * self.area
        if salt:
            cover = cover * (1 - salt * np.clip(0.55 + 1.1 * self.tooth, 0, 1.6))
        cover = np.clip(cover * strength, 0, 1)[..., None]
        tone = rgb(colour)
        self.image = (
            self.image + cover * (tone - self.image) if opaque else self.image * (1 - cover * (1 - tone))
        )

    def shifted(self, mask: Field, dx: float, dy: float) -> Field:
        """`mask` moved by mils, to a fraction of a pixel."""
        rows, columns = self.shape
        x = np.clip(np.arange(columns, dtype=np.float32) - dx * self.u, 0, columns - 1.001)
        y = np.clip(np.arange(rows, dtype=np.float32) - dy * self.u, 0, rows - 1.001)
        left, top = x.astype(int), y.astype(int)
        fx, fy = (x - left)[None, :].astype(np.float32), (y - top)[:, None].astype(np.float32)
        along = mask[:, left] * (1 - fx) + mask[:, left + 1] * fx
        return along[top] * (1 - fy) + along[top + 1] * fy

    def caption(self, left: str, right: str, colour: str = INK, size: float = 9.5) -> None:
        """Two small lines of type under the plate: the title, and the series with its number."""
        plate = self.plate()
        base = self.box[3] + max(20.0, (self.height - self.box[3]) * 0.36)
        plate.text(self.box[0] + 1, base, left, size * 1.22, face="italic", anchor="ls")
        plate.text(self.box[2] - 1, base, right, size * 0.86, anchor="rs", tracking=0.06)
        self.ink(plate, colour, 0.86, clip=False)

    def pull(self) -> Image.Image:
        """The finished print, exactly the size asked for."""
        pixels = np.clip(self.image * 255 + 0.5, 0, 255).astype(np.uint8)
        image = Image.fromarray(pixels, "RGB")
        return image if self.scale == 1 else image.reduce(self.scale)


def strand(mask: Field, y: Field, weight: Field) -> None:
    """Lay a line into `mask` along its columns: its middle at rows `y`, `weight` pixels thick, one of each
    per column. Exact coverage, kept where it is the darker; thinner than a pixel means paler."""
    rows, columns = mask.shape
    reach = int(np.ceil(weight.max() / 2)) + 1
    base = np.floor(y).astype(np.int32)
    every = np.arange(columns)
    for offset in range(-reach, reach + 1):
        row = base + offset
        cover = np.minimum(y + weight / 2, row + 1) - np.maximum(y - weight / 2, row)
        inside = (row >= 0) & (row < rows) & (cover > 0)
        at, column = row[inside], every[inside]
        mask[at, column] = np.maximum(mask[at, column], np.minimum(cover[inside], 1))


def halftone(sheet: Sheet, tone: Field, pitch: float, angle: float = 45) -> Field:
    """`tone` (0 paper .. 1 solid) as round dots on a screen of `pitch` mils, turned by `angle` degrees."""
    x, y = sheet.grid()
    turn = math.radians(angle)
    across = (x * math.cos(turn) + y * math.sin(turn)) * (2 * math.pi / pitch)
    down = (y * math.cos(turn) - x * math.sin(turn)) * (2 * math.pi / pitch)
    spot = 0.5 + (np.cos(across) + np.cos(down)) / 4
    edge = 1.6 / (pitch * sheet.u)
    return smoothstep(1 - tone - edge, 1 - tone + edge, spot) * (tone > 0.01)
