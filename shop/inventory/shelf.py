"""What waits for stock, and what may leave: the shelf serves who reserved first."""

from __future__ import annotations

from collections.abc import Mapping

from shop.errors import ShopError
from shop.inventory.models import Reservation, Stock


class NotThereYet(ShopError):
    """`details["missing"]` maps each SKU to how many are still awaited."""

    code = "not_there_yet"
    message = "Not all of it is on the shelf yet."


def awaited(reference: str) -> dict[int, int]:
    """How many of each variant that `reference` holds are not there yet."""
    waiting = Reservation.objects.filter(reference=reference).waiting()
    return {reservation.variant_id: reservation.missing for reservation in waiting}


def require_some_on_shelf(reference: str) -> None:
    """Raises NotThereYet where `reference` holds nothing that could leave today."""
    held = Reservation.objects.held().filter(reference=reference)
    waiting = {one.pk: one.missing for one in held.waiting()}
    if waiting and all(one.quantity == waiting.get(one.pk) for one in held):
        raise NotThereYet("Nothing of it is on the shelf yet.")


def require_on_shelf(reference: str, quantities: Mapping[int, int] | None = None) -> None:
    """Raises NotThereYet unless all that `reference` holds, or so many of each variant, could leave now."""
    held = Reservation.objects.held().filter(reference=reference)
    # Locked, so that what is seen to lie there still does when it is taken off.
    rows = Stock.objects.select_for_update(no_key=True).filter(pk__in=held.values("variant"))
    list(rows.order_by("pk"))
    missing = {}
    for one in held.waiting().select_related("variant"):
        wanted = one.quantity if quantities is None else quantities.get(one.variant_id, 0)
        if (lacking := wanted - (one.quantity - one.missing)) > 0:
            missing[one.variant.sku] = lacking
    if missing:
        words = ", ".join(f"{count} × {sku}" for sku, count in sorted(missing.items()))
        raise NotThereYet(
            f"Not on the shelf yet, or meant for orders before this one: {words}.", missing=missing
        )
