"""What is held of the database: connections by a process, a lock by somebody in the way."""

from __future__ import annotations

import gc
import sqlite3
import time

from django.db import connection, transaction
from django.db.models import F

from shop.inventory.models import Stock

MOMENT = "1 second"


def connections() -> int:
    """How many this process has in hand just now: out of its pool, or open."""
    if connection.vendor == "postgresql":
        stats = connection.pool.get_stats()  # type: ignore[attr-defined]
        return stats["pool_size"] - stats["pool_available"]
    return sum(_is_open(each) for each in gc.get_objects() if isinstance(each, sqlite3.Connection))


def _is_open(each: sqlite3.Connection) -> bool:
    try:
        return each.total_changes >= 0
    except sqlite3.ProgrammingError:
        return False


def open_transactions() -> int:
    """That nobody works in, of any process: whoever asked for them is gone."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND state LIKE 'idle in transaction%%' AND state_change < now() - %s::interval",
                [MOMENT],
            )
            (count,) = cursor.fetchone()
        else:
            cursor.execute("BEGIN IMMEDIATE")  # waits, and in the end fails, while somebody writes
            cursor.execute("ROLLBACK")
            count = 0
    connection.close()
    return count


def lock_stock(variant_id: int, seconds: float) -> None:
    """So long nobody else takes of it."""
    with transaction.atomic():
        Stock.objects.filter(variant_id=variant_id).update(reserved=F("reserved"))
        time.sleep(seconds)
    connection.close()
