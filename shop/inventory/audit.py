"""Whether the figures on the shelf are what the ledger and the orders say."""

from __future__ import annotations

from django.db.models import F, IntegerField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from shop.inventory.models import Reservation, Stock, StockMovement


def stock_faults() -> list[str]:
    """One line for each variant whose stock is not the sum of its movements, or of what orders hold, or of which more
    are sold than are there and may be made.
    """
    wrong = Stock.objects.annotate(
        moved=_sum(StockMovement.objects.all()),
        held=_sum(Reservation.objects.filter(state=Reservation.State.HELD)),
    ).exclude(on_hand=F("moved"), reserved=F("held"), reserved__lte=F("on_hand") + F("backorder_limit"))
    columns = ("variant__sku", "on_hand", "moved", "reserved", "held", "backorder_limit")
    return [
        f"{sku}: {on_hand} on hand, {moved} by its movements; {reserved} reserved, {held} held by orders"
        + f"; {reserved - on_hand} sold ahead, {limit} allowed" * (reserved > on_hand + limit)
        for sku, on_hand, moved, reserved, held, limit in wrong.order_by("variant__sku").values_list(*columns)
    ]


def _sum(rows: QuerySet[StockMovement] | QuerySet[Reservation]) -> Coalesce:
    of_variant = rows.filter(variant=OuterRef("variant")).order_by().values("variant")
    return Coalesce(
        Subquery(of_variant.annotate(sum=Sum("quantity")).values("sum")), 0, output_field=IntegerField()
    )
