"""So many apps ask at once how their payment stands, which asks a provider that takes half a second.

On Django the operation that the shop has, with its session, its order, its locks and its rows; on Tornado the same, and
once on Django as an asynchronous view that awaits what Tornado's handler does (lab/by_hand.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.loads import Figure
from lab.reading import BY_HAND, TORNADO
from lab.wire.http import request

if TYPE_CHECKING:
    from lab.bench import Bench

TITLE = "Waiting for a slow upstream"
UNIT = "waiting at once"
NEEDS = "api"
RUNGS = (*TORNADO, "wsgi-threads", "daphne-serve", BY_HAND)
POINTS = (100, 1000, 2000)
QUICK_POINTS = (100,)
LATENCY_MS = 500
FIGURES = {
    "wall_s": Figure("all have their answer after, s", "less"),
    "cpu_ms": Figure("server CPU for each, ms", "less"),
    "p99_ms": Figure("answered after, 99th percentile, ms", "less"),
}
MOST = {"wsgi-threads": 100}  # it has 32 threads: a thousand would wait for a minute
SOCKETS = 2  # one to the server, and one from there to the provider
ORDERS = 2000


async def prepare(bench: Bench) -> None:
    bench.kept["orders"] = await bench.write("lab.selling.waiting_orders", ORDERS)
    await bench.load("provider_takes", LATENCY_MS)


async def measure(bench: Bench, point: int) -> dict[str, float]:
    port = bench.server.port
    orders = "/lab/orders" if bench.rung.name == BY_HAND else "/api/v1/orders"
    asked = [request(f"{orders}/{order}/payment/", f"127.0.0.1:{port}") for order in bench.kept["orders"]]
    await bench.load(
        "closed", port, asked, 4, 0.1
    )  # the first ones connect to what the later ones find connected
    before = bench.cpu_seconds()
    seen = await bench.load("closed", port, asked, point, 60.0, most=point)
    spent = bench.cpu_seconds() - before
    if seen["errors"]:
        raise RuntimeError(
            f"{seen['errors']} of {seen['requests']} answers were refusals: {seen['statuses']}"
        )
    return {
        "wall_s": seen["seconds"],
        "cpu_ms": 1000 * spent / seen["requests"],
        **{name: seen[name] for name in ("p50_ms", "p99_ms", "max_ms", "load_busy")},
        "memory_mib": bench.memory() / 2**20,
    }
