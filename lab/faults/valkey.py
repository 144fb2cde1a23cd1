"""The broker between processes dies: it comes back empty after a second, and then it stays away for two minutes.

    python -m lab.faults.valkey [--door channels|tornado] [--database postgres|sqlite] [--small] [--sockets N]

A thousand sockets follow products that another process writes about, so that every event comes by the broker.
Killed with -9 and started empty, it may cost no event, and all must have caught up within 10 s. While it is away,
delivery goes on by reading the log, with a p99 of two seconds at most; cache and sessions are away with it, and buyers
must not notice.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

from lab.faults import aftermath
from lab.faults.harness import Case, main
from lab.faults.shoppers import Shopper
from lab.faults.site import Server, Site

BOUNDS = {
    "lost": 0,
    "disordered": 0,
    "dropped": 0,
    "caught_up_s": 10.0,
    "p99_ms": 2000.0,
    "checkout_failures": 0,
    **aftermath.BOOKS,
}


class Size(NamedTuple):
    sockets: int
    seconds: float
    absent: float
    every: float


FULL = Size(1000, 30.0, 120.0, 0.1)
SMALL = Size(60, 2.5, 3.0, 0.05)


def run(site: Site, size: Size) -> Iterator[Case]:
    sockets = site.sockets()
    yield _killed_and_empty(site, sockets, size)
    with site.web(sockets) as web:
        yield _absent(site, sockets, web, size)


def _killed_and_empty(site: Site, server: Server, size: Size) -> Case:
    stream, events = _follow(site, server, size, size.seconds)
    writing = site.say(stream, events, every=size.every)
    time.sleep(size.seconds / 4)
    killed = time.monotonic()
    site.valkey.terminate()
    time.sleep(1)
    site.restart_valkey()
    back = time.monotonic()
    writing.result(size.seconds + 60)
    seen = site.report({stream: events}, within=30)
    late = site.crowd.call("lateness", killed, back)
    site.crowd.call("close")
    figures = {**_delivery(seen), "caught_up_s": late["after_max_ms"] / 1000}
    return Case("killed, and empty a second later", figures)


def _absent(site: Site, server: Server, web: Server, size: Size) -> Case:
    stream, events = _follow(site, server, size, size.absent)
    since = site.writer.call("sales.last_order")
    site.valkey.terminate()
    time.sleep(1)
    try:
        with Shopper(web.url, *site.product(stock=100_000)) as shopper:
            begun = time.monotonic()
            site.say(stream, events, every=size.every).result(size.absent + 120)
        seen = site.report({stream: events}, within=30, since=begun)
    finally:
        site.restart_valkey()
        site.crowd.call("close")
    figures = {**_delivery(seen), "p50_ms": seen["p50_ms"], "p99_ms": seen["p99_ms"], **shopper.figures()}
    figures |= aftermath.books(site, web, since)
    return Case(f"absent for {size.absent:g} s", figures)


def _follow(site: Site, server: Server, size: Size, seconds: float) -> tuple[str, int]:
    stream = site.stream()
    site.crowd.call("open", size.sockets, [server.port], [stream])
    return stream, int(seconds / size.every)


def _delivery(seen: dict) -> dict[str, float]:
    counts = seen["counts"]
    wanted = {name: counts.get(name, 0) for name in ("disordered", "dropped")}
    return {"delivered": seen["delivered"], "lost": seen["lost"], **wanted}


if __name__ == "__main__":
    main("valkey")
