"""Counting the shelves: many variants at once, each difference a movement like any other."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import batched
from typing import TYPE_CHECKING

from django.db import transaction

from shop.errors import ShopError
from shop.inventory.announcing import announce
from shop.inventory.models import Stock, StockMovement

if TYPE_CHECKING:
    from accounts.models import User

BATCH = 500


class BelowReserved(ShopError):
    """`details["reserved"]` maps the id of each variant to how many belong to orders."""

    code = "below_reserved"
    message = "Fewer would be left than are already reserved for orders."


@transaction.atomic
def count_stock(counts: Mapping[int, int], *, reference: str = "", actor: User | None = None) -> int:
    """Makes what is on hand what was counted. Returns how many had been counted otherwise. Raises BelowReserved."""
    ids = sorted(counts)
    missing = set(ids)
    differing: list[Stock] = []
    for start in range(0, len(ids), BATCH):
        # In the order of ids, as every other taker of these locks.
        batch = Stock.objects.select_for_update().filter(variant__in=ids[start : start + BATCH])
        for stock in batch.order_by("variant_id"):
            missing.discard(stock.variant_id)
            if stock.on_hand != counts[stock.variant_id]:
                differing.append(stock)
    if short := {
        stock.variant_id: stock.reserved
        for stock in differing
        if counts[stock.variant_id] + stock.backorder_limit < stock.reserved
    }:
        raise BelowReserved(reserved=short)
    new = [Stock(variant_id=pk, on_hand=counts[pk]) for pk in sorted(missing)]
    movements = [_movement(stock.variant_id, stock.on_hand, "received", reference, actor) for stock in new]
    differences = {stock.variant_id: counts[stock.variant_id] - stock.on_hand for stock in differing}
    for stock in differing:
        stock.on_hand = counts[stock.variant_id]
        movements.append(
            _movement(stock.variant_id, differences[stock.variant_id], "adjusted", reference, actor)
        )
    Stock.objects.bulk_create(new, batch_size=BATCH)
    Stock.objects.bulk_update(differing, ["on_hand"], batch_size=BATCH)
    StockMovement.objects.bulk_create((one for one in movements if one.quantity), batch_size=BATCH)
    for changes in batched(differences.items(), BATCH):
        announce(dict(changes))
    return len(differing)


def _movement(
    variant_id: int, quantity: int, reason: str, reference: str, actor: User | None
) -> StockMovement:
    return StockMovement(
        variant_id=variant_id, quantity=quantity, reason=reason, reference=reference, actor=actor
    )
