"""Scalar fields the prints are made of: noise, sampling, contours. Arrays are float32 (rows, columns).

Everything is laid out on lattices counted across the long edge, never in pixels, so that a field looks the
same at every size. `press` re-exports all of it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[Any]
Shape = tuple[int, int]


def rng(*seed: int) -> np.random.Generator:
    """A generator for these whole numbers; the only source of chance in the prints."""
    return np.random.default_rng(seed)


def resize(field: Field, shape: Shape, box: tuple[float, float, float, float] | None = None) -> Field:
    """`field` (or the float `box` x0, y0, x1, y1 of it) at another shape, bicubic."""
    image = Image.fromarray(np.ascontiguousarray(field, dtype=np.float32))
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC, box=box), dtype=np.float32)


def noise(shape: Shape, cells: float, seed: int, stretch: float = 1.0) -> Field:
    """Smooth value noise, about -1..1, `cells` across the long edge; `stretch` > 1 draws it out sideways."""
    rows, columns = shape
    across = cells * columns / max(shape) / stretch
    down = cells * rows / max(shape)
    lattice = rng(seed, 7919).uniform(-1.25, 1.25, (int(down) + 4, int(across) + 4)).astype(np.float32)
    return resize(lattice, shape, (1.0, 1.0, 1.0 + across, 1.0 + down))


def fbm(
    shape: Shape, cells: float, seed: int, octaves: int = 4, gain: float = 0.5, stretch: float = 1.0
) -> Field:
    """Octaves of noise, each twice as fine and `gain` as strong; about -1..1."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        total += np.float32(gain**octave) * noise(shape, cells * 2**octave, seed * 101 + octave, stretch)
    return total / np.float32(sum(gain**octave for octave in range(octaves)))


def smoothstep(low: float | Field, high: float | Field, x: Field) -> Field:
    """0 below `low`, 1 above `high`, an S between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def sample(field: Field, x: Field, y: Field) -> Field:
    """`field` at pixel positions (x, y), bilinear, clamped at the rim."""
    rows, columns = field.shape
    x = np.clip(x, 0, columns - 1.001)
    y = np.clip(y, 0, rows - 1.001)
    left, top = x.astype(np.int32), y.astype(np.int32)
    fx, fy = x - left, y - top
    upper = field[top, left] * (1 - fx) + field[top, left + 1] * fx
    lower = field[top + 1, left] * (1 - fx) + field[top + 1, left + 1] * fx
    return upper * (1 - fy) + lower * fy


def blur(field: Field, radius: float) -> Field:
    """A soft copy; `radius` in pixels, roughly a Gaussian's sigma."""
    if radius < 0.6:
        return field
    rows, columns = field.shape
    small = (max(4, round(rows / radius / 1.2)), max(4, round(columns / radius / 1.2)))
    return resize(resize(field, small), field.shape)


def isolines(field: Field, step: float, width: float, offset: float = 0.0) -> Field:
    """Coverage of contour lines of `field` at every offset + n * step, `width` pixels wide, antialiased.

    The distance to the nearest level is measured along the gradient, so lines keep their width on slopes.
    """
    dy, dx = np.gradient(field)
    slope = np.maximum(np.hypot(dx, dy), np.float32(step / 400))
    phase = (field - offset) / step
    distance = np.abs(phase - np.round(phase)) * step / slope
    return np.clip(width / 2 + 0.5 - distance, 0, min(1.0, width)).astype(np.float32)


def isoline(field: Field, level: float, width: float) -> Field:
    """Coverage of the one contour of `field` at `level`, `width` pixels wide."""
    dy, dx = np.gradient(field)
    distance = np.abs(field - level) / np.maximum(np.hypot(dx, dy), 1e-6)
    return np.clip(width / 2 + 0.5 - distance, 0, min(1.0, width)).astype(np.float32)
