"""Takes loads, rungs and points in turn, and writes down each measurement as it is made.

Rounds are the outer loop and rungs the inner one, so that whatever the machine does meanwhile is done to all rungs
alike; the order of rungs turns from round to round. A short run has one start of a server for all its loads.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lab import loads, machine
from lab.bench import Bench, around, ours
from lab.loads import Load
from lab.rungs import RUNGS, Rung

ROUNDS, QUICK_ROUNDS = 3, 1
POINT_SECONDS = 150.0  # what takes longer has failed, and the rung is asked for no higher point
START_SECONDS = 4.0  # of a server, for the budget
USUAL_SECONDS = 2.5  # of a point


@dataclass(frozen=True)
class Row:
    load: str
    rung: str
    point: int
    round: int
    figures: dict[str, float] = field(default_factory=dict)
    foreign: float = 0.0  # cores that went to processes of others meanwhile
    noisy: bool = False
    seconds: float = 0.0
    failed: str = ""

    def as_json(self) -> str:
        return json.dumps(asdict(self))


class Visit(NamedTuple):
    """One start of a rung's server, and the loads that it is measured under."""

    rung: Rung
    loads: tuple[str, ...]
    round: int


@dataclass(frozen=True)
class Plan:
    names: Sequence[str]
    quick: bool = False
    only_rungs: Sequence[str] = ()
    only_points: Sequence[int] = ()

    def visits(self) -> Iterator[Visit]:
        if self.quick:
            for number in range(QUICK_ROUNDS):
                yield from self._turn(self.names, number)
        else:
            for name in self.names:
                for number in range(getattr(loads.find(name), "ROUNDS", ROUNDS)):
                    yield from self._turn([name], number)

    def _turn(self, names: Sequence[str], number: int) -> Iterator[Visit]:
        rungs = [rung for rung in RUNGS if any(rung in self.rungs_of(name) for name in names)]
        turned = rungs[number % len(rungs) :] + rungs[: number % len(rungs)] if rungs else []
        for rung in turned:
            yield Visit(RUNGS[rung], tuple(n for n in names if rung in self.rungs_of(n)), number)

    def rungs_of(self, name: str) -> list[str]:
        load = loads.find(name)
        return [
            rung
            for rung in load.RUNGS
            if rung in RUNGS
            and load.NEEDS in RUNGS[rung].offers
            and (not self.only_rungs or rung in self.only_rungs)
        ]

    def points_of(self, name: str, rung: str) -> list[int]:
        load = loads.find(name)
        most = getattr(load, "MOST", {}).get(rung, float("inf"))
        points = self.only_points or (load.QUICK_POINTS if self.quick else load.POINTS)
        return [point for point in points if point <= most]

    @property
    def sockets(self) -> int:
        """The most that any point opens at once."""
        counted = [
            point
            for name in self.names
            if loads.find(name).NEEDS == "sockets"
            for rung in self.rungs_of(name)
            for point in self.points_of(name, rung)
        ]
        return max(counted, default=100)

    def budget(self) -> float:
        """About how many seconds it takes."""
        return sum(
            START_SECONDS
            + sum(
                getattr(loads.find(name), "SECONDS", USUAL_SECONDS)
                * len(self.points_of(name, visit.rung.name))
                for name in visit.loads
            )
            for visit in self.visits()
        )


def run(
    plan: Plan, folder: Path, say: Callable[[str], None] = print, database: str = "postgres"
) -> list[Row]:
    """Every row as it is written to `folder`."""
    machine.demand(plan.sockets)
    (folder / "machine.json").write_text(
        json.dumps({**machine.describe(), "quick": plan.quick, "loads": list(plan.names)}, indent=2) + "\n"
    )
    rows: list[Row] = []
    shared: dict[str, Any] = {}
    begun = time.monotonic()
    with around(database) as (site, generator), open(folder / "rows.jsonl", "w") as file:
        for visit in plan.visits():
            bench = Bench(site, generator, visit.rung, shared)
            try:
                for row in _visit(plan, bench, visit):
                    rows.append(row)
                    file.write(row.as_json() + "\n")
                    file.flush()
                    say(f"{time.monotonic() - begun:6.0f} s  {_shown(row)}")
            finally:
                bench.stop()
    return rows


def _visit(plan: Plan, bench: Bench, visit: Visit) -> Iterator[Row]:
    foreign = machine.Foreign(ours(bench.site))
    try:
        bench.start()
    except (RuntimeError, OSError) as fault:
        for name in visit.loads:
            yield Row(name, visit.rung.name, 0, visit.round, failed=_why(fault))
        return
    for name in visit.loads:
        load = loads.find(name)
        for number, point in enumerate(plan.points_of(name, visit.rung.name)):
            row = _measure(bench, name, load, point, visit.round, foreign, prepare=not number)
            yield row
            if row.failed:
                break


def _measure(
    bench: Bench, name: str, load: Load, point: int, number: int, foreign: machine.Foreign, *, prepare: bool
) -> Row:
    async def work() -> dict[str, float]:
        async with asyncio.timeout(POINT_SECONDS):
            await bench.load("close")  # whoever an earlier point left behind
            await bench.settle()
            if prepare and hasattr(load, "prepare"):
                await load.prepare(bench)
            return await load.measure(bench, point)

    begun, figures, failed = time.monotonic(), {}, ""
    foreign.begin()
    try:
        figures = {key: _rounded(value) for key, value in asyncio.run(work()).items()}
    except Exception as fault:  # a rung that cannot do it is a finding, not the end of the run
        failed = _why(fault)
    cores = round(foreign.cores(), 3)
    seconds = round(time.monotonic() - begun, 2)
    noisy = cores > machine.NOISY_CORES
    return Row(name, bench.rung.name, point, number, figures, cores, noisy, seconds, failed)


def _why(fault: BaseException) -> str:
    return f"{type(fault).__name__}: {fault}"[:500]


def _rounded(value: float) -> float:
    """Four digits say what there is to say."""
    return float(f"{value:.4g}") if abs(value) < 10_000 else float(round(value))


def _shown(row: Row) -> str:
    figures = ", ".join(f"{name} {value:g}" for name, value in row.figures.items())
    noise = f"  (others took {row.foreign:.2f} of a core)" if row.noisy else ""
    return f"{row.load} {row.rung} {row.point} #{row.round + 1}: {row.failed or figures}{noise}"
