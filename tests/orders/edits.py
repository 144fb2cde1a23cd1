"""What the tests of changes ask of an order: to be paid, and that each of its sums holds."""

from collections import Counter
from functools import reduce
from operator import add
from typing import Any

from djmoney.money import Money

from shop.inventory.audit import stock_faults
from shop.inventory.models import Reservation
from shop.invoices.services import balance_of, left_of
from shop.orders.invoicing import documents_of
from shop.orders.models import Order
from shop.orders.services import mark_paid
from shop.payments.models import Payment, Refund
from shop.payments.refunds import apply_refund
from shop.payments.services import apply_intent
from shop.payments.stripe_gateway import GatewayRefund, Intent


def eur(amount: str) -> Money:
    return Money(amount, "EUR")


def total_of(amounts: Any) -> Money:
    return reduce(add, amounts, eur("0"))


def now(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def pay(order: Order) -> Order:
    order.payments.create(amount=order.due, status="succeeded", intent_id=f"pi_{order.pk}", method="visa")
    mark_paid(order)
    return order


def succeed(payment: Payment) -> None:
    """The provider says that it was paid."""
    apply_intent(
        Intent(
            id=payment.intent_id or f"pi_edit_{payment.pk}",
            status="succeeded",
            received=payment.amount,
            client_secret="",
            key=payment.idempotency_key,
            charge=f"ch_{payment.pk}",
            method="visa ···· 4242",
            error="",
        )
    )


def tell(refund: Refund, status: str = "succeeded") -> None:
    apply_refund(GatewayRefund(id=f"re_{refund.pk}", status=status, key=refund.idempotency_key, failure="no"))


def assert_sound(order: Order) -> None:
    """All that must hold at every moment, whatever waits."""
    order = now(order)
    lines = list(order.lines.all())
    assert order.subtotal == total_of(line.gross for line in lines)
    assert order.discount == total_of(line.discount for line in lines)
    assert order.total == order.subtotal - order.discount + order.shipping + order.tax_added
    assert order.total == total_of(line.total for line in lines) + order.shipping_charged
    kept = total_of(one.amount - one.refunded for one in order.payments.filter(status="succeeded"))
    assert eur("0") <= kept
    held: Counter[int] = Counter()
    for row in Reservation.objects.held().filter(reference=order.public_id):
        held[row.variant_id] += row.quantity
    assert held == +Counter(
        {line.variant_id: 0 for line in lines}
        | reduce(add, (Counter({line.variant_id: line.to_ship}) for line in lines), Counter())
    )
    assert stock_faults() == []


def assert_settled(order: Order) -> None:
    """And once every refund has arrived: the papers and the money say what the order says."""
    for refund in Refund.objects.exclude(status__in=["succeeded", "failed"]):
        tell(refund)
    assert_sound(order)
    order = now(order)
    payments = order.payments.filter(status="succeeded")
    assert total_of(one.amount - one.refunded for one in payments) == order.total
    assert balance_of(order.public_id, "EUR") == order.total
    if not Refund.objects.filter(status="failed").exists():  # one made again is of no rate in particular
        assert sum(rate.tax for rate in left_of(documents_of(order)).values()) == order.tax.amount
