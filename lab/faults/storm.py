"""Ten thousand sockets are dropped in one moment, and all come back at once, while people buy.

    python -m lab.faults.storm [--door channels|tornado] [--database postgres|sqlite] [--small] [--sockets N]

They come as clients do that were told nothing: with full jitter from half a second on. One in ten is signed in and has
a stream of its own beside the public one. All must be back within 60 s with nothing lost, at the price of at most one
query of the log for each, and every checkout meanwhile must end in an order that is whole.
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
    "resets": 0,
    "not_back": 0,
    "back_max_s": 60.0,
    "log_queries_per_resume": 1.0,
    "checkout_failures": 0,
    **aftermath.BOOKS,
}
EVERY = 0.2
WITHIN = 120.0


class Size(NamedTuple):
    sockets: int
    seconds: float


FULL = Size(10_000, 30.0)
SMALL = Size(100, 4.0)


def run(site: Site, size: Size) -> Iterator[Case]:
    sockets = site.sockets()
    with site.web(sockets) as web:
        yield _drop_all(site, sockets, web, size)


def _drop_all(site: Site, server: Server, web: Server, size: Size) -> Case:
    crowd, stream, events = site.crowd, site.stream(), int(size.seconds / EVERY)
    users = site.writer.call("add_sessions", size.sockets // 10)
    own = [(f"user:{pk}", f"sessionid={key}") for pk, key in users]
    opened = crowd.call("open", size.sockets, [server.port], [stream], own=own, within=300)
    server.process.call("count_queries")
    since = site.writer.call("sales.last_order")
    with Shopper(web.url, *site.product(stock=100_000)) as shopper:
        writing = site.say(stream, events, every=EVERY)
        time.sleep(size.seconds / 20)
        before = server.process.call("counted_queries")
        crowd.call("cut")
        crowd.call("wait_open", WITHIN, within=WITHIN + 60)
        after = server.process.call("counted_queries")
        writing.result(size.seconds + WITHIN)
    said = {stream: events} | {name: 0 for name, _ in own}
    seen = site.report(said, within=60)
    crowd.call("close")
    counts, asked = seen["counts"], {name: after.get(name, 0) - before.get(name, 0) for name in after}
    figures = {
        "opened_s": opened,
        "wanted": size.sockets * events,
        "delivered": seen["delivered"],
        "lost": seen["lost"],
        "disordered": counts.get("disordered", 0),
        "resets": counts.get("resets", 0),
        "not_back": size.sockets - seen["sockets"],
        "back_p95_s": seen["back_p95_s"],
        "back_max_s": seen["back_max_s"],
        "replay_p99_s": seen["replay_p99_s"],
        "refused": sum(count for name, count in counts.items() if name.startswith("refused")),
        "log_queries_per_resume": asked.get("log", 0) / max(1, seen["returns"]),
        "queries_per_resume": (asked.get("log", 0) + asked.get("rights", 0)) / max(1, seen["returns"]),
        **shopper.figures(),
        **aftermath.books(site, web, since),
    }
    return Case(f"{size.sockets} dropped at once", figures)


if __name__ == "__main__":
    main("storm")
