"""Whether every order is whole: its lines, its sums, its log and what it holds of the shelf, all or nothing of it."""

from __future__ import annotations

from collections import Counter

from django.db import connection, transaction
from django.utils import timezone
from djmoney.money import Money

from shop.inventory.models import Reservation
from shop.orders.models import Order
from shop.payments.cancellations import expire_orders

Held = Reservation.State.HELD
GOES: dict[str, str] = {
    Order.Status.PENDING: Held,
    Order.Status.PAID: Held,
    Order.Status.CANCELLED: Reservation.State.RELEASED,
}


def half_orders(since: int) -> list[str]:
    """Of the orders after this id, those of which something is missing, and what."""
    with transaction.atomic():
        if connection.vendor == "postgresql":  # one moment of everything, while others go on
            connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        orders = Order.objects.filter(pk__gt=since).prefetch_related("lines", "events", "payments")
        faults = [f"{order}: {fault}" for order in orders if (fault := _fault(order))]
    connection.close()
    return faults


def _fault(order: Order) -> str:
    lines, zero = order.lines.all(), Money(0, order.total.currency)
    if sum((line.total for line in lines), zero) != order.subtotal - order.discount or not lines:
        return "its lines do not add up to it"
    if [event.kind for event in order.events.all()].count("placed") != 1:
        return "its log does not say once that it was placed"
    held: Counter[tuple[int | None, str]] = Counter()
    for row in Reservation.objects.filter(reference=order.public_id):
        held[row.variant_id, row.state] += row.quantity
    wanted: Counter[tuple[int | None, str]] = Counter()
    for line in lines:
        wanted[line.variant_id, GOES[order.status]] += line.quantity
    if held != wanted:
        return f"{order.status}, and of the shelf it has {dict(held)}"
    return (
        ""
        if sum(payment.status not in payment.FINAL for payment in order.payments.all()) <= 1
        else "two attempts"
    )


def missing(public_ids: list[str]) -> int:
    """How many of these orders are not there."""
    count = len(public_ids) - Order.objects.filter(public_id__in=public_ids).count()
    connection.close()
    return count


def leaked_reservations() -> int:
    """Held for an order that does not exist, or that will never leave."""
    living = Order.objects.exclude(status__in=[Order.Status.CANCELLED, Order.Status.REFUNDED]).values(
        "public_id"
    )
    leaked = Reservation.objects.filter(state=Held).exclude(reference__in=living).count()
    connection.close()
    return leaked


def let_time_pass(since: int) -> None:
    """As if the time to pay were over for all orders after this id."""
    Order.objects.filter(pk__gt=since, status=Order.Status.PENDING).update(reserved_until=timezone.now())
    expire_orders()
    connection.close()
