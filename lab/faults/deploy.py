"""Five deployments in a row, of the pages and of the sockets, while everybody stays on.

    python -m lab.faults.deploy [--door channels|tornado] [--database postgres|sqlite] [--small] [--sockets N]

Where sockets have a process of their own, restarting the pages' process may drop none of them. Restarting the sockets'
own process, in place, with nothing that answers meanwhile: each client must hear a bye before the close, 95 % must be
back within 10 s, and nothing may be lost.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

from lab.faults.harness import Case, main
from lab.faults.site import Server, Site

BOUNDS = {"lost": 0, "disordered": 0, "resets": 0, "dropped": 0, "without_bye": 0, "back_p95_s": 10.0}
EVERY = 0.1
WITHIN = 60.0


class Size(NamedTuple):
    sockets: int
    restarts: int
    rest: float  # seconds between two restarts


FULL = Size(1000, 5, 3.0)
SMALL = Size(50, 1, 0.2)


def run(site: Site, size: Size) -> Iterator[Case]:
    sockets = site.sockets()
    with site.server("serve") as web:
        yield _restart(site, sockets, web, size)
    yield _restart(site, sockets, sockets, size)


def _restart(site: Site, sockets: Server, restarted: Server, size: Size) -> Case:
    crowd, stream = site.crowd, site.stream()
    crowd.call("open", size.sockets, [sockets.port], [stream])
    said = 0
    for _ in range(size.restarts):
        writing = site.writer.start("say_until_told", stream, first=said + 1, every=EVERY)
        time.sleep(size.rest)
        assert restarted.process.end() == 0
        restarted.start_again()
        crowd.call("wait_open", WITHIN, within=WITHIN + 30)
        time.sleep(size.rest)
        site.writer.call("enough")
        said += writing.result(30)
    seen = site.report({stream: said}, within=30)
    crowd.call("close")
    counts = seen["counts"]
    figures = {
        "restarts": size.restarts,
        "wanted": size.sockets * said,
        "delivered": seen["delivered"],
        "lost": seen["lost"],
        "disordered": counts.get("disordered", 0),
        "resets": counts.get("resets", 0),
    }
    if restarted is sockets:
        byes = counts.get("bye 4001", 0)
        figures |= {"byes": byes, "without_bye": size.restarts * size.sockets - byes}
        figures |= {name: seen[name] for name in ("back_p95_s", "back_max_s")}
    else:
        figures["dropped"] = counts.get("dropped", 0) + sum(
            n for name, n in counts.items() if name.startswith("bye")
        )
    return Case("sockets restarted" if restarted is sockets else "pages restarted", figures)


if __name__ == "__main__":
    main("deploy")
