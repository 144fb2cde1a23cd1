"""A synchronous call that blocks the server's process for one and for five seconds, while 500 events flow.

    python -m lab.faults.block [--door channels|tornado] [--database postgres|sqlite] [--small]

Three ways to block: a synchronous `view` (which has a thread of its own), the `thread` that all callers of
sync_to_async share outside of a request, and the event `loop` itself. In each, ten devices of one user get 500 events
that the blocked process itself writes, and the other sockets follow a product that another process writes about.

Nothing may be lost, and nobody may hear of an event later than 100 ms after it was written; where the loop itself is
blocked, than 100 ms after it was free again.

The control, beside Channels, is the tutorial's consumer (`stock`) on the in-memory and the Redis layer: it does not
hear what exceeds the 100 messages that its channel keeps, and nobody is told.
"""

import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import NamedTuple

from lab.faults.harness import Case, main
from lab.faults.remote import Process
from lab.faults.site import SERVER_CPU, Server, Site
from lab.faults.stock import PATH
from tests.processes import free_port

BOUNDS = {"lost": 0, "disordered": 0, "late_ms": 100.0}
DEVICES = 10  # of one user: no more may have a socket
STEADY_EVERY = 0.2  # each comes from another process by a round trip of a millisecond to the layer


class Size(NamedTuple):
    sockets: int
    seconds: tuple[float, ...]
    events: int
    controls: tuple[tuple[str, str], ...]


FULL = Size(
    100, (1.0, 5.0), 500, tuple((layer, how) for layer in ("memory", "redis") for how in ("thread", "loop"))
)
SMALL = Size(30, (0.5,), 500, (("memory", "thread"),))


def run(site: Site, size: Size) -> Iterator[Case]:
    ways = ("view", "thread", "loop") if site.door == "channels" else ("thread", "loop")
    for seconds in size.seconds:
        for way in ways:
            yield _blocked(site, site.sockets(), size, way, seconds)
    for layer, way in size.controls if site.door == "channels" else ():
        yield _stock(site, size, layer, way, size.seconds[0])


def _blocked(site: Site, server: Server, size: Size, way: str, seconds: float) -> Case:
    steady, crowd = site.stream(), site.crowd
    [(user, session)] = site.writer.call("add_sessions", 1)
    burst = f"user:{user}"
    crowd.call("open", DEVICES, [server.port], [burst], cookie=f"sessionid={session}")
    crowd.call("open", size.sockets - DEVICES, [server.port], [steady])
    around = int((seconds + 1) / STEADY_EVERY)
    others = site.say(steady, around, every=STEADY_EVERY)
    writing = server.process.start("say", burst, size.events, every=1.2 * seconds / size.events)
    time.sleep(0.1 * seconds)
    begun, ended = (
        _sleep_in_view(server, seconds) if way == "view" else server.process.call("block", way, seconds)
    )
    writing.result(60)
    others.result(60)
    said = {burst: size.events, steady: around}
    seen = site.report(said, within=30)
    late = crowd.call("lateness", begun, ended)
    crowd.call("close")
    figures = {
        "wanted": DEVICES * size.events + (size.sockets - DEVICES) * around,
        "delivered": seen["delivered"],
        "lost": seen["lost"],
        "disordered": seen["counts"].get("disordered", 0),
        "late_ms": late["after_max_ms" if way == "loop" else "during_max_ms"],
    }
    return Case(f"{way} blocked for {seconds:g} s", figures)


def _sleep_in_view(server: Server, seconds: float) -> tuple[float, float]:
    begun = time.monotonic()
    with urllib.request.urlopen(f"{server.url}/lab/sleep/{seconds * 1000:.0f}/", timeout=60) as answer:
        assert answer.status == 200
    return begun, time.monotonic()


def _stock(site: Site, size: Size, layer: str, way: str, seconds: float) -> Case:
    port, log = free_port(), site.folder / f"stock-{layer}.log"
    arguments = [str(port), layer, site.redis_url]
    stock = Process("lab.faults.stock", *arguments, log=log, env=site.environment(""), cpu=SERVER_CPU)
    try:
        assert stock.call("ready")
        site.crowd.call("listen", DEVICES, port, PATH)
        blocking = threading.Thread(target=stock.call, args=("block", way, seconds))
        blocking.start()
        time.sleep(0.1 * seconds)
        stock.call("say", size.events, 0.8 * seconds / size.events, from_thread=way == "loop")
        blocking.join(60)
        heard = site.crowd.call("listened", DEVICES * size.events)
    finally:
        stock.kill()
        site.crowd.call("close")
    lost = DEVICES * size.events - heard
    percent = 100 * lost / (DEVICES * size.events)
    figures = {"wanted": DEVICES * size.events, "delivered": heard, "lost": lost, "lost_percent": percent}
    return Case(f"tutorial on the {layer} layer, {way} blocked for {seconds:g} s", figures, control=True)


if __name__ == "__main__":
    main("block")
