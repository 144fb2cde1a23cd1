"""What all runs share: options, the figures in a table and as a line of JSON, and the bounds they are held to.

A run is a module with BOUNDS, FULL and SMALL sizes, and `run(site, size)`, which yields cases. A bound is the most
that a figure of that name may be, in each case that is no control. A whole number is a count, and holds always; a
fraction is a measure (seconds, milliseconds, KiB): in the small form, which runs beside other work, it may be SLACK
times as much.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import resource
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from lab.faults.site import Site

SLACK = 5
SOCKETS = ("block", "valkey", "jitter", "readers", "storm", "deploy", "relay", "clock")
SALES = ("checkout", "hangup", "database", "disk", "webhooks")  # the same whichever door the sockets have
RUNS = (*SOCKETS, *SALES)
SPARE_FILES = 400  # of a process, beside its sockets


class Case(NamedTuple):
    """A control shows what happens without our guard, so no bound holds for it."""

    name: str
    figures: Mapping[str, float]
    control: bool = False


class Run(Protocol):
    __doc__: str
    BOUNDS: Mapping[str, float]
    FULL: Any
    SMALL: Any

    def run(self, site: Site, size: Any) -> Iterator[Case]: ...


@dataclass(frozen=True)
class Result:
    name: str
    form: str
    site: Site
    bounds: Mapping[str, float]
    cases: list[Case]
    seconds: float

    @property
    def broken(self) -> list[str]:
        measured = {name for case in self.cases if not case.control for name in case.figures}
        return [f"nothing measured {name}" for name in self.bounds if name not in measured] + [
            f"{case.name}: {name} is {case.figures[name]:g}, at most {most:g}"
            for case in self.cases
            if not case.control
            for name, most in self.bounds.items()
            if name in case.figures and not case.figures[name] <= most
        ]

    def as_json(self) -> str:
        return json.dumps(
            {
                "run": self.name,
                "form": self.form,
                "door": self.site.door,
                "database": self.site.database,
                "cases": {
                    case.name: {**_rounded(case.figures), "control": case.control} for case in self.cases
                },
                "bounds": dict(self.bounds),
                "broken": self.broken,
                "seconds": round(self.seconds, 1),
                "python": platform.python_version(),
            }
        )

    def as_table(self) -> str:
        title = (
            f"\n{self.name}: {self.form} form, {self.site.door}, {self.site.database}, {self.seconds:.0f} s"
        )
        lines = [title]
        for case in self.cases:
            lines.append(f"  {case.name}{' (control)' if case.control else ''}")
            for name, value in case.figures.items():
                bound = "" if case.control or name not in self.bounds else self._judge(name, value)
                lines.append(f"    {name:<24}{_shown(value):>14}  {bound}".rstrip())
        return "\n".join([*lines, *(f"  BROKEN {fault}" for fault in self.broken)])

    def _judge(self, name: str, value: float) -> str:
        return f"{'' if value <= self.bounds[name] else 'NOT '}at most {self.bounds[name]:g}"


def main(name: str | None = None) -> None:
    """Runs one (from the run's own module) or those named on the command line."""
    options = _options(name)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended on the way out
    names = [name] if name else options.runs
    runs: list[tuple[str, Run]] = [(each, _module(each)) for each in names]
    sizes = [_size(run, options) for _, run in runs]
    allow_files(max(size.sockets for size in sizes))
    with Site(options.door, options.database) as site:
        results = [
            _play(each, run, size, site, options) for (each, run), size in zip(runs, sizes, strict=True)
        ]
    sys.exit(any(result.broken for result in results))


def _play(name: str, run: Run, size: Any, site: Site, options: argparse.Namespace) -> Result:
    begun, cases = time.monotonic(), []
    for case in run.run(site, size):
        cases.append(case)
        print(f"{name}: {case.name}, after {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    slack = SLACK if options.small else 1
    bounds = {name: most if isinstance(most, int) else most * slack for name, most in run.BOUNDS.items()}
    result = Result(name, "small" if options.small else "full", site, bounds, cases, time.monotonic() - begun)
    if not options.small:
        site.fresh()
    print(result.as_table(), file=sys.stderr, flush=True)
    print(result.as_json(), flush=True)
    return result


def _options(name: str | None) -> argparse.Namespace:
    doc = _module(name).__doc__ if name else __doc__
    raw = argparse.RawDescriptionHelpFormatter
    options = argparse.ArgumentParser(
        prog=f"python -m lab.faults{f'.{name}' if name else ''}", description=doc, formatter_class=raw
    )
    if name is None:
        options.add_argument("runs", nargs="*", default=RUNS, metavar="RUN", help=f"of {', '.join(RUNS)}")
    options.add_argument("--door", choices=["channels", "tornado"], default="channels")
    options.add_argument("--database", choices=["postgres", "sqlite"], default="postgres")
    options.add_argument("--small", action="store_true", help="seconds, and a hundred sockets or fewer")
    options.add_argument("--sockets", type=int, help="instead of the form's own number")
    given = options.parse_args()
    if unknown := set(getattr(given, "runs", ())) - set(RUNS):
        options.error(f"no such run: {', '.join(sorted(unknown))}; there are {', '.join(RUNS)}")
    if given.database == "sqlite" and "database" in (name, *(() if name else given.runs)):
        if name or given.runs is not RUNS:
            options.error("SQLite has no server that could be stopped")
        given.runs = [each for each in RUNS if each != "database"]
    return given


def _size(run: Run, options: argparse.Namespace) -> Any:
    size = run.SMALL if options.small else run.FULL
    return size._replace(sockets=options.sockets) if options.sockets else size


def _module(name: str) -> Any:
    return importlib.import_module(f"lab.faults.{name}")


def allow_files(sockets: int, fewer: str = "--sockets N") -> None:
    """The server and the crowd each hold all the sockets, and some twice while they come back."""
    needed = int(sockets * 1.3) + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        sys.exit(
            f"{sockets} sockets need {needed} open files a process; this shell allows {hard}. "
            f"Allow more (ulimit -n {needed}, or in /etc/security/limits.conf), or use fewer: {fewer}."
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in figures.items()}


def _shown(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
