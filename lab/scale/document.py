"""docs/scale.md, and the places in it that the command fills."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lab.faults.remote import ROOT
from lab.measured import Measured
from lab.scale.chapters import CHAPTERS
from lab.scale.rows import fitted

DOCUMENT = ROOT / "docs" / "scale.md"
PLACE = re.compile(r"(<!-- scale:(?P<name>\w+) -->\n).*?(<!-- /scale:(?P=name) -->)", re.DOTALL)


def written(measured: Mapping[str, Measured]) -> dict[str, str]:
    """Each chapter by its name. Raises NothingMeasured."""
    rows = [row for each in measured.values() for row in each.rows]
    model = fitted(rows)
    return {name: chapter(model, rows) for name, chapter in CHAPTERS.items()}


def filled(text: str, chapters: Mapping[str, str]) -> str:
    """Each place with its chapter. A place without one, or the other way round, is a mistake."""
    places = {match["name"] for match in PLACE.finditer(text)}
    if places != chapters.keys():
        raise ValueError(f"places and chapters differ: {sorted(places ^ chapters.keys())}")
    return PLACE.sub(lambda match: f"{match[1]}{chapters[match['name']]}\n{match[3]}", text)
