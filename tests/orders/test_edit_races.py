"""Changes of one order at the same instant, beside what shows the race without the lock."""

from collections.abc import Callable
from typing import Any

import pytest

from shop.cart.models import Cart
from shop.cart.services import add_to_cart
from shop.catalog.models import Variant
from shop.inventory.audit import stock_faults
from shop.inventory.models import Stock
from shop.orders.edits import EditWaits
from shop.orders.models import Order, OrderEdit, WrongStatus
from shop.orders.services import pack_order
from shop.payments.cancellations import cancel_order
from shop.payments.edit_plans import NotEditable, plan_edit
from shop.payments.edits import edit_order, take_back_edit
from shop.payments.models import Refund
from shop.payments.refunds import NothingToRefund, refund_order
from shop.payments.services import open_payment
from tests.orders.edits import assert_settled, eur, now, pay, succeed, total_of
from tests.racing import at_once

pytestmark = pytest.mark.django_db
Status, Edit = Order.Status, OrderEdit.Status


@pytest.mark.django_db(transaction=True)
def test_two_clerks_change_it_at_once_and_one_is_told(bought: Order, dear: Variant) -> None:
    three, _one = bought.lines.all()
    raised = at_once(
        lambda: edit_order(now(bought), {three.pk: 2}, agreed=eur("-29.99")),
        lambda: edit_order(now(bought), {}, {dear.pk: 1}),
    )
    assert all(isinstance(error, EditWaits) for error in raised), raised
    if raised:
        assert OrderEdit.objects.get().is_open
    assert_settled(bought)


@pytest.mark.django_db(transaction=True)
def test_one_unit_is_taken_off_by_two_clerks_once_each_way(bought: Order) -> None:
    """Both saw three and want two: the second changes nothing any more."""
    three, _ = bought.lines.all()
    raised = at_once(*[lambda: edit_order(now(bought), {three.pk: 2})] * 4)
    assert [type(error) for error in raised] == [NotEditable] * 3
    assert Refund.objects.get().amount == eur("29.99")
    assert_settled(bought)


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_both_take_it_off(bought: Order) -> None:
    """The control: each plans on what it read before the other wrote."""
    three, _ = bought.lines.all()
    plans: list[Any] = []
    at_once(*[lambda: plans.append(plan_edit(now(bought), {three.pk: 2}, {}))] * 2)
    for plan in plans:
        refund_order(bought, -plan.difference)
    assert total_of(refund.amount for refund in Refund.objects.all()) == eur("59.98")  # for one print


@pytest.mark.django_db(transaction=True)
def test_cancelling_and_changing_at_once_pay_back_what_was_paid(
    place: Callable[..., Order],
    make_cart: Callable[..., Cart],
    make_variant: Callable[..., Variant],
    dear: Variant,
) -> None:
    variant, cheap = make_variant(stock=20), make_variant(price="5.00", stock=20)
    for turn in range(6):
        order = pay(place(make_cart(variant, 2)))
        line, added = order.lines.get(), dear.pk if turn % 2 else cheap.pk
        raised = at_once(
            lambda one=order, pk=line.pk, more=added: edit_order(now(one), {pk: 1}, {more: 1}),
            lambda one=order: cancel_order(now(one)),
        )
        assert all(isinstance(error, WrongStatus | NothingToRefund) for error in raised), raised
        assert now(order).status == Status.CANCELLED
        assert total_of(one.refundable for one in order.payments.all()) == eur("0")
    assert not OrderEdit.objects.open().exists()
    assert not Stock.objects.filter(reserved__gt=0).exists()
    assert stock_faults() == []


@pytest.mark.django_db(transaction=True)
def test_a_late_success_and_taking_it_back_at_once_keep_the_money_or_the_order(
    bought: Order, dear: Variant
) -> None:
    for _ in range(6):
        edit = edit_order(now(bought), {}, {dear.pk: 1})
        payment = open_payment(now(bought))
        raised = at_once(
            lambda one=payment: succeed(one),
            lambda one=edit: take_back_edit(OrderEdit.objects.get(pk=one.pk)),
        )
        assert raised == []
        assert_settled(bought)
        edit.refresh_from_db()
        if edit.status == Edit.APPLIED:
            edit_order(now(bought), {now(bought).lines.last().pk: 0})
            assert_settled(bought)


@pytest.mark.django_db(transaction=True)
def test_packing_and_changing_at_once_never_both(bought: Order, dear: Variant) -> None:
    raised = at_once(
        lambda: pack_order(now(bought)), lambda: edit_order(now(bought), {}, {dear.pk: 1}, why="She asked.")
    )
    assert [type(error) for error in raised] in ([EditWaits], [WrongStatus])
    assert OrderEdit.objects.open().exists() == (now(bought).status == Status.PAID)


@pytest.mark.django_db(transaction=True)
def test_changes_across_each_other_and_a_purchase_of_both_wait_for_one_another(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    first, second = make_variant(stock=50), make_variant(stock=50)
    for _ in range(5):
        mine, theirs, cart = (
            pay(place(make_cart(first, 2))),
            pay(place(make_cart(second, 2))),
            make_cart(second),
        )
        add_to_cart(cart, first)
        changes = [(mine, mine.lines.get().pk, second.pk), (theirs, theirs.lines.get().pk, first.pk)]
        works = [
            lambda one=order, pk=line, more=added: edit_order(now(one), {pk: 1}, {more: 1})
            for order, line, added in changes
        ]
        assert at_once(*works, lambda bought=cart: place(bought)) == []
        for order, *_ in changes:
            assert_settled(order)
