"""What an order has of another's money: a print that came back pays for the one that went out instead.

It stays on the payments of the first order, set aside there, and goes back from there when the second order's does.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Sum
from djmoney.money import Money

from shop.money import total_of
from shop.orders.models import Order, OrderLine
from shop.payments.models import Payment, Refund, RefundLine


@dataclass(frozen=True, slots=True)
class Source:
    """Where so much can still be given back from: a payment, or what was set aside of another order's."""

    payment: Payment
    left: Money
    aside: Refund | None = None


def sources_of(order: Order) -> list[Source]:
    """Its own payments, the oldest first, then what it carries. Read behind the order's lock to act on it."""
    own = [Source(payment, payment.refundable) for payment in Payment.objects.filter(order=order)]
    carried = [Source(aside.payment, aside.left, aside) for aside in asides_of(order)]
    return [source for source in [*own, *carried] if source.left.amount > 0]


def asides_of(order: Order) -> list[Refund]:
    """What was set aside for it. Of one that was called off, its return decides: it is open again."""
    if order.status == Order.Status.CANCELLED:
        return []
    kept = Refund.objects.filter(became__order=order, status=Refund.Status.EXCHANGED)
    return list(kept.select_related("payment").order_by("pk"))


def value_of(line: OrderLine) -> Money:
    """What it was paid at, in money and by what came back for it."""
    kept = line.carried.filter(status=Refund.Status.EXCHANGED)  # type: ignore[attr-defined]
    return line.total + total_of((one.amount for one in kept), line.total.currency)


def carried_back(order: Order) -> Money:
    """What has gone back of other orders' payments for it."""
    asides = Refund.objects.filter(became__order=order)
    return total_of((one.back for one in asides), order.total.currency)


def exchanged_of(order: Order) -> dict[int, int]:
    """How many of each line (by its id) became another print. One that was called off counts until it is settled."""
    exchanged = [Refund.Status.EXCHANGED, Refund.Status.UNDONE]
    rows = RefundLine.objects.filter(order_line__order=order, refund__status__in=exchanged)
    return dict(rows.values_list("order_line").annotate(count=Sum("quantity")).order_by())


def all_is_back(order: Order) -> bool:
    """All that was paid for it, in money or by what came back. Needs the order's lock, and a row read behind it."""
    asides, came = asides_of(order), [Payment.Status.SUCCEEDED, *Payment.HELD]
    paid = [payment.amount for payment in Payment.objects.filter(order=order, status__in=came)]
    paid += [aside.amount for aside in asides]
    back = [one.amount for one in Refund.objects.filter(payment__order=order, status=Refund.Status.SUCCEEDED)]
    back += [aside.back for aside in asides]
    return bool(paid) and sum(paid) == sum(back)


def given_back_by(refund: Refund) -> Order:
    """The order that it is a refund of: the one that carries its money, else the one that was paid by it."""
    aside = refund.aside
    carried = aside is not None and aside.status == Refund.Status.EXCHANGED and aside.became
    return carried.order if carried else refund.payment.order


def carried_to(refund: Refund) -> list[int]:
    """The orders (by id) that it had become a part of: of a chain of exchanges all but the first."""
    orders, aside = [], refund.aside
    while aside:
        orders += [aside.became.order_id] if aside.became else []
        aside = aside.aside
    return orders


def first_aside(refund: Refund) -> Refund | None:
    """Whose lines are those of the order that paid."""
    aside = refund.aside
    while aside and aside.aside:
        aside = aside.aside
    return aside
