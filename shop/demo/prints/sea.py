"""Seas as an engraver cuts them: lines with swell in them, the near hiding the far."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .press import Field, Sheet, rng, smoothstep, strand

Glint = Callable[[Field, float, Field], Field]


Rise = Callable[[Field, float], Field]


@dataclass(frozen=True)
class Sea:
    """A sea seen from a low cliff: waves of `length` mils at the print's foot, coming from `heading` (radians).

    `rise` adds a shape of its own to the surface: height, in the wave height's unit, at x and nearness.
    """

    horizon: float
    foot: float
    seed: int
    height: float
    length: float
    heading: float = 0.35
    spread: float = 0.5
    centre: float = 500
    rise: Rise | None = None

    def waves(self, count: int = 18) -> tuple[Field, ...]:
        """Wave numbers along and into the picture, amplitudes and phases of the waves that make up the sea."""
        chance = rng(self.seed, 31)
        size = self.length * np.exp(chance.normal(-0.25, 0.55, count))
        angle = self.heading + chance.normal(0, self.spread, count)
        number = 2 * np.pi / size
        weight = size**1.1 / np.sqrt((size**2.2).sum())
        parts = (number * np.sin(angle), number * np.cos(angle), weight, chance.uniform(0, 2 * np.pi, count))
        return tuple(part[:, None] for part in parts)

    def surface(self, x: Field, near: float) -> tuple[Field, Field]:
        """Height (about -1..1) and the slope towards the viewer, along one line at nearness `near` (0..1)."""
        along, into, weight, phase = self.waves()
        # Waves too short to draw at this distance are left out, as the eye does.
        weight = weight * np.clip(near * 2 * np.pi / np.hypot(along, into) / 7 - 0.35, 0, 1)
        turn = along * (x - self.centre) / near + into * (900 / near) + phase
        height = (weight * (np.sin(turn) + 0.18 * np.cos(2 * turn))).sum(0)
        slope = (weight * np.cos(turn) * into).sum(0) * self.length / 6
        if self.rise:
            added = self.rise(x, near)
            height = height + added
            slope = slope + 1.6 * (added - self.rise(x, near * 1.06)) / 0.3
        return height.astype(np.float32), slope.astype(np.float32)


@dataclass
class Drawn:
    """What drawing a sea gives: its dark lines, its lit lines, and the skyline they leave (rows by column)."""

    dark: Field
    lit: Field
    skyline: Field


def draw(
    sheet: Sheet,
    sea: Sea,
    count: int,
    weights: tuple[float, float],
    power: float = 1.75,
    shading: float = 0.85,
    glint: Glint | None = None,
) -> Drawn:
    """The sea in `count` lines, from `weights[0]` mils at the horizon to `weights[1]`; near lines hide far ones."""
    dark, lit = np.zeros(sheet.shape, np.float32), np.zeros(sheet.shape, np.float32)
    x = sheet.grid()[0][0]
    skyline = np.full(x.shape, 1e6, np.float32)
    for step in np.linspace(1.14, 0.045, count):
        near = float(step**power)
        height, slope = sea.surface(x, near)
        y = sea.horizon + (sea.foot - sea.horizon) * near - sea.height * near * height
        weight = (weights[0] + (weights[1] - weights[0]) * near) * (1 + shading * np.clip(slope, -0.95, 1.3))
        weight = np.where(y < skyline - 0.35 * weight, np.maximum(weight, 0.16), 0)
        light = glint(x, near, slope) if glint else np.zeros_like(x)
        strand(dark, y * sheet.u, weight * (1 - light) * sheet.u)
        strand(lit, y * sheet.u, weight * light * sheet.u)
        skyline = np.minimum(skyline, y)
    return Drawn(dark, lit, skyline)


def glitter(seed: int, centre: float, narrow: float, wide: float, patch: float = 5.0) -> Glint:
    """A path of light under a sun or moon at `centre`: broken at its sides, wider towards the viewer."""
    grain = rng(seed, 5).uniform(-1, 1, (64, 512))

    def glint(x: Field, near: float, slope: Field) -> Field:
        reach = narrow + (wide - narrow) * near**0.7
        at = (x - centre) / (patch * near**0.6 + 0.9) + 20000
        flicker = np.interp(at % 511, np.arange(512), grain[int(near * 9973) % 64])
        presence = np.exp(-(((x - centre) / reach) ** 2)) + 0.27 * flicker - 0.10 * slope
        return smoothstep(0.47, 0.55, presence.astype(np.float32))

    return glint


def upper(sheet: Sheet, edge: float) -> Field:
    """A mask of everything above a level line."""
    x, y = sheet.grid()
    return np.clip((edge - y) * sheet.u + 0.5, 0, 1) + 0 * x


def fronts(sheet: Sheet, phase: Field, pitch: float, weight: Field) -> Field:
    """Wave crests: a line wherever `phase` (mils travelled) is a multiple of `pitch`, `weight` of it inked."""
    turn, pixels = phase / pitch, pitch * sheet.u
    cover = (weight / 2 - np.abs(turn - np.round(turn))) * pixels + 0.5
    return np.clip(cover, 0, np.clip(weight * pixels, 0, 1))
