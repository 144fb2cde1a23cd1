"""What the model is fitted to: rows of `manage.py lab`, as medians over their rounds."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.loads.processes import SOCKETS
from lab.report import MAIN
from lab.runner import Row
from lab.scale.fitting import Costs, Measured, error, fit

LEFT_OUT = 10_000  # sockets of the fan-out that the model is checked against, and never fitted to
MIB = 1024.0

type Medians = dict[tuple[str, int], dict[str, float]]


class NothingMeasured(Exception):
    """Which load has to run first."""


@dataclass(frozen=True)
class Fitted:
    """Costs in CPU seconds and MiB, and how far the model is from the points it was not fitted to."""

    cpu: Costs  # of an event: for each process that hears of it, and for each delivery
    memory: Costs  # for each process, and what the first one had before
    signed_in: float  # for each signed-in socket, which has a stream of its own
    handshake: float  # CPU seconds of one, in a storm
    staying: float  # cores, for each socket
    alone: float  # cores, for each process
    cpu_points: list[Measured]  # what the first of these was fitted to
    checked: Mapping[str, float]  # a point's name: its error, as a share


def medians(rows: Sequence[Row], rung: str = MAIN) -> Medians:
    """By load and point, of what did not fail."""
    found: dict[tuple[str, int], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.rung == rung:
            for name, value in row.figures.items():
                found[row.load, row.point][name].append(value)
    return {
        key: {name: statistics.median(values) for name, values in figures.items()}
        for key, figures in found.items()
    }


def fitted(rows: Sequence[Row]) -> Fitted:
    found = medians(rows)
    _, stays = max(_points(found, "staying").items())
    alone = stays["busy_alone"]
    fan_out = {
        sockets: _cpu_of_an_event(1, sockets, figures, alone)
        for sockets, figures in _points(found, "fan-out", 2).items()
    }
    processes = _points(found, "processes", 2)
    cpu_points = [_cpu_of_an_event(count, SOCKETS, each, alone) for count, each in processes.items()]
    cpu_points += [point for sockets, point in fan_out.items() if sockets != LEFT_OUT]
    cpu = fit(cpu_points)
    memory = fit([_memory(count, figures) for count, figures in processes.items()])
    _, came = max(_points(found, "signed-in").items())
    unseen = [point for sockets, point in fan_out.items() if sockets == LEFT_OUT]
    checked = {f"CPU of an event to {LEFT_OUT:,}": error(cpu, point) for point in unseen}
    return Fitted(
        cpu=cpu,
        memory=memory,
        signed_in=came["kib_per_socket"] / MIB,
        handshake=1 / came["back_per_core"],
        staying=max(0.0, stays["us_per_socket"]) / 1e6,
        alone=alone,
        cpu_points=cpu_points,
        checked=checked,
    )


def _points(found: Medians, name: str, least: int = 1) -> dict[int, dict[str, float]]:
    points = {point: figures for (load, point), figures in found.items() if load == name}
    if len(points) < least:
        raise NothingMeasured(f"{name} has too few points: run `python3 manage.py lab --only {name}`.")
    return points


def _cpu_of_an_event(processes: int, sockets: int, figures: Mapping[str, float], alone: float) -> Measured:
    """In all processes together, less what they do anyway in the time from one event to the next."""
    if "event_ms" not in figures:
        raise NothingMeasured("Rows of fan-out or processes are older than the model: measure them again.")
    spent = sockets / figures["deliveries_per_core"]
    anyway = processes * alone * figures["event_ms"] / 1000
    return Measured({"process": processes, "delivery": sockets}, max(spent - anyway, spent / 100))


def _memory(processes: int, figures: Mapping[str, float]) -> Measured:
    """With as many sockets in all, however many there are. The first has served other loads, and kept what it got."""
    return Measured({"process": processes, "before": 1}, figures["memory_mib"])
