"""Whatever is changed in whatever order, every sum holds."""

from decimal import Decimal

import pytest
from django.db import transaction
from djmoney.money import Money
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shop.inventory.models import Reservation, Stock
from shop.inventory.services import OutOfStock
from shop.invoices.models import Document
from shop.orders.edit_invoicing import parts_of
from shop.orders.edits import EditWaits
from shop.orders.models import Order, OrderLine
from shop.orders.services import mark_paid
from shop.payments.edit_plans import NotEditable
from shop.payments.edits import edit_order, take_back_edit
from shop.payments.refunds import NothingToRefund, refund_order
from shop.payments.services import open_payment
from tests.orders.edits import assert_settled, assert_sound, eur, now, succeed, tell

pytestmark = pytest.mark.django_db
Status = Order.Status


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    price=st.integers(1, 9_999),
    off=st.integers(0, 9_999),
    quantity=st.integers(1, 6),
    steps=st.lists(
        st.tuples(
            st.integers(0, 5),
            st.integers(0, 2),
            st.sampled_from(["succeeded", "failed", "paid", "undone", ""]),
        ),
        max_size=4,
    ),
)
def test_any_changes_in_any_order_keep_every_sum(
    bought: Order, price: int, off: int, quantity: int, steps: list[tuple[int, int, str]]
) -> None:
    with transaction.atomic():
        line = bought.lines.first()
        unit, less = Money(price, "EUR") / 100, Money(min(off, price * quantity - 1), "EUR") / 100
        _rewrite(bought, line, unit, quantity, less)
        other = bought.lines.last().variant_id
        for fewer, more, outcome in steps:
            left = now(bought).lines.filter(pk=line.pk).first()
            wanted = {left.pk: max(0, left.to_ship - fewer)} if left else {}
            try:
                edit = edit_order(bought, wanted, {other: more} if more else {})
            except (NotEditable, NothingToRefund, EditWaits, OutOfStock):
                continue
            assert_sound(bought)
            if edit.is_open and outcome == "paid":
                succeed(open_payment(now(bought)))
            elif edit.is_open and outcome == "undone":
                take_back_edit(edit)
            elif outcome in ("succeeded", "failed"):
                for refund in edit.refunds.all():
                    tell(refund, outcome)
                    if outcome == "failed":
                        tell(refund_order(bought, refund.amount))
            assert_sound(bought)
        for kept in now(bought).lines.all():
            assert eur("0") <= kept.total <= kept.gross
        assert_settled(bought)
        transaction.set_rollback(True)


def _rewrite(order: Order, line: OrderLine, unit: Money, quantity: int, off: Money) -> None:
    """A first line of so many at that price with that off, whatever made it; everything else follows."""
    order = now(order)
    Reservation.objects.filter(reference=order.public_id, variant=line.variant_id).update(quantity=quantity)
    Stock.objects.filter(variant=line.variant_id).update(reserved=quantity)
    total = unit * quantity - off
    more = total - line.total
    OrderLine.objects.filter(pk=line.pk).update(
        unit_price=unit, quantity=quantity, discount=off, total=total, tax=0, tax_percent=0
    )
    Document.objects.all()._raw_delete("default")  # type: ignore[attr-defined]
    Order.objects.filter(pk=order.pk).update(
        status=Status.PENDING,
        subtotal=order.subtotal + unit * quantity - line.gross,
        discount=order.discount + off - line.discount,
        tax=order.tax - line.tax,
        total=order.total + more,
    )
    order.payments.update(amount=order.total + more)
    mark_paid(now(order))


@given(
    amounts=st.lists(st.tuples(st.integers(-9_999, 9_999), st.integers(0, 99)), min_size=1, max_size=3),
    cut=st.integers(1, 99),
)
def test_parts_of_a_credit_sum_to_the_whole(amounts: list[tuple[int, int]], cut: int) -> None:
    cent = Decimal("0.01")
    sums = {Decimal(place): (gross * cent, tax * cent) for place, (gross, tax) in enumerate(amounts)}
    whole = sum((gross for gross, _ in sums.values()), Decimal(0))
    part = (whole * cut / 100).quantize(cent)
    if not whole:
        return
    parts = parts_of(sums, part / whole, cent)
    assert sum(gross for gross, _ in parts.values()) == part
    assert parts_of(sums, Decimal(1), cent) == sums
