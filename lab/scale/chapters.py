"""What docs/scale.md shows between its markers, each from the rows of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from lab.runner import Row
from lab.scale import site, storm
from lab.scale.fitting import predict
from lab.scale.rows import Fitted, medians
from lab.scale.storm import Floats, Seen, Servers

SEED = 7
CROWDS = (10_000, 100_000, 1_000_000)
DATABASES = (20_000, 50_000, 200_000)  # queries a second
ORDERS = (10, 100, 1000)  # a second

type Rows = Sequence[Row]


def costs(fitted: Fitted, rows: Rows) -> str:
    lines = [
        ("CPU of an event, in each process that hears of it", f"{fitted.cpu['process'] * 1e6:,.0f} µs"),
        ("CPU of an event, for each socket that it goes to", f"{fitted.cpu['delivery'] * 1e6:,.1f} µs"),
        ("CPU of a signed-in socket that comes back", f"{fitted.handshake * 1e6:,.0f} µs"),
        ("CPU of a socket that stays", f"{fitted.staying * 1e6:,.1f} µs a second"),
        ("CPU of a process with nobody there", f"{fitted.alone:.1%} of a core"),
        ("memory of a process", f"{fitted.memory['process']:,.0f} MiB"),
        ("memory of a socket, signed in, with a stream of its own", f"{fitted.signed_in * 1024:,.1f} KiB"),
        ("an event on its way through Valkey", f"{site.hint_bytes()} bytes"),
    ]
    return _table(("what", "costs"), lines)


def check(fitted: Fitted, rows: Rows) -> str:
    lines = []
    for point in fitted.cpu_points:
        count, sockets = point.amounts["process"], point.amounts["delivery"]
        said = predict(fitted.cpu, point.amounts)
        lines.append((f"{count:g}", f"{sockets:,.0f}", f"{point.value * 1e3:,.2f}", f"{said * 1e3:,.2f}"))
    table = _table(("processes", "sockets", "ms of CPU an event, measured", "by the model"), lines)
    unseen = [
        f"- {name}: the model says {abs(error):.0%} {'more' if error > 0 else 'less'} than was measured"
        for name, error in fitted.checked.items()
    ]
    return "\n".join([table, "", "What it was not fitted to:", "", *(unseen or ["- nothing was measured"])])


def sizes(fitted: Fitted, rows: Rows) -> str:
    lines = []
    for demand in site.DEMANDS:
        load = f"{demand.sockets:,} sockets, {demand.events:,g} events/s, each to {demand.fan_out:,g}"
        try:
            lines.append((load, *_needs(site.needs(demand, fitted))))
        except site.OneChannelIsNotEnough:
            lines.append((load, "one channel is not enough", *[""] * 6))
    head = ("", "processes", "cores", "memory", "out of Valkey", "heartbeats/s", "queries/s", "rows read/s")
    return f"{_table(head, lines)}\n\n{_limit(site.most_events(fitted))}"


def _limit(events: float) -> str:
    if math.isinf(events):
        return "To hear of an event costs a process less than can be told from the noise of these points."
    return f"More than {events:,.0f} events a second fill a process by being heard of, whoever they are for."


def _needs(needs: site.Needs) -> tuple[str, ...]:
    return (
        f"{needs.processes:,}",
        f"{needs.cores:,.2f}",
        f"{needs.memory_gib:,.2f} GiB",
        f"{needs.valkey_out:,.2f} MB/s",
        f"{needs.frames:,.0f}",
        f"{needs.queries:,.0f}",
        f"{needs.rows:,.0f}",
    )


def returns(fitted: Fitted, rows: Rows, crowds: Sequence[int] = CROWDS) -> str:
    """As fast as the processes can, with a database that is never in the way."""
    lines = []
    for crowd in crowds:
        processes = max(2, crowd // site.PER_PROCESS)
        for name, seen, serving in _cases(crowd, processes, 1 / fitted.handshake):
            peak = seen.peak(serving)
            lines.append(
                (
                    f"{crowd:,} on {processes}",
                    name,
                    f"{len(seen.back):,}",
                    *_when(seen),
                    f"{peak:,.0f}",
                    f"{peak * serving * storm.QUERIES:,.0f}",
                    f"{seen.refused:,}",
                    f"{seen.given_up:,}",
                )
            )
    head = ("sockets", "", "come back", "half by", "all by", "handshakes/s each", "queries/s")
    return _table((*head, "told to come later", "gave up"), lines)


def _cases(crowd: int, processes: int, rate: float) -> Iterator[tuple[str, Seen, int]]:
    """What happens, what came of it, and how many processes they came back to."""
    leaving, some, others = storm.told_to_leave, crowd // processes, processes - 1
    yield "one process leaves, all to one other", _play(leaving, some, Servers(1, rate)), 1
    yield "one process leaves, to all others", _play(leaving, some, Servers(others, rate)), others
    yield "all processes leave at once", _play(leaving, crowd, Servers(processes, rate)), processes
    yield "the network drops everybody", _play(storm.dropped, crowd, Servers(processes, rate)), processes


def database(fitted: Fitted, rows: Rows, crowd: int = CROWDS[-1]) -> str:
    """The last of these, with a database that answers only so much."""
    processes, lines = crowd // site.PER_PROCESS, []
    for answers in DATABASES:
        fits = int(answers * storm.PATIENCE_S / storm.QUERIES / processes)
        for greetings in sorted({storm.GREETINGS, min(storm.GREETINGS, fits // 2)}, reverse=True):
            servers = Servers(processes, 1 / fitted.handshake, answers, greetings=greetings)
            seen = _play(storm.dropped, crowd, servers)
            refused, given_up = f"{seen.refused:,}", f"{seen.given_up:,}"
            lines.append((f"{answers:,}", f"{greetings:,}", *_when(seen), refused, given_up))
    head = ("queries/s it answers", "may wait in each process", "half by", "all by", "told to come later")
    return _table((*head, "gave up"), lines)


def _when(seen: Seen) -> tuple[str, str]:
    half = f"{seen.share(50):,.1f} s" if seen.missing < len(seen.back) / 2 else "never"
    return half, f"never: {seen.missing:,} are out" if seen.missing else f"{seen.last:,.1f} s"


def _play(come: Callable[[int, np.random.Generator], Floats], clients: int, servers: Servers) -> Seen:
    random = np.random.default_rng(SEED)
    tried = 0 if come is storm.told_to_leave else 1
    return storm.come_back(come(clients, random), servers, random, tried=tried)


def orders(fitted: Fitted, rows: Rows) -> str:
    found = medians(rows)
    cost = next((figures for (load, _), figures in found.items() if load == "order-cost"), None)
    if cost is None:
        return "The rows have no `order-cost`: run `python3 manage.py lab --only order-cost`."
    rates = [
        figures.get("orders_per_core", 0.0) for (load, _), figures in found.items() if load == "checkout"
    ]
    best = max(rates, default=0.0)
    lines = [
        (
            f"{rate:,}",
            f"{rate * cost['django_ms'] / 1000:,.2f}",
            f"{rate / best:,.2f}" if best else "not measured",
            f"{rate * cost['postgres_ms'] / 1000:,.2f}",
            f"{rate * cost['queries']:,.0f}",
            f"{rate * cost['wal_kib'] / 1024:,.1f} MB/s",
        )
        for rate in ORDERS
    ]
    head = ("orders/s", "cores of Django, the order", "with the request around it", "cores of PostgreSQL")
    return _table((*head, "queries/s", "write-ahead log"), lines)


CHAPTERS: dict[str, Callable[[Fitted, Rows], str]] = {
    "costs": costs,
    "check": check,
    "sizes": sizes,
    "returns": returns,
    "database": database,
    "orders": orders,
}


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---", *(["---:"] * (len(head) - 1))]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *lines))
