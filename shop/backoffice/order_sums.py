"""What an order's payments add up to, for its page and for the steps that give money back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from djmoney.money import Money

from shop.money import total_of
from shop.orders.models import Order, OrderEdit
from shop.payments.carried import asides_of
from shop.payments.models import Payment


@dataclass(frozen=True)
class Sums:
    """What an order's payments add up to, counted from rows already fetched; `edit` waits for its difference.

    `refundable` has in it what came from another order, which does not go back `if_cancelled`.
    """

    payments: list[Payment]
    paid: Money
    refunded: Money
    refundable: Money
    if_cancelled: Money
    disputed: Money
    edit: OrderEdit | None

    @classmethod
    def of(cls, order: Order) -> Sums:
        payments = list(order.payments.all())
        total = partial(total_of, currency=order.total.currency)
        paid = [payment for payment in payments if payment.status == Payment.Status.SUCCEEDED]
        own = total(payment.refundable for payment in payments)
        return cls(
            payments,
            paid=total(payment.amount for payment in paid),
            refunded=total(payment.refunded for payment in paid),
            refundable=own + total(aside.left for aside in asides_of(order)),
            if_cancelled=own,
            disputed=total(payment.disputed for payment in paid),
            edit=order.open_edit(),
        )
