"""Giving back what single prints came to: in money, or as another print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from django.db import transaction
from djmoney.money import Money

from shop.money import each_of
from shop.orders.models import Order, OrderLine
from shop.payments.carried import value_of
from shop.payments.models import Refund, RefundLine
from shop.payments.refunds import NothingToRefund, refund_order, shares_of

if TYPE_CHECKING:
    from accounts.models import User

Status = Refund.Status


@transaction.atomic
def refund_lines(
    order: Order,
    quantities: Mapping[int, int],
    *,
    amount: Money | None = None,
    shipping: Money | None = None,
    by: User | None = None,
    reason: str = "",
) -> Refund:
    """Pays back so many of each line (by its id), and so much of the delivery: what they were paid at, or `amount`.

    Raises NothingToRefund for more units than were not refunded yet, more delivery than was paid, or more than is left,
    and EditWaits while a change of the order waits to be paid.
    """
    Order.objects.select_for_update(no_key=True).get(pk=order.pk).require_no_open_edit()
    rows = _rows_of(order, quantities)
    if shipping is not None and shipping.amount:
        if not Money(0, shipping.currency) <= shipping <= shipping_left(order):
            raise NothingToRefund
        rows.append(RefundLine(amount=shipping))
    if amount is None:
        amount = sum((row.amount for row in rows), Money(0, order.total.currency))
    refund = refund_order(order, amount, by=by, reason=reason)
    _keep(rows, refund)
    return refund


@transaction.atomic
def exchange_lines(
    order: Order,
    quantities: Mapping[int, int],
    amount: Money,
    became: OrderLine,
    *,
    by: User | None = None,
    reason: str = "",
) -> list[Refund]:
    """Sets `amount` of what was paid aside for the line of another order: no money moves, and none of it can be
    refunded but with that order's.

    So many of each line (by its id) count as refunded. Raises as refund_lines.
    """
    Order.objects.select_for_update(no_key=True).get(pk=order.pk).require_no_open_edit()
    rows = _rows_of(order, quantities)
    kept = {"status": Status.EXCHANGED, "became": became, "actor": by, "reason": reason[:200]}
    aside = [
        source.payment.refunds.create(amount=part, aside=source.aside, **kept)
        for source, part in shares_of(order, amount)
    ]
    _keep(rows, aside[0])
    return aside


def undo_exchange(aside: Iterable[Refund]) -> None:
    """What was set aside can be refunded again. Its lines stay counted, for whoever settles them another way."""
    Refund.objects.filter(pk__in=[one.pk for one in aside], status=Status.EXCHANGED).update(
        status=Status.UNDONE
    )


def _rows_of(order: Order, quantities: Mapping[int, int]) -> list[RefundLine]:
    return [_line_back(line, quantities[line.pk]) for line in order.lines.all() if quantities.get(line.pk)]


def _keep(rows: list[RefundLine], refund: Refund) -> None:
    for row in rows:
        row.refund = refund
    RefundLine.objects.bulk_create(rows)


def _line_back(line: OrderLine, quantity: int) -> RefundLine:
    line.refresh_from_db(fields=["refunded", "quantity"])
    if not 0 < quantity <= line.to_refund:
        raise NothingToRefund
    row = RefundLine(order_line=line, quantity=quantity, amount=worth_of(line, quantity))
    if not line.refund(quantity):
        raise NothingToRefund
    return row


def worth_of(line: OrderLine, quantity: int) -> Money:
    """What the next so many come to, with their share of discount, tax, and what came back for them.

    Each is worth the same, rounded down to what can be paid; whoever takes the last takes what is left of the line.
    """
    if quantity < line.to_refund:
        return each_of(value_of(line), line.quantity) * quantity
    given = line.refund_lines.exclude(refund__status=Status.FAILED)  # type: ignore[attr-defined]
    return value_of(line) - sum((row.amount for row in given), Money(0, line.total.currency))


def shipping_left(order: Order) -> Money:
    """What the delivery cost, tax included, less what was paid back of it."""
    back = RefundLine.objects.filter(refund__payment__order=order, order_line=None)
    given = [row.amount for row in back.exclude(refund__status=Status.FAILED)]
    return order.shipping_charged - sum(given, Money(0, order.total.currency))
