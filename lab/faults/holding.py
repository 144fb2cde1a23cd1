"""What is held of the database: connections by a process, a lock by somebody in the way."""

from __future__ import annotations

import time

import psutil
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from shop.inventory.models import Stock

MOMENT = "1 second"


def connections() -> int:
    """How many this process has in hand just now: out of its pool, or open on the file."""
    if connection.vendor == "postgresql":
        stats = connection.pool.get_stats()  # type: ignore[attr-defined]
        return stats["pool_size"] - stats["pool_available"]
    name = str(settings.DATABASES["default"]["NAME"])
    return sum(file.path == name for file in psutil.Process().open_files())


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
