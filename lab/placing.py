"""What the load `order-cost` asks of the process that writes."""

from __future__ import annotations

import time

from django.db import connection

from lab.faults.sales import sell


def place(orders: int, variant: int) -> dict[str, float]:
    """So many orders, one after another, and what they took of this process and of the database's own log."""
    queries = 0

    def count(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        nonlocal queries
        queries += 1
        return execute(sql, params, many, context)

    written, begun, cpu = _written(), time.monotonic(), time.thread_time()
    with connection.execute_wrapper(count):
        sell(orders, variant)
    wall, cpu = time.monotonic() - begun, time.thread_time() - cpu
    return {"wall": wall, "cpu": cpu, "wal": _written() - written, "queries": float(queries)}


def _written() -> float:
    """Bytes of the write-ahead log so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")
        return float(cursor.fetchone()[0])
