"""The load against a server that does next to nothing: where the load itself ends, nothing beyond can be measured.

All figures are by the clock, as the load sees them, and `load_busy` says how full its processor was.
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
POINTS = (100, 1000, 5000)
QUICK_POINTS = (1000,)
FIGURES = {
    "requests_per_s": Figure("answers per second, from 64 connections"),
    "deliveries_per_s": Figure("deliveries per second"),
    "handshakes_per_s": Figure("handshakes per second"),
}
HTTP_CONNECTIONS, HTTP_SECONDS, EVENTS = 64, 2.0, 10
SECONDS = 6.0


async def measure(bench: Bench, point: int) -> dict[str, float]:
    stream = await bench.stream()
    asked = await bench.load(
        "closed", bench.server.port, [request("/livez")], min(HTTP_CONNECTIONS, point), HTTP_SECONDS
    )
    came = await bench.load("open", bench.ports, point, streams=[stream])
    seen = await fan_out(bench, stream, EVENTS, point)
    await bench.load("close")
    return {
        "requests_per_s": asked["per_second"],
        "request_errors": asked["errors"],
        "deliveries_per_s": point / seen["last_p50_ms"] * 1000,
        "handshakes_per_s": point / came["seconds"],
        "missing": seen["missing"],
        "load_busy": max(asked["load_busy"], came["load_busy"]),
    }
