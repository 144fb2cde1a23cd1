"""What HTTP costs here, way by way: `python -m lab.front [--seconds S] [--rounds N] [--connections N] [--only WAY,WAY]`

One process each, on a processor of its own, asked by connections that ask again as soon as they were answered; the
ways take turns. A figure is answers per second of the server's processor, the median of the rounds with its range,
and beside it the median latency. `stock` is Django's own handler with nothing ahead of it; the Tornado beside it
serves the same rows and bytes (lab/servers/tornado_shop). `unkept` reads them for each answer, as does `by-hand`, in
asynchronous views (lab/by_hand.py).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections import defaultdict
from typing import Any

from lab import bench, machine
from lab.bench import Bench, Server
from lab.rungs import RUNGS, Rung
from lab.wire.http import request

UNLIMITED = {"API_LIMITS": "read=100000000/60"}
OFF = {"AHEAD_OF_DJANGO": "off", "LEAN_HANDLER": "off", "LEAN_HTTP": "off"}
TORNADO = ("-m", "lab.servers.tornado_shop", "--port", "{port}")


def _shop(name: str, server: str = "daphne-serve", **environment: str) -> Rung:
    return Rung(name, name, "django", RUNGS[server].command, frozenset({"http"}), UNLIMITED | environment)


def _tornado(name: str, *options: str, kept: int = 0) -> Rung:
    """With public answers kept for so many seconds."""
    environment = UNLIMITED | {"LAB_CACHE_SECONDS": str(kept)}
    return Rung(name, name, "tornado", (*TORNADO, *options), frozenset({"http"}), environment)


WAYS = {
    rung.name: rung
    for rung in (
        _shop("stock", **OFF),
        _shop("lean", AHEAD_OF_DJANGO="off"),
        _shop("ahead-plain", LEAN_HTTP="off"),
        _shop("ahead"),
        _shop("stock-unkept", API_RENDERED_BYTES="0", **OFF),
        _shop("lean-unkept", API_RENDERED_BYTES="0"),
        _shop("by-hand", DJANGO_SETTINGS_MODULE="lab.by_hand_settings"),
        _shop("by-hand-stock", DJANGO_SETTINGS_MODULE="lab.by_hand_settings", **OFF),
        _shop("by-hand-uvicorn", "uvicorn", DJANGO_SETTINGS_MODULE="lab.by_hand_settings"),
        _shop("by-hand-granian", "granian", DJANGO_SETTINGS_MODULE="lab.by_hand_settings"),
        _tornado("tornado"),
        _tornado("tornado-kept", kept=60),
        _tornado("tornado-kept-tuned", "--tuned", kept=60),
    )
}
PATHS = {
    "list": "/api/v1/products/",
    "psycopg": "/lab/read/psycopg/",
    "asyncpg": "/lab/read/asyncpg/",
    "product": "/api/v1/products/print-1/",
    "home": "/",
    "page": "/products/print-1/",
    "cart": "/cart/",
    "poll": "/api/v1/events/?stream=product:print-1&wait=0",
    "livez": "/livez",
    "readyz": "/readyz",
}
BY_HAND = {"psycopg", "asyncpg"}  # lab/by_hand.py
IN_TORNADO = {"list", "product", "livez", "readyz"}


async def measure(at: Bench, server: Server, path: str, seconds: float, connections: int) -> dict[str, float]:
    asked = [request(path, f"127.0.0.1:{server.port}")]
    await at.load("closed", server.port, asked, connections, 60.0, most=2 * connections)
    cpu = server.cpu_seconds()
    told = await at.load("closed", server.port, asked, connections, seconds)
    used = server.cpu_seconds() - cpu
    assert not told["errors"], told
    return {"per_core": told["requests"] / used, "p50_ms": told["p50_ms"]}


async def run(options: argparse.Namespace) -> None:
    found: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    with bench.around(options.database) as (site, generator):
        for number in range(24):
            site.product(stock=100 + number)
        for _ in range(options.rounds):
            for name in options.only:
                at = Bench(site, generator, WAYS[name], {})
                at.servers.append(server := Server(site, WAYS[name]))
                try:
                    server.wait_until_ready()
                    for what in options.paths:
                        if not _offers(name, what):
                            continue
                        figures = await measure(at, server, PATHS[what], options.seconds, options.connections)
                        found[what, name].append(figures)
                finally:
                    at.stop()
    _show(found)


def _offers(name: str, what: str) -> bool:
    if "by-hand" in name:
        return what in BY_HAND
    return what in IN_TORNADO if "tornado" in name else what not in BY_HAND


def _show(found: dict[tuple[str, str], list[dict[str, float]]]) -> None:
    print(f"{machine.describe()['processor']}")
    print("| read of | way | answers/s/core | p50 ms |\n| --- | --- | ---: | ---: |")
    for (what, name), rounds in sorted(found.items(), key=lambda one: [*PATHS].index(one[0][0])):
        core = [figures["per_core"] for figures in rounds]
        p50 = statistics.median(figures["p50_ms"] for figures in rounds)
        print(
            f"| {what} | {name} | {statistics.median(core):,.0f} ({min(core):,.0f}–{max(core):,.0f}) | {p50:.1f} |"
        )


def main() -> None:
    options = argparse.ArgumentParser(
        prog="python -m lab.front", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    options.add_argument("--database", choices=["postgres", "sqlite"], default="postgres")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--connections", type=int, default=64)
    options.add_argument("--only", type=_names(WAYS), default=[*WAYS], metavar="WAY,WAY")
    options.add_argument("--paths", type=_names(PATHS), default=[*PATHS], metavar="NAME,NAME")
    asyncio.run(run(options.parse_args()))


def _names(known: dict[str, Any]) -> Any:
    def read(text: str) -> list[str]:
        if unknown := set(text.split(",")) - known.keys():
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not one of {', '.join(known)}")
        return text.split(",")

    return read


if __name__ == "__main__":
    main()
