"""A bad network: each client is cut off again and again for two seconds, half of the time without a word.

    python -m lab.faults.jitter [--door channels|tornado] [--database postgres|sqlite] [--small] [--sockets N]

120 events at two a second while every client is cut off about every 15 seconds; then the same with five times the
clients. Every client must have every event once and in order, and what it missed within 1.5 s of knocking again.
"""

from collections.abc import Iterator
from typing import NamedTuple

from lab.faults.harness import Case, main
from lab.faults.site import Site

BOUNDS = {"lost": 0, "disordered": 0, "resets": 0, "replay_p99_s": 1.5}


class Size(NamedTuple):
    sockets: int
    crowds: tuple[int, ...]  # parts of `sockets`
    events: int
    every: float
    cut_every: float
    away: float


FULL = Size(5000, (5, 1), 120, 0.5, 15.0, 2.0)
SMALL = Size(100, (1,), 30, 0.1, 1.5, 0.4)


def run(site: Site, size: Size) -> Iterator[Case]:
    for part in size.crowds:
        yield _cut_again_and_again(site, site.sockets().port, size.sockets // part, size)


def _cut_again_and_again(site: Site, port: int, sockets: int, size: Size) -> Case:
    stream, crowd = site.stream(), site.crowd
    crowd.call("open", sockets, [port], [stream])
    crowd.call("jitter", size.cut_every, size.away)
    site.say(stream, size.events, every=size.every).result(size.events * size.every + 120)
    crowd.call("stop_jitter")
    seen = site.report({stream: size.events}, within=60)
    crowd.call("close")
    counts = seen["counts"]
    figures = {
        "wanted": sockets * size.events,
        "delivered": seen["delivered"],
        "lost": seen["lost"],
        "disordered": counts.get("disordered", 0),
        "duplicates": counts.get("duplicates", 0),
        "gaps": counts.get("gaps", 0),
        "resets": counts.get("resets", 0),
        "cuts": counts.get("cuts", 0),
        "replay_p99_s": seen["replay_p99_s"],
        "p50_ms": seen["p50_ms"],
    }
    return Case(f"{sockets} clients", figures)


if __name__ == "__main__":
    main("jitter")
