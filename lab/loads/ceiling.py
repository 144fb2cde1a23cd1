"""The load against a server that does next to nothing: where the load itself ends, nothing beyond can be measured.

Per second of the load's own CPU: what it could do if the server took no time at all. What the two of them did by the
clock stands beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.loads import Figure
from lab.loads.fan_out import fan_out
from lab.wire.http import request

if TYPE_CHECKING:
    from lab.bench import Bench

TITLE = "The load's own ceiling, against bare uvloop"
UNIT = "connections"
NEEDS = "sockets"
RUNGS = ("bare-uvloop",)
POINTS = (1000, 5000)
QUICK_POINTS = (1000,)
FIGURES = {
    "requests_per_load_core": Figure("answers per second of the load's CPU, from 64 connections"),
    "deliveries_per_load_core": Figure("deliveries per second of the load's CPU"),
    "handshakes_per_load_core": Figure("handshakes per second of the load's CPU"),
}
HTTP_CONNECTIONS, HTTP_SECONDS, EVENTS = 64, 2.0, 10


async def measure(bench: Bench, point: int) -> dict[str, float]:
    stream = await bench.stream()
    asked = await bench.load(
        "closed", bench.server.port, [request("/livez")], min(HTTP_CONNECTIONS, point), HTTP_SECONDS
    )
    came = await bench.load("open", bench.ports, point, streams=[stream])
    seen = await fan_out(bench, stream, EVENTS, point)
    await bench.load("close")
    return {
        "requests_per_load_core": asked["requests"] / (asked["load_busy"] * asked["seconds"]),
        "deliveries_per_load_core": seen["deliveries"] / seen["load_cpu"],
        "handshakes_per_load_core": point / (came["load_busy"] * came["seconds"]),
        "requests_per_s": asked["per_second"],
        "request_errors": asked["errors"],
        "deliveries_per_s": point / seen["last_p50_ms"] * 1000,
        "handshakes_per_s": point / came["seconds"],
        "missing": seen["missing"],
    }
