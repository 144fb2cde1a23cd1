"""What was measured, read again: the rows of each load from the newest run that has it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from lab import loads
from lab.faults.remote import ROOT
from lab.loads import Load
from lab.rungs import RUNGS
from lab.runner import Row

RESULTS = ROOT / "lab" / "results"


class Run(NamedTuple):
    machine: Mapping[str, Any]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Measured:
    """The rows of one load, from one run."""

    name: str
    machine: Mapping[str, Any]
    rows: Sequence[Row]

    @property
    def load(self) -> Load:
        return loads.find(self.name)

    @property
    def rungs(self) -> list[str]:
        """In the order of RUNGS, those that measured anything."""
        return [name for name in RUNGS if any(row.rung == name and row.figures for row in self.rows)]

    def points(self, rung: str) -> list[int]:
        return sorted({row.point for row in self.rows if row.rung == rung and row.figures})

    def values(self, rung: str, point: int, figure: str) -> dict[int, float]:
        """By round."""
        return {
            row.round: row.figures[figure]
            for row in self.rows
            if row.rung == rung and row.point == point and figure in row.figures
        }

    def ratio(self, rung: str, other: str, point: int, figure: str) -> float | None:
        """The median over rounds of what was measured one after the other."""
        mine, theirs = self.values(rung, point, figure), self.values(other, point, figure)
        pairs = [mine[number] / theirs[number] for number in mine if theirs.get(number)]
        return statistics.median(pairs) if pairs else None


def read(folder: Path) -> Run:
    lines = (folder / "rows.jsonl").read_text().splitlines()
    return Run(
        json.loads((folder / "machine.json").read_text()), [Row(**json.loads(line)) for line in lines if line]
    )


def newest(folders: Sequence[Path]) -> dict[str, Measured]:
    """Of each load the last run that has it, in the order given."""
    found: dict[str, Measured] = {}
    for folder in folders:
        run = read(folder)
        for name in loads.names():
            if rows := [row for row in run.rows if row.load == name]:
                found[name] = Measured(name, run.machine, rows)
    return found


def lasted(all_: Mapping[str, Measured]) -> dict[tuple[str, str, int], float]:
    """How many seconds each load took on a rung at a point, the median of its rounds."""
    seconds: dict[tuple[str, str, int], list[float]] = {}
    for what in all_.values():
        for row in what.rows:
            seconds.setdefault((row.load, row.rung, row.point), []).append(row.seconds)
    return {key: statistics.median(took) for key, took in seconds.items()}


def full_runs() -> list[Path]:
    """Oldest first: a second one of a day has a higher number."""
    folders = [path.parent for path in RESULTS.glob("*/rows.jsonl") if "-quick" not in path.parent.name]
    return sorted(folders, key=lambda path: (path.name[:10], len(path.name), path.name))
