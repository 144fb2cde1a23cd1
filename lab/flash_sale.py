"""Five hundred buyers want thirty-seven prints over real HTTP, one seed after another.

    python -m lab.flash_sale [--database postgres|sqlite] [--small] [--seeds 20] [--buyers 500]

On PostgreSQL from three server processes with Valkey between them, on SQLite from one. Each seed draws anew who comes
when, how long everybody thinks, who gives up, clicks twice, hangs up, sends the form again, is declined or lets an
order go; what is left at the end finds its buyers (`lab.rush`). Afterwards exactly as many must be paid as there were,
nobody charged who has none by the payment provider's own books, and the shelf must add up; no buyer may have seen a
5xx or that the database is locked. The control, on PostgreSQL, takes stock as shops do that oversell: looked at first
and written after.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

from lab import rush
from lab.faults import aftermath
from lab.faults.harness import Case, Result, allow_files
from lab.faults.site import Server, Site

BOUNDS = {
    "oversold": 0,
    "unsold": 0,
    "server_errors": 0,
    "locked": 0,
    "faults": 0,
    "astray": 0,
    "complaints_in_logs": 0,
    **{
        name: most
        for name, most in aftermath.BOUNDS.items()
        if name
        not in ("half_orders", "leaked_reservations", "leaked_connections", "open_transactions", "settled_s")
    },
    "half_orders": 0,
    "leaked_reservations": 0,
}
COMPLAINTS = (rush.LOCKED, "Traceback", "PoolTimeout", "deadlock", "Internal Server Error")
STEPS = ("add", "place", "pay")


class Size(NamedTuple):
    buyers: int
    units: int
    seeds: int
    spread: float  # seconds in which they come
    thinks: float
    processes: int


FULL = Size(500, 37, 20, spread=10.0, thinks=3.0, processes=3)
SMALL = Size(40, 7, 1, spread=0.5, thinks=0.3, processes=2)
CONTROL = SMALL._replace(spread=0.0, thinks=0.0)  # as close together as they can be


def run(site: Site, size: Size) -> Iterator[Case]:
    with ExitStack() as stack:
        servers = [
            stack.enter_context(site.server("serve", RESERVATION_MINUTES="2")) for _ in range(size.processes)
        ]
        seconds: dict[str, list[float]] = defaultdict(list)
        for seed in range(1, size.seeds + 1):
            case, seen = _rush(site, servers, size, seed)
            for step, taken in seen.seconds.items():
                seconds[step] += taken
            yield case
        yield Case("all seeds", _times(seconds))
    if site.database == "postgres":
        with ExitStack() as stack:
            unguarded = {"STOCK_TAKING": "tests.checkout.unguarded.take"}
            servers = [
                stack.enter_context(site.server("serve", **unguarded)) for _ in range(CONTROL.processes)
            ]
            yield _rush(site, servers, CONTROL, 1)[0]._replace(name="without a guard", control=True)


def _rush(site: Site, servers: list[Server], size: Size, seed: int) -> tuple[Case, rush.Tally]:
    product, since = site.product(stock=size.units), site.writer.call("sales.last_order")
    read = [server.process.log.stat().st_size for server in servers]
    urls = [server.url for server in servers]
    seen = asyncio.run(rush.crowd(urls, product, size.buyers, size.units, seed, size.spread, size.thinks))
    after = aftermath.settle(site, servers[0], since)
    figures = {
        "buyers": size.buyers,
        "units": size.units,
        "oversold": max(0, int(after["paid"]) - size.units),
        "unsold": max(0, size.units - int(after["paid"])),
        "too_late": seen.outcomes["too late"],
        "gave_up": seen.outcomes["gave up"],
        "let_go": seen.outcomes["let go"],
        "requests": seen.statuses.total(),
        "server_errors": seen.server_errors,
        "locked": seen.locked,
        "faults": sum(count for name, count in seen.outcomes.items() if name.startswith("fault")),
        "astray": sum(count for name, count in seen.outcomes.items() if name.startswith("astray")),
        "complaints_in_logs": sum(map(_complaints, servers, read)),
        **after,
        "half_orders": len(site.writer.call("whole.half_orders", since)),
        "leaked_reservations": site.writer.call("whole.leaked_reservations"),
        **_times(seen.seconds),
    }
    for name, count in seen.outcomes.items():
        if name.startswith(("fault", "astray")):
            print(f"seed {seed}: {count} × {name}", file=sys.stderr, flush=True)
    return Case(f"seed {seed}", figures), seen


def _complaints(server: Server, read: int) -> int:
    with open(server.process.log, "rb") as log:
        log.seek(read)
        text = log.read().decode(errors="replace")
    return sum(text.count(words) for words in COMPLAINTS)


def _times(seconds: dict[str, list[float]]) -> dict[str, float]:
    """Milliseconds of the steps that a buyer waits for; seconds until all was sold, the slowest seed's."""
    figures: dict[str, float] = {}
    for step in STEPS:
        if taken := sorted(seconds.get(step, ())):
            figures[f"{step}_p50_ms"] = taken[len(taken) // 2] * 1000
            figures[f"{step}_p99_ms"] = taken[len(taken) * 99 // 100] * 1000
    if sold := seconds.get("all sold"):
        figures["all_sold_s"] = max(sold)
    return figures


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended on the way out
    size = SMALL if options.small else FULL
    size = size._replace(seeds=options.seeds or size.seeds, buyers=options.buyers or size.buyers)
    if options.database == "sqlite":
        size = size._replace(processes=1)
    allow_files(size.buyers * 2)
    with Site(database=options.database) as site:
        begun, cases = time.monotonic(), []
        for case in run(site, size):
            cases.append(case)
            print(f"{case.name} after {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        form = "small" if options.small else "full"
        result = Result("flash_sale", form, site, BOUNDS, cases, time.monotonic() - begun)
    print(result.as_table(), file=sys.stderr, flush=True)
    print(result.as_json(), flush=True)
    sys.exit(bool(result.broken))


def _options() -> argparse.Namespace:
    raw = argparse.RawDescriptionHelpFormatter
    options = argparse.ArgumentParser(
        prog="python -m lab.flash_sale", description=__doc__, formatter_class=raw
    )
    options.add_argument("--database", choices=["postgres", "sqlite"], default="postgres")
    options.add_argument("--small", action="store_true", help="forty buyers, seven prints, one seed")
    options.add_argument("--seeds", type=int)
    options.add_argument("--buyers", type=int)
    return options.parse_args()


if __name__ == "__main__":
    main()
