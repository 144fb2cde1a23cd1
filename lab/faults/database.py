"""PostgreSQL is stopped hard while people buy, and comes back.

    python -m lab.faults.database [--small] [--sockets N]

By `immediate` shutdown and by kill -9 of the postmaster, for seconds and for three quarters of a minute. Buyers may be
asked to come again, never shown a fault; an order that a buyer was promised must be there afterwards, paid by the
money that came for it; the pool must be good again within seconds of the database; what the payment provider could not
tell meanwhile it tells again, and it counts once; sockets that were open hear all that is said after.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

from lab.faults import aftermath
from lab.faults.harness import Case, main
from lab.faults.patient import Patients
from lab.faults.site import Server, Site

BOUNDS = aftermath.BOUNDS | {
    "other_faults": 0,
    "lost_orders": 0,
    "lost_to_sockets": 0,
    "selling_again_s": 10.0,
}
EVENTS = 20
SELLS_WITHIN = 60.0
WAYS = ("immediate", "kill")


class Stop(NamedTuple):
    way: str
    seconds: float


class Size(NamedTuple):
    sockets: int
    buyers: int
    stops: tuple[Stop, ...]
    before: float
    after: float


FULL = Size(100, 20, (*(Stop(way, 3.0) for way in WAYS * 3), Stop("immediate", 45.0)), 4.0, 12.0)
SMALL = Size(5, 3, (Stop("kill", 0.5),), 1.0, 0.0)


def run(site: Site, size: Size) -> Iterator[Case]:
    site.fresh()
    with site.server("serve") as shop:
        product, before = site.product(stock=100_000), aftermath.at_rest(shop, within=2.0)
        for stop in size.stops:
            yield _stop(site, shop, product, before, stop, size)


def _stop(site: Site, shop: Server, product: tuple[str, int], before: int, stop: Stop, size: Size) -> Case:
    stream, since = site.stream(), site.writer.call("sales.last_order")
    told_again = aftermath.messages(site, "attempts > 1")
    site.crowd.call("open", size.sockets, [shop.port], [stream])
    site.say(stream, EVENTS).result(30)
    with Patients(shop.url, *product, size.buyers) as buyers:
        time.sleep(size.before)
        site.stop_postgres(stop.way)
        time.sleep(stop.seconds)
        site.start_postgres()
        back = time.monotonic()
        again = buyers.promise_after(back, SELLS_WITHIN)
        time.sleep(size.after)
    site.say(stream, EVENTS, first=EVENTS + 1).result(30)
    seen = site.report({stream: 2 * EVENTS}, within=30)
    site.crowd.call("close")
    figures = {
        **buyers.figures(),
        "selling_again_s": again,
        "lost_to_sockets": seen["lost"],
        **aftermath.settle(site, shop, since),
        **aftermath.left(site, shop, since, before),
        "lost_orders": site.writer.call("whole.missing", list(buyers.promised)),
        "told_again": aftermath.messages(site, "attempts > 1") - told_again,
    }
    for fault, count in buyers.faults.items():
        print(f"  {count} times {fault}", file=sys.stderr)
    return Case(f"{stop.way}, away for {stop.seconds:g} s", figures)


if __name__ == "__main__":
    main("database")
