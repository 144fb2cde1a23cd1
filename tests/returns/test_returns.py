"""Prints that come back, from the buyer's wish to the money or the other print."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from shop.cart.models import Cart
from shop.catalog.models import Variant
from shop.inventory.audit import stock_faults
from shop.inventory.models import Stock
from shop.orders.models import Order, OrderLine, Shipment
from shop.orders.services import deliver_parcel, mark_paid, pack_order, ship_order
from shop.payments.line_refunds import refund_lines
from shop.payments.models import Refund
from shop.payments.refunds import NothingToRefund
from shop.returns.exchanges import exchange_return
from shop.returns.models import Return, WrongReturnStatus
from shop.returns.services import (
    NothingToReturn,
    approve_return,
    receive_return,
    refund_return,
    refuse_return,
    returnable,
    suggested_refund,
    withdraw_return,
)
from tests.racing import at_once
from tests.returns.steps import ask, eur, log, now

pytestmark = pytest.mark.django_db
Status = Return.Status


def on_hand(line: OrderLine) -> int:
    return Stock.objects.get(variant=line.variant_id).on_hand


def test_from_the_wish_to_the_money(delivered: Order) -> None:
    three, one = delivered.lines.all()
    asked = ask(delivered, 2, 1)
    approve_return(asked, words="Use the label in this mail.")
    receive_return(asked, {three.pk: 1, one.pk: 1})
    assert (on_hand(three), on_hand(one)) == (8, 10)
    assert suggested_refund(asked) == eur("86.66")
    refund_return(asked)
    assert Refund.objects.get().amount == eur("86.66")
    assert log(delivered)[-5:] == [
        "return_requested",
        "return_approved",
        "return_received",
        "return_refunded",
        "refund_requested",
    ]
    titles = [task.args_kwargs["args"][2]["title"] for task in mails("return_news")]
    assert titles == [
        "We have your wish to send something back",
        "Please send it back",
        "Your parcel has reached us",
    ]
    assert stock_faults() == []


def mails(kind: str) -> list[DBTaskResult]:
    tasks = DBTaskResult.objects.order_by("enqueued_at")
    return [
        task for task in tasks if len(task.args_kwargs["args"]) > 1 and task.args_kwargs["args"][1] == kind
    ]


def test_no_more_comes_back_than_left_less_what_is_on_its_way_back(delivered: Order) -> None:
    three, one = delivered.lines.all()
    first = ask(delivered, 2)
    assert returnable(now(delivered)) == {three.pk: 1, one.pk: 1}
    for counts in ((2,), (0, 2), (0, 0), (-1,)):
        with pytest.raises(NothingToReturn):
            ask(delivered, *counts)
    refuse_return(first, words="It was signed by hand for you.")
    assert returnable(now(delivered)) == {three.pk: 3, one.pk: 1}
    withdraw_return(ask(delivered, 3))
    assert returnable(now(delivered)) == {three.pk: 3, one.pk: 1}


def test_the_days_count_from_each_parcel_s_arrival(
    place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    order = place(make_cart(quantity=3))
    mark_paid(order)
    pack_order(order)
    line = order.lines.get()
    assert returnable(now(order)) == {}
    deliver_parcel(ship_order(order, "Gannet", "GN 1", quantities={line.pk: 2}))
    ship_order(order, "Gannet", "GN 2")
    Shipment.objects.filter(tracking_number="GN 1").update(delivered_at=timezone.now() - timedelta(days=31))
    assert returnable(now(order)) == {line.pk: 1}
    Shipment.objects.update(delivered_at=timezone.now() - timedelta(days=29))
    assert returnable(now(order)) == {line.pk: 3}


@pytest.mark.parametrize("act", [receive_return, refund_return, exchange_return])
def test_nothing_is_skipped(delivered: Order, act: Callable, make_variant: Callable[..., Variant]) -> None:
    asked = ask(delivered, 1)
    more = {receive_return: [{}], refund_return: [], exchange_return: [make_variant()]}[act]
    with pytest.raises(WrongReturnStatus, match="asked for"):
        act(asked, *more)
    assert Return.objects.get().status == Status.REQUESTED
    assert not Refund.objects.exists()


def test_every_step_is_taken_once(delivered: Order) -> None:
    three = delivered.lines.first()
    asked = ask(delivered, 1)
    for _ in range(2):
        approve_return(Return.objects.get())
    with pytest.raises(WrongReturnStatus):
        refuse_return(Return.objects.get(), words="No")
    for _ in range(2):
        receive_return(Return.objects.get(), {three.pk: 1})
    with pytest.raises(WrongReturnStatus):
        withdraw_return(Return.objects.get())
    for _ in range(2):
        refund_return(Return.objects.get())
    assert on_hand(three) == 8
    assert Refund.objects.get().amount == eur("33.33")
    assert log(delivered).count("return_approved") == 1
    asked.refresh_from_db()
    assert asked.status == Status.REFUNDED


def test_what_was_refunded_before_is_not_refunded_again(delivered: Order) -> None:
    three = delivered.lines.first()
    asked = ask(delivered, 3)
    refund_lines(delivered, {three.pk: 2})
    approve_return(asked)
    receive_return(asked, {})
    assert suggested_refund(asked) == eur("33.33")


def test_staff_may_pay_back_less_and_it_is_settled_by_that(delivered: Order) -> None:
    three = delivered.lines.first()
    asked = ask(delivered, 1)
    approve_return(asked)
    receive_return(asked, {})
    refund_return(asked, eur("20.00"))
    assert Refund.objects.get().amount == eur("20.00")
    assert [refund_lines(delivered, {three.pk: 1}).amount for _ in range(2)] == [eur("33.33"), eur("33.33")]
    with pytest.raises(NothingToRefund):
        refund_lines(delivered, {three.pk: 1})


# --- Two at once --------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_for_the_same_print_are_one(delivered: Order) -> None:
    raised = at_once(*[lambda: ask(now(delivered), 0, 1)] * 6)
    assert [type(error) for error in raised] == [NothingToReturn] * 5
    assert Return.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_guard_the_same_print_comes_back_twice(delivered: Order) -> None:
    """The control: what may come back is looked at first and written after, without lock or counter."""

    def careless() -> None:
        order, line = now(delivered), delivered.lines.last()
        if returnable(order)[line.pk] >= 1:
            time.sleep(0.05)
            Return.objects.create(order=order, reason="mind").lines.create(order_line=line, quantity=1)

    assert at_once(*[careless] * 4) == []
    assert sum(one.lines.get().quantity for one in Return.objects.all()) > delivered.lines.last().shipped


def test_the_database_itself_lets_no_more_come_back_than_left(delivered: Order) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        OrderLine.objects.filter(order=delivered).update(returned=4)
