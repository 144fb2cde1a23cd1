"""Whoever numbers the events of shared streams is killed with -9, at each point where that could matter.

    python -m lab.faults.relay [--door channels|tornado] [--database postgres|sqlite] [--small] [--sockets N]

After it read what waits, after it wrote the events, before it commits, after the commit but before it told anybody,
and right after it told the channel layer: first the process of `manage.py relay`, then the server that holds the
sockets, which relays as well. Each of them dies in the middle of steady writing and is started again. Nothing may be
lost, doubled or out of order.
"""

import subprocess
from collections.abc import Iterator
from typing import NamedTuple

from lab.faults.harness import Case, main
from lab.faults.site import Server, Site

POINTS = ("after select", "after insert", "before commit", "before send", "after send")
BOUNDS = {"lost": 0, "disordered": 0, "doubled": 0, "resets": 0, "not_killed": 0}
EVERY = 0.02
DIES_WITHIN = 60.0


class Size(NamedTuple):
    sockets: int
    times: int
    relay: tuple[str, ...]
    server: tuple[str, ...]


FULL = Size(200, 5, POINTS, POINTS)
SMALL = Size(20, 1, ("before send", "after select", "before commit"), ("after insert", "after send"))


def run(site: Site, size: Size) -> Iterator[Case]:
    sockets = site.sockets()
    with site.server("relay") as relay:
        for point in size.relay:
            yield _die(site, sockets, relay, point, size)
    for point in size.server:
        yield _die(site, sockets, sockets, point, size)


def _die(site: Site, sockets: Server, victim: Server, point: str, size: Size) -> Case:
    crowd, stream, said, killed = site.crowd, site.stream(), 0, 0
    crowd.call("open", size.sockets, [sockets.port], [stream])
    for _ in range(size.times):
        writing = site.writer.start("say_until_told", stream, first=said + 1, every=EVERY)
        victim.process.call("dying.die_at", point)
        try:
            killed += victim.process.wait(DIES_WITHIN) == -9
        except subprocess.TimeoutExpired:
            victim.process.kill()
        victim.start_again()
        crowd.call("wait_open", 60.0)
        site.writer.call("enough")
        said += writing.result(30)
    seen = site.report({stream: said}, within=30)
    crowd.call("close")
    counts = seen["counts"]
    figures = {
        "killed": killed,
        "not_killed": size.times - killed,
        "wanted": size.sockets * said,
        "delivered": seen["delivered"],
        "lost": seen["lost"],
        "doubled": max(0, seen["delivered"] - size.sockets * said),
        "disordered": counts.get("disordered", 0),
        "resets": counts.get("resets", 0),
    }
    return Case(f"{victim.command} dies {point}", figures)


if __name__ == "__main__":
    main("relay")
