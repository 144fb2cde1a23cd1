"""Invented winds, and grain drawn out along them until they can be seen (line integral convolution)."""

from itertools import pairwise

import numpy as np

from .press import Field, Sheet, fbm, noise, resize, rng, sample, smoothstep

LATTICE = 1250


Wind = tuple[Field, Field]


def lattice(sheet: Sheet) -> tuple[Field, Field]:
    """x and y in mils on the grid that winds are computed on; the same at every print size."""
    columns, rows = round(LATTICE * sheet.width / 1000), round(LATTICE * sheet.height / 1000)
    step = 1000 / LATTICE
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    return (x + 0.5) * step, (y + 0.5) * step


def cyclone(
    x: Field, y: Field, at: tuple[float, float], eye: float, spin: float, inflow: float = 0.25
) -> Wind:
    """Wind round a low: fastest at the wall of its eye, spiralling in; `spin` is its strength, signed."""
    dx, dy = x - at[0], y - at[1]
    r = np.hypot(dx, dy) + 1e-3
    speed = spin * (r / eye) * np.exp(1 - (r / eye) ** 0.55)
    pull = abs(spin) * inflow * (r / eye) * np.exp(1 - (r / eye) ** 0.55)
    return (dy * speed - dx * pull) / r, (-dx * speed - dy * pull) / r


def total(*winds: Wind) -> Wind:
    return np.sum([w[0] for w in winds], axis=0), np.sum([w[1] for w in winds], axis=0)


def vortex(x: Field, y: Field, at: tuple[float, float], core: float, spin: float) -> Wind:
    """A plain eddy: solid in its core, slackening with distance outside."""
    dx, dy = x - at[0], y - at[1]
    r2 = dx**2 + dy**2 + 1e-3
    speed = spin * core / r2 * (1 - np.exp(-r2 / core**2))
    return dy * speed, -dx * speed


def gusts(shape: tuple[int, int], cells: float, seed: int, strength: float) -> Wind:
    """Eddies without sources: the curl of a noise."""
    dy, dx = np.gradient(fbm(shape, cells, seed, 3))
    scale = strength * max(shape) / cells / 3
    return dy * scale, -dx * scale


def streaks(wind: Wind, seed: int, reach: int = 26, grain: float = 520) -> Field:
    """Noise smeared along the wind, about -1..1, as streamlines fine as hair."""
    u, v = wind
    speed = np.hypot(u, v) + 1e-6
    shape = u.shape
    u, v = (1.5 * u / speed).ravel(), (1.5 * v / speed).ravel()
    seeds = noise(shape, grain, seed)
    flat, found = seeds.ravel(), seeds.flatten()
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32).reshape(2, -1)
    for way in (np.float32(1), np.float32(-1)):
        px, py, at = x.copy(), y.copy(), np.arange(flat.size)
        for _ in range(reach):
            px += way * u[at]
            py += way * v[at]
            np.clip(px, 0, shape[1] - 1, out=px)
            np.clip(py, 0, shape[0] - 1, out=py)
            at = py.astype(np.int32) * shape[1] + px.astype(np.int32)
            found += flat[at]
    return (found / found.std() / 2.2).reshape(shape)


def cut(sheet: Sheet, field: Field, tone: Field, soft: float = 0.16) -> Field:
    """Streaks cut to a mask at the sheet's size: `tone` 0..1 says how much of the block stays to print."""
    fine = resize(field, sheet.shape)
    level = resize(tone.astype(np.float32), sheet.shape)
    return smoothstep(-soft, soft, fine + 2.3 * (level - 0.5))


def radius(x: Field, y: Field, at: tuple[float, float]) -> Field:
    return np.hypot(x - at[0], y - at[1])


def upright(sheet: Sheet, top: float, foot: float) -> Field:
    """A mask of the band between two levels."""
    x, y = sheet.grid()
    return np.clip((y - top) * sheet.u, 0, 1) * np.clip((foot - y) * sheet.u, 0, 1) + 0 * x


def bolt(
    seed: int, start: tuple[float, float], end: tuple[float, float], sway: float
) -> list[tuple[float, float]]:
    """Lightning's way: halve, shake, halve again."""
    chance, points = rng(seed, 12), [np.array(start), np.array(end)]
    for level in range(7):
        between = [
            (a + b) / 2 + chance.normal(0, sway / 1.85**level, 2) * (1, 0.35) for a, b in pairwise(points)
        ]
        points = [p for pair in zip(points, between, strict=False) for p in pair] + [points[-1]]
    return [(float(px), float(py)) for px, py in points]


def came_from(wind: Wind, start: Field, steps: int, stride: float) -> Field:
    """Rows, in mils, that the air at each point came from `steps` ago; traced on a coarse lattice."""
    coarse = (start.shape[0] // 3, start.shape[1] // 3)
    u, v = (resize(part.astype(np.float32), coarse) for part in wind)
    y, x = np.mgrid[0 : coarse[0], 0 : coarse[1]].astype(np.float32)
    for _ in range(steps):
        x, y = x - stride * sample(u, x, y), y - stride * sample(v, x, y)
    return resize(sample(resize(start, coarse), x, y), start.shape)
