"""Refunds by line and quantity: exact to the cent, and never above what was paid."""

import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from djmoney.money import Money
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shop.cart.models import Cart
from shop.cart.services import add_to_cart, apply_coupon
from shop.catalog.models import Variant
from shop.inventory.audit import stock_faults
from shop.inventory.models import Stock
from shop.invoices.services import left_of
from shop.orders.invoicing import documents_of
from shop.orders.models import Order, OrderLine, WrongStatus
from shop.orders.services import mark_paid, pack_order, ship_order
from shop.payments.line_cancellations import NothingToCancel, cancel_lines
from shop.payments.line_refunds import refund_lines, worth_of
from shop.payments.models import Payment, Refund, RefundLine
from shop.payments.refunds import NothingToRefund, apply_refund, refund_order
from shop.payments.stripe_gateway import GatewayRefund
from tests.offers import make_coupon
from tests.payments.steps import log, now, work_off_tasks
from tests.racing import at_once

Status = Order.Status


def eur(amount: str) -> Money:
    return Money(amount, "EUR")


@pytest.fixture
def bought(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> Order:
    """Three at €33.33 and one at €20.00 with 10 % off, delivery €4.90: lines of €89.99 and €18.00."""
    make_coupon("HARBOUR10", percent=10)
    cart = make_cart(make_variant(price="33.33"), 3)
    add_to_cart(cart, make_variant(price="20.00"))
    apply_coupon(cart, "HARBOUR10")
    order = place(cart)
    pay(order)
    return order


def pay(order: Order) -> Payment:
    payment = order.payments.create(amount=order.total, status="succeeded", intent_id=f"pi_{order.pk}")
    mark_paid(order)
    return payment


def tell(refund: Refund, status: str) -> None:
    """What the provider says of it."""
    apply_refund(GatewayRefund(id=f"re_{refund.pk}", status=status, key=refund.idempotency_key, failure="no"))


@pytest.mark.django_db
def test_the_last_of_a_line_takes_what_is_left_of_it(bought: Order) -> None:
    three, one = bought.lines.all()
    assert (three.total, one.total) == (eur("89.99"), eur("18.00"))
    amounts = [refund_lines(bought, {three.pk: 1}).amount for _ in range(3)]
    assert amounts == [eur("29.99"), eur("29.99"), eur("30.01")]
    with pytest.raises(NothingToRefund):
        refund_lines(bought, {three.pk: 1})
    both = refund_lines(bought, {one.pk: 1}, shipping=eur("4.90"))
    assert both.amount == eur("22.90")
    assert [(row.order_line, row.quantity, row.amount) for row in both.lines.all()] == [
        (one, 1, eur("18.00")),
        (None, 1, eur("4.90")),
    ]
    assert bought.payments.get().refundable == eur("0.00")


@pytest.mark.django_db
@pytest.mark.parametrize("shipping", ["4.91", "-1.00"])
def test_no_more_of_the_delivery_than_it_cost(bought: Order, shipping: str) -> None:
    with pytest.raises(NothingToRefund):
        refund_lines(bought, {}, shipping=eur(shipping))
    refund_lines(bought, {}, shipping=eur("4.00"))
    with pytest.raises(NothingToRefund):
        refund_lines(bought, {}, shipping=eur("1.00"))


@pytest.mark.django_db
def test_what_did_not_go_back_may_be_asked_for_again(bought: Order) -> None:
    three, _ = bought.lines.all()
    first = refund_lines(bought, {three.pk: 3})
    tell(first, "failed")
    tell(first, "failed")
    assert [refund_lines(bought, {three.pk: 2}).amount, refund_lines(bought, {three.pk: 1}).amount] == [
        eur("59.98"),
        eur("30.01"),
    ]


@pytest.mark.django_db
def test_the_database_itself_counts_no_more_than_were_ordered(bought: Order) -> None:
    three, _ = bought.lines.all()
    for fields in ({"refunded": 4}, {"shipped": 4}, {"shipped": 2, "cancelled": 2}):
        with pytest.raises(IntegrityError), transaction.atomic():
            OrderLine.objects.filter(pk=three.pk).update(**fields)


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    total=st.integers(0, 20_000),
    quantity=st.integers(1, 7),
    steps=st.lists(st.tuples(st.integers(1, 7), st.sampled_from(["succeeded", "failed", ""])), max_size=9),
)
def test_whatever_is_refunded_in_whatever_order_sums_to_the_line(
    bought: Order, total: int, quantity: int, steps: list[tuple[int, str]]
) -> None:
    with transaction.atomic():
        line = bought.lines.first()
        # A line of this total, whatever made it; the order and its payment follow.
        whole = Money(total, "EUR") / 100
        price = whole + eur("1.00") if quantity == 1 else eur("200.00")
        OrderLine.objects.filter(pk=line.pk).update(
            quantity=quantity, unit_price=price, discount=price * quantity - whole, total=whole, tax=0
        )
        bought.payments.update(amount=eur("1000.00"))
        for more, outcome in steps:
            try:
                refund = refund_lines(bought, {line.pk: more})
            except NothingToRefund:
                continue
            if outcome:
                tell(refund, outcome)
        line = OrderLine.objects.get(pk=line.pk)
        given_back = line.refund_lines.exclude(refund__status="failed")
        sums = sum((row.amount for row in given_back), eur("0"))
        assert sums <= whole
        assert sum(row.quantity for row in given_back) == line.refunded <= quantity
        if line.to_refund:
            assert sums + worth_of(line, line.to_refund) == whole
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_one_refund_spreads_over_two_payments(bought: Order) -> None:
    bought.payments.update(amount=eur("100.00"))
    bought.payments.create(amount=eur("12.89"), status="succeeded", intent_id="pi_more")
    refund_order(bought, eur("105.00"))
    assert [refund.amount for refund in Refund.objects.all()] == [eur("100.00"), eur("5.00")]
    with pytest.raises(NothingToRefund):
        refund_order(bought, eur("7.90"))
    refund_order(bought)
    assert sum(refund.amount.amount for refund in Refund.objects.all()) == Decimal("112.89")


