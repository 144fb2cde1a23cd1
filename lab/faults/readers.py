"""Two hundred clients among a thousand that subscribe and never read again.

    python -m lab.faults.readers [--door channels|tornado] [--database postgres|sqlite] [--small] [--sockets N]

First a fifth of the clients read as the others do, which gives the others' p99; then that fifth falls silent, while
events of two kilobytes go on. Each may make the server grow by 256 KiB at most, all must be gone within 45 s, and the
others' p99 may get no more than a fifth worse. `unread_kib_each` is what the kernel holds for each beside that.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

import psutil

from lab.faults.harness import Case, main
from lab.faults.site import Server, Site

BOUNDS = {"lost": 0, "disordered": 0, "growth_kib_each": 256.0, "gone_s": 45.0, "others_p99_ratio": 1.2}
BALLAST = 1800
SPARE_FDS = 16  # connections to the database that come and go


class Size(NamedTuple):
    sockets: int
    seconds: float  # of the base line
    silent_seconds: float
    every: float
    stall: float


FULL = Size(1000, 20.0, 60.0, 0.05, 30.0)
SMALL = Size(50, 1.5, 15.0, 0.02, 0.5)


def run(site: Site, size: Size) -> Iterator[Case]:
    server = site.sockets()
    base = _everybody_reads(site, server, size)
    yield Case("all read", {"p50_ms": base["p50_ms"], "p99_ms": base["p99_ms"]}, control=True)
    server.process.call("set_limits", stall=size.stall)
    yield _a_fifth_never_reads(site, server, size, base["p99_ms"])
    server.process.call("set_limits")


def _everybody_reads(site: Site, server: Server, size: Size) -> dict[str, float]:
    stream, events = site.stream(), int(size.seconds / size.every)
    site.crowd.call("open", size.sockets, [server.port], [stream])
    site.say(stream, events, every=size.every, size=BALLAST).result(size.seconds + 60)
    seen = site.report({stream: events}, within=30)
    site.crowd.call("close")
    return seen


def _a_fifth_never_reads(site: Site, server: Server, size: Size, base_p99: float) -> Case:
    stream, events = site.stream(), int(size.silent_seconds / size.every)
    deaf = size.sockets // 5
    site.crowd.call("open", size.sockets - deaf, [server.port], [stream])
    files = psutil.Process(server.process.pid).num_fds()
    site.crowd.call("open", deaf, [server.port], [stream], deaf=True)
    writing = site.say(stream, events, every=size.every, size=BALLAST)
    growth, unread, gone = _watch(server, writing, files)
    seen = site.report({stream: events}, within=30)
    site.crowd.call("close")
    figures = {
        "deaf": deaf,
        "delivered": seen["delivered"],
        "lost": seen["lost"],
        "disordered": seen["counts"].get("disordered", 0),
        "growth_kib_each": growth / deaf / 1024,
        "unread_kib_each": unread / deaf / 1024,
        "gone_s": gone,
        "others_p50_ms": seen["p50_ms"],
        "others_p99_ms": seen["p99_ms"],
        "others_p99_ratio": seen["p99_ms"] / base_p99,
    }
    return Case(f"{deaf} of {size.sockets} never read", figures)


def _watch(server: Server, writing: Future[None], files: int) -> tuple[int, int, float]:
    """The most the process grew by and the most the kernel held, in bytes; and when the silent ones were gone."""
    process, begun = psutil.Process(server.process.pid), time.monotonic()
    before = process.memory_info().rss
    growth, unread, gone = 0, 0, float("inf")
    while not writing.done():
        growth = max(growth, process.memory_info().rss - before)
        unread = max(unread, _unread_bytes(server.port))
        if gone == float("inf") and process.num_fds() <= files + SPARE_FDS // 4:
            gone = time.monotonic() - begun
        time.sleep(0.2)
    writing.result()
    return growth, unread, gone


def _unread_bytes(port: int) -> int:
    """What the kernel keeps for clients of this port that have not taken it."""
    mark, total = f":{port:04X}", 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(mark):
            total += int(fields[4].partition(":")[0], 16)
    return total


if __name__ == "__main__":
    main("readers")
