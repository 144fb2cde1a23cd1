"""Calling an order off: by the buyer, by staff, or by time. Its stock goes back, and so does what was paid."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import transaction
from djmoney.money import Money

from shop.inventory import services as inventory
from shop.invoices.services import left_of
from shop.money import in_words
from shop.orders.amending import release_stock
from shop.orders.invoicing import credit_order, documents_of
from shop.orders.mails import send_order_mail
from shop.orders.models import Order, WrongStatus
from shop.payments.models import Payment, Refund
from shop.payments.refunds import goes_back_if_cancelled, request_refund
from shop.payments.services import close_payment
from shop.promotions.services import give_back

if TYPE_CHECKING:
    from accounts.models import User

logger = logging.getLogger(__name__)
AT_ONCE = 200


@transaction.atomic
def cancel_order(
    order: Order, *, by: User | None = None, why: str = "", only_from: tuple[str, ...] | None = None
) -> None:
    """Before it ships, or only from some statuses. A second call does nothing. Raises WrongStatus when too late."""
    if not order.move_to(Order.Status.CANCELLED, by=by, why=why, only_from=only_from):
        return
    if order.lines.filter(shipped__gt=0).exists():
        raise WrongStatus("A part of it has left already. What has not can be cancelled line by line.")
    give_back(order.public_id)
    release_stock(order)
    going_back = goes_back_if_cancelled(order)
    back = in_words(going_back) if going_back.amount else ""
    send_order_mail.enqueue(order.pk, "cancelled", {"why": why, "back": back})
    # Read now that the order is ours: the caller's rows may be from before the money came.
    payments = Payment.objects.filter(order=order)
    for payment in payments:
        if payment.refundable.amount > 0:
            request_refund(payment, payment.refundable, by=by, reason=why)
        if payment.status not in Payment.FINAL:
            close_payment.enqueue(payment.pk)
    if any(payment.has_lapsed for payment in payments):
        _credit_what_nobody_paid(order, why)


def _credit_what_nobody_paid(order: Order, why: str) -> None:
    """No refund takes it off the invoice, for no money came. What does go back has a credit note of its own."""
    under_way = [Refund.Status.REQUESTED, Refund.Status.PENDING]
    going_back = Refund.objects.filter(payment__order=order, status__in=under_way, of_invoice=True)
    invoiced = sum((rate.gross for rate in left_of(documents_of(order)).values()), Decimal(0))
    owed = invoiced - sum((one.amount.amount for one in going_back), Decimal(0))
    if owed > 0:
        credit_order(order, Money(owed, order.total.currency), [], why)


def expire_orders() -> int:
    """Cancels orders whose half hour is over, unless their payment is under way; returns how many.

    All of them, however many: after a rush thousands may end in the same minute, and others wait for what they hold.
    """
    expired = 0
    while some := _expire_some():
        expired += some
    return expired


def _expire_some() -> int:
    under_way = Payment.objects.filter(status=Payment.Status.PROCESSING).values("order")
    expired = 0
    for order in Order.objects.overdue().exclude(pk__in=under_way)[:AT_ONCE]:
        try:
            expired += _expire(order)
        except Exception:
            # One order that cannot be cancelled must not keep the others' stock.
            logger.exception("order %s could not be cancelled", order.number)
    return expired


@transaction.atomic
def _expire(order: Order) -> bool:
    if not order.move_to(Order.Status.CANCELLED, why="It was not paid in time.", strict=False):
        return False
    give_back(order.public_id)
    inventory.release(order.public_id)
    for payment in order.payments.all():
        if payment.gift_card_id and payment.refundable.amount > 0:
            request_refund(
                payment, payment.refundable, reason="The order was not paid in time.", of_invoice=False
            )
        elif payment.status not in Payment.FINAL:
            close_payment.enqueue(payment.pk)
    return True
