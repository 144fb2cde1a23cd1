"""The shop's art prints: every picture is generated here, by slug, at any size, always the same.

Each series module has `PRINTS`, slug -> function of the long edge in pixels. A series is imported when first
asked for, so that a web process which only reads the masters never loads numpy.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

SERIES = ("swell", "storm", "isobars", "soundings", "lights", "knots", "flags", "harbour")
MASTERS = Path(__file__).parent / "masters"


def series(name: str) -> "dict[str, Callable[[int], Image.Image]]":
    """The prints of one series by slug, in its own order."""
    return import_module(f"{__name__}.{name}").PRINTS


@cache
def homes() -> dict[str, str]:
    """Which series each slug belongs to, in the order of the series."""
    return {slug: name for name in SERIES for slug in series(name)}


def slugs() -> list[str]:
    return list(homes())


def render(slug: str, long_edge: int) -> "Image.Image":
    """The print, RGB, its longer side exactly `long_edge` pixels."""
    named = next((name for name in SERIES if slug.startswith(f"{name}-")), None)
    return series(named or homes()[slug])[slug](long_edge)


def master(slug: str) -> Path:
    """The committed picture of a print, 2400 pixels along its longer side."""
    return MASTERS / f"{slug}.webp"
