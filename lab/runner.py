"""Takes loads, rungs and points in turn, and writes down each measurement as it is made.

Every rung's server is started once a round, and stands still (SIGSTOP) while others are measured, so that under each
load the rungs follow one another within seconds: whatever the machine does meanwhile is done to all of them alike.
Their order turns from round to round.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from lab import loads, machine
from lab.bench import Bench, around, ours
from lab.rungs import QUICK, RUNGS, Rung

ROUNDS, QUICK_ROUNDS = 3, 1
SITE_SECONDS = 25.0
POINT_SECONDS = 150.0  # what takes longer has failed, and the rung is asked for no higher point
START_SECONDS = 4.0  # of a server, for the budget
USUAL_SECONDS = 5.0  # of a point that nobody has measured yet


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
    round: int
    load: str
    rung: str


@dataclass(frozen=True)
class Plan:
    names: Sequence[str]
    quick: bool = False
    only_rungs: Sequence[str] = ()
    only_points: Sequence[int] = ()

    @property
    def rounds(self) -> int:
        return QUICK_ROUNDS if self.quick else ROUNDS

    def visits(self, number: int) -> Iterator[Visit]:
        """Of one round. Loads that want a server which knows nothing yet come first."""
        for name in sorted(self.names, key=lambda name: not _is_fresh(name)):
            rungs = self.rungs_of(name)
            first = number % len(rungs) if rungs else 0
            for rung in rungs[first:] + rungs[:first]:
                yield Visit(number, name, rung)

    def rungs_of(self, name: str) -> list[str]:
        load = loads.find(name)
        short = [rung for rung in QUICK if self.quick and rung in load.RUNGS]
        wanted = self.only_rungs or short or RUNGS
        return [
            rung
            for rung in load.RUNGS
            if rung in RUNGS and load.NEEDS in RUNGS[rung].offers and rung in wanted
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
            point * getattr(load := loads.find(name), "SOCKETS", load.NEEDS == "sockets")
            for name in self.names
            for rung in self.rungs_of(name)
            for point in self.points_of(name, rung)
        ]
        return max(counted, default=0) or 100

    def budget(self, lasted: Mapping[tuple[str, str, int], float] | None = None) -> float:
        """About how many seconds it takes, where `lasted` is how long a load took on a rung at a point."""
        known = lasted or {}
        visits = [visit for number in range(self.rounds) for visit in self.visits(number)]
        starts = {(visit.round, server_of(visit.load, visit.rung)) for visit in visits}
        points = sum(
            known.get((visit.load, visit.rung, point), USUAL_SECONDS)
            for visit in visits
            for point in self.points_of(visit.load, visit.rung)
        )
        return SITE_SECONDS + START_SECONDS * len(starts) + points


def run(
    plan: Plan, folder: Path, say: Callable[[str], None] = print, database: str = "postgres"
) -> list[Row]:
    """Every row as it is written to `folder`."""
    machine.demand(plan.sockets)
    (folder / "machine.json").write_text(
        json.dumps({**machine.describe(), "quick": plan.quick, "loads": list(plan.names)}, indent=2) + "\n"
    )
    rows: list[Row] = []
    begun = time.monotonic()
    with around(database) as (site, generator), open(folder / "rows.jsonl", "w") as file:
        shared: dict[str, Any] = {}
        for number in range(plan.rounds):
            with Fleet(lambda rung: Bench(site, generator, rung, shared)) as fleet:
                for visit in plan.visits(number):
                    for row in _visit(plan, fleet, visit):
                        rows.append(row)
                        file.write(row.as_json() + "\n")
                        file.flush()
                        say(f"{time.monotonic() - begun:6.0f} s  {_shown(row)}")
    return rows


class Fleet:
    """The servers of a round: one runs, the others stand still."""

    def __init__(self, new_bench: Callable[[Rung], Bench]) -> None:
        self._new_bench = new_bench
        self._benches: dict[str, Bench] = {}

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *fault: object) -> None:
        for name in list(self._benches):
            self.end(name)

    def end(self, name: str) -> None:
        if bench := self._benches.pop(name, None):
            bench.stop()

    @contextmanager
    def running(self, load: str, rung: str) -> Iterator[Bench]:
        name = server_of(load, rung)
        if _is_fresh(load):
            self.end(name)
        if name in self._benches:
            self._benches[name].resume()
        else:
            self._benches[name] = self._started(load, rung)
        try:
            yield self._benches[name]
        finally:
            if name in self._benches:
                self._benches[name].pause()

    def _started(self, load: str, rung: str) -> Bench:
        environment = {**RUNGS[rung].environment, **environment_of(load)}
        bench = self._new_bench(replace(RUNGS[rung], environment=environment))
        try:
            bench.start()
        except BaseException:
            bench.stop()
            raise
        return bench


def server_of(load: str, rung: str) -> str:
    """Loads that add the same to a rung's environment share its server."""
    return f"{rung} {json.dumps(environment_of(load), sort_keys=True)}"


def environment_of(name: str) -> Mapping[str, str]:
    """What a load adds to that of each rung."""
    return getattr(loads.find(name), "ENVIRONMENT", {})


def _visit(plan: Plan, fleet: Fleet, visit: Visit) -> Iterator[Row]:
    number, name, rung = visit
    try:
        with fleet.running(name, rung) as bench:
            foreign = machine.Foreign(ours(bench.site))
            for position, point in enumerate(plan.points_of(name, rung)):
                row = _measure(bench, name, point, number, foreign, prepare=not position)
                yield row
                if row.failed:  # it may be in any state: the next load has a new one
                    fleet.end(server_of(name, rung))
                    return
            asyncio.run(bench.rest())
    except (RuntimeError, OSError) as fault:
        fleet.end(server_of(name, rung))  # one that could not be paused would run beside all others
        yield Row(name, rung, 0, number, failed=_why(fault))


def _is_fresh(name: str) -> bool:
    return bool(getattr(loads.find(name), "FRESH", False))


def _measure(
    bench: Bench, name: str, point: int, number: int, foreign: machine.Foreign, *, prepare: bool
) -> Row:
    load = loads.find(name)

    async def work() -> dict[str, float]:
        async with asyncio.timeout(POINT_SECONDS):
            await bench.rest()
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
