"""Stock that orders hold which will never send it."""

from __future__ import annotations

from shop.inventory.models import Reservation
from shop.orders.models import Order

MAY_STILL_SEND = (Order.Status.PENDING, Order.Status.PAID, Order.Status.PACKED)


def idle_holds() -> list[str]:
    """One line for each variant that an order holds which has ended: cancelled, refunded, or sent in whole."""
    ended = Order.objects.exclude(status__in=MAY_STILL_SEND)
    held = Reservation.objects.filter(state=Reservation.State.HELD, reference__in=ended.values("public_id"))
    rows = list(held.order_by("pk").values_list("reference", "variant__sku", "quantity"))
    orders = {one.public_id: one for one in Order.objects.filter(public_id__in={row[0] for row in rows})}
    return [
        f"{sku}: {quantity} held by {orders[reference]}, which is {orders[reference].status}"
        for reference, sku, quantity in rows
    ]