@pytest.mark.django_db(transaction=True)
def test_eight_clerks_at_once_refund_a_line_once(bought: Order) -> None:
    three, _ = bought.lines.all()
    raised = at_once(*[lambda: refund_lines(now(bought), {three.pk: 2})] * 8)
    assert [type(error) for error in raised] == [NothingToRefund] * 7
    assert sum(row.quantity for row in RefundLine.objects.all()) == 2


@pytest.mark.django_db(transaction=True)
def test_two_answers_at_once_leave_the_papers_right(
    place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    """The bank's second thoughts and its first word: whoever waits must see what the other wrote."""
    for _ in range(6):
        order = place(make_cart())
        pay(order)
        refund = refund_order(order)
        assert at_once(*[partial(tell, refund, status) for status in ("succeeded", "failed")]) == []
        refund.refresh_from_db()
        assert (refund.status, refund.credit_note) == (Refund.Status.FAILED, None)
        papers = sum((rate.gross for rate in left_of(documents_of(order)).values()), Decimal(0))
        assert papers == order.total.amount


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_they_refund_more_than_was_paid(bought: Order) -> None:
    """The control: what is left is looked at first, and the row written after."""
    payment = bought.payments.get()

    def refund() -> None:
        if payment.refundable >= bought.total:
            time.sleep(0.05)
            payment.refunds.create(amount=bought.total)

    at_once(*[refund] * 4)
    assert payment.refunded > payment.amount


# --- Cancelling single lines ---------------------------------------------------------------------


@pytest.mark.django_db
def test_a_cancelled_print_goes_back_on_the_wall_and_its_money_to_the_buyer(bought: Order) -> None:
    three, one = bought.lines.all()
    cancel_lines(bought, {three.pk: 2}, why="A torn sheet.")
    assert Refund.objects.get().amount == eur("59.98")
    assert Stock.objects.get(variant=three.variant_id).reserved == 1
    assert stock_faults() == []
    assert log(bought)[-2:] == ["lines_cancelled", "refund_requested"]
    assert bought.events.get(kind="lines_cancelled").why == f"2 × {three.title}. A torn sheet."
    with pytest.raises(NothingToCancel):
        cancel_lines(bought, {three.pk: 2})
    pack_order(bought)
    parcel = ship_order(bought, "Gannet", "GN 1")
    assert [(row.order_line, row.quantity) for row in parcel.lines.all()] == [(three, 1), (one, 1)]
    assert now(bought).status == Status.SHIPPED
    with pytest.raises(WrongStatus):
        cancel_lines(bought, {one.pk: 1})


@pytest.mark.django_db
def test_cancelling_the_last_line_cancels_the_order_with_its_delivery(bought: Order) -> None:
    three, one = bought.lines.all()
    cancel_lines(bought, {three.pk: 3})
    cancel_lines(bought, {one.pk: 1}, why="All gone.")
    assert now(bought).status == Status.CANCELLED
    assert sum((refund.amount for refund in Refund.objects.all()), eur("0")) == bought.total
    assert Stock.objects.get(variant=one.variant_id).reserved == 0
    assert stock_faults() == []


@pytest.mark.django_db
def test_cancelling_what_had_not_left_ends_a_split_order(bought: Order) -> None:
    three, one = bought.lines.all()
    pack_order(bought)
    ship_order(bought, "Gannet", "GN 1", quantities={three.pk: 3})
    cancel_lines(bought, {one.pk: 1})
    assert now(bought).status == Status.SHIPPED
    assert Refund.objects.get().amount == eur("18.00")
    assert stock_faults() == []


@pytest.mark.django_db(transaction=True)
def test_the_mail_says_what_will_not_come(paid: Order, mailoutbox: list) -> None:
    line = paid.lines.get()
    cancel_lines(paid, {line.pk: 1}, why="A torn sheet.")
    work_off_tasks()
    mail = next(one for one in mailoutbox if "A part" in one.subject)
    assert f"1 × {line.title}" in mail.body
    assert "A torn sheet." in mail.body
    assert now(paid).status == Status.PAID
