"""Three ways to take stock, of which the setting STOCK_TAKING names one; docs/stock.md measures them side by side.

Each runs within the caller's transaction and returns False, with nothing taken, where too few are left. On SQLite
one transaction writes at a time, which is all the lock that the latter two need.
"""

from django.db import connection
from django.db.models import F

from shop.inventory.models import Stock

ADVISORY_CLASS = 0x57 << 48  # which of PostgreSQL's advisory locks are about stock


def guarded(variant_id: int, quantity: int) -> bool:
    """One conditional update: the database decides, so no two buyers get the last one."""
    room = F("reserved") + quantity - F("backorder_limit")
    enough = Stock.objects.filter(variant_id=variant_id, on_hand__gte=room)
    return bool(enough.update(reserved=F("reserved") + quantity))


def row_lock(variant_id: int, quantity: int) -> bool:
    """Locks the row, looks, and writes."""
    stock = Stock.objects.select_for_update(no_key=True).filter(variant_id=variant_id).first()
    return _take(stock, quantity)


def advisory_lock(variant_id: int, quantity: int) -> bool:
    """Locks a number that stands for the variant until the transaction ends, looks, and writes.

    It holds only among those who ask for it: what staff do to the same row goes past it.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_CLASS | variant_id])
    return _take(Stock.objects.filter(variant_id=variant_id).first(), quantity)


def _take(stock: Stock | None, quantity: int) -> bool:
    if stock is None or stock.available < quantity:
        return False
    return bool(Stock.objects.filter(pk=stock.pk).update(reserved=F("reserved") + quantity))
