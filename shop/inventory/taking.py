"""How stock is taken. The setting STOCK_TAKING names the function, so that others can be measured beside it."""

from django.db.models import F

from shop.inventory.models import Stock


def guarded(variant_id: int, quantity: int) -> bool:
    """One conditional update: the database decides, so no two buyers get the last one. False when too few are left."""
    enough = Stock.objects.filter(variant_id=variant_id, on_hand__gte=F("reserved") + quantity)
    return bool(enough.update(reserved=F("reserved") + quantity))
