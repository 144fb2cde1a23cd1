"""The clock is stepped by ten minutes, forth and back, under whoever serves and under whoever writes.

    python -m lab.faults.clock [--door channels|tornado] [--database postgres|sqlite] [--small] [--sockets N]

After each step all clients are cut off for half a second as well, so that sessions and positions are looked at by the
new clock. Nothing may be lost or out of order, and no connection dropped by the step itself.

It covers every clock that Python code in that process asks for the time of day (time.time, datetime.now and their kin,
replaced by time-machine in the running process). The monotonic clock stands still in a step, here as in Linux. It does
not cover the clocks of PostgreSQL and Valkey, which order nothing here; Linux' time namespaces would not help, as they
move only the monotonic clocks.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

from lab.faults.harness import Case, main
from lab.faults.remote import Process
from lab.faults.site import Server, Site

BOUNDS = {"lost": 0, "disordered": 0, "resets": 0, "dropped": 0, "not_back": 0}
STEP = 600.0
EVERY = 0.02


class Size(NamedTuple):
    sockets: int
    seconds: float


FULL = Size(500, 30.0)
SMALL = Size(30, 0.9)


def run(site: Site, size: Size) -> Iterator[Case]:
    server = site.sockets()
    for name, process in (("server", server.process), ("writer", site.writer)):
        for step in (STEP, -STEP):
            yield _step(site, server, name, process, step, size)
            process.call("step_clock", -step)


def _step(site: Site, server: Server, name: str, process: Process, step: float, size: Size) -> Case:
    crowd, stream, events = site.crowd, site.stream(), int(size.seconds / EVERY)
    own = [(f"user:{pk}", f"sessionid={key}") for pk, key in site.writer.call("add_sessions", 10)]
    crowd.call("open", size.sockets, [server.port], [stream], own=own)
    writing = site.say(stream, events, every=EVERY)
    time.sleep(size.seconds / 3)
    process.call("step_clock", step)
    time.sleep(size.seconds / 3)
    dropped = crowd.call("report", {})["counts"].get("dropped", 0)
    crowd.call("cut", 0.5)
    writing.result(size.seconds + 60)
    crowd.call("wait_open", 20.0)
    seen = site.report({stream: events}, within=30)
    crowd.call("close")
    figures = {
        "wanted": size.sockets * events,
        "delivered": seen["delivered"],
        "lost": seen["lost"],
        "disordered": seen["counts"].get("disordered", 0),
        "resets": seen["counts"].get("resets", 0),
        "dropped": dropped,
        "not_back": size.sockets - seen["sockets"],
        "max_ms": seen["max_ms"],
    }
    return Case(f"the {name}'s clock {step / 60:+.0f} min", figures)


if __name__ == "__main__":
    main("clock")
