"""What one order costs where nobody waits for anybody: a cart, the order in its transaction, an attempt to pay.

Placed by one writer, one after another, without a page in between: so Django's part is the domain's own, and what
PostgreSQL spends on it is counted in its processes. docs/scale.md multiplies both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from lab import machine
from lab.loads import Figure

if TYPE_CHECKING:
    from lab.bench import Bench

TITLE = "What an order costs"
UNIT = "orders"
NEEDS = "http"
RUNGS = ("daphne-serve",)
POINTS = (100,)
QUICK_POINTS = (50,)
FIGURES = {
    "django_ms": Figure("ms of CPU an order, Django", "less", log=False),
    "postgres_ms": Figure("ms of CPU an order, PostgreSQL", "less", log=False),
}
WARM = 20


async def measure(bench: Bench, point: int) -> dict[str, float]:
    _, variant = bench.site.product(stock=point + WARM)
    await bench.write("lab.placing.place", WARM, variant)
    postgres = psutil.Process(bench.site.postgres.get_pid())
    before = machine.cpu_seconds(machine.tree(postgres))
    placed = await bench.write("lab.placing.place", point, variant)
    spent = machine.cpu_seconds(machine.tree(postgres)) - before
    return {
        "django_ms": placed["cpu"] / point * 1000,
        "postgres_ms": spent / point * 1000,
        "wall_ms": placed["wall"] / point * 1000,
        "wal_kib": placed["wal"] / point / 1024,
        "queries": placed["queries"] / point,
    }
