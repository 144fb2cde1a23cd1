"""What the loads that read over HTTP share: so many connections ask, each again as soon as it was answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.loads import Figure
from lab.wire.http import request

if TYPE_CHECKING:
    from lab.bench import Bench

POINTS, QUICK_POINTS = (1, 16, 256), (16,)
FIGURES = {
    "per_core": Figure("answers per second of server CPU"),
    "p99_ms": Figure("answered after, 99th percentile, ms", "less"),
}
TORNADO = ("tornado", "tornado-tuned")
BY_HAND = "daphne-asyncpg"  # lab/by_hand.py
# Neither the shop's own memory of answers nor the Tornado server's.
FROM_DATABASE = {"API_RENDERED_BYTES": "0", "LAB_CACHE_SECONDS": "0"}
READING_SECONDS, WARMS_WITHIN = 1.5, 30.0


async def read(bench: Bench, paths: Sequence[str], connections: int) -> dict[str, float]:
    """Raises RuntimeError where an answer is not what was asked for."""
    port = bench.server.port
    asked = [request(path, f"127.0.0.1:{port}") for path in paths]
    # Each path once, so that what is kept is there.
    await bench.load("closed", port, asked, min(connections, len(asked)), WARMS_WITHIN, most=len(asked))
    before = bench.cpu_seconds()
    seen = await bench.load("closed", port, asked, connections, READING_SECONDS)
    spent = bench.cpu_seconds() - before
    if seen["errors"]:
        raise RuntimeError(
            f"{seen['errors']} of {seen['requests']} answers were refusals: {seen['statuses']}"
        )
    return {
        "per_core": seen["requests"] / spent,
        **{name: seen[name] for name in ("per_second", "p50_ms", "p99_ms", "max_ms", "load_busy")},
        "bytes": seen["bytes"] / seen["requests"],
    }
