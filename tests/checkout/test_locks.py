"""What people do at the same instant waits for one another and never deadlocks."""

from collections.abc import Callable

import pytest
from djmoney.money import Money

from accounts.models import User
from shop.cart.models import Cart
from shop.cart.services import QuantityTooLarge, add_to_cart, merge_carts
from shop.catalog.models import Variant
from shop.inventory.audit import stock_faults
from shop.inventory.models import Stock
from shop.orders.models import Order, WrongStatus
from shop.payments.cancellations import cancel_order
from shop.payments.models import Payment, Refund
from shop.payments.refunds import NothingToRefund, refund_order
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 15


def test_one_customer_places_an_order_while_another_of_theirs_is_cancelled(
    place: Callable[..., Order], make_variant: Callable[..., Variant], customer: User
) -> None:
    variant = make_variant(stock=200)
    cart = Cart.objects.create(user=customer)
    for _ in range(ROUNDS):
        add_to_cart(cart, variant)
        cart.refresh_from_db()
        old = place(cart)
        add_to_cart(cart, variant)
        cart.refresh_from_db()
        assert at_once(lambda: place(cart), lambda order=old: cancel_order(order)) == []
    assert Stock.objects.get(variant=variant).reserved == ROUNDS
    assert stock_faults() == []


def test_a_refund_and_a_cancellation_together_pay_back_once(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(stock=200)
    for number in range(ROUNDS):
        order = place(make_cart(variant))
        payment = Payment.objects.create(
            order=order, amount=order.total, intent_id=f"pi_{number}", status="succeeded"
        )
        order.move_to(Order.Status.PAID)
        mine, theirs = Order.objects.get(pk=order.pk), Order.objects.get(pk=order.pk)
        raised = at_once(lambda one=mine: cancel_order(one), lambda other=theirs: refund_order(other))
        assert all(isinstance(error, NothingToRefund | WrongStatus) for error in raised), raised
        assert (
            sum((refund.amount for refund in Refund.objects.filter(payment=payment)), Money(0, "EUR"))
            == order.total
        )


def test_two_tabs_add_at_once_and_neither_is_lost(make_variant: Callable[..., Variant]) -> None:
    variant = make_variant(stock=100)
    for _ in range(ROUNDS):
        cart = Cart.objects.create()
        assert at_once(*[lambda one=cart: add_to_cart(one, variant)] * 3) == []
        assert cart.count() == 3


def test_four_clicks_at_once_make_one_order(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(stock=200)
    for _ in range(ROUNDS):
        cart, orders = make_cart(variant), []
        key = cart.checkout_key
        assert at_once(*[lambda one=cart, key=key, got=orders: got.append(place(one, key=key))] * 4) == []
        assert len(orders) == 4
        assert len({order.pk for order in orders}) == 1
    assert Order.objects.count() == ROUNDS
    assert Stock.objects.get(variant=variant).reserved == ROUNDS
    assert stock_faults() == []


def test_a_cart_is_ordered_filled_and_merged_into_at_once(
    place: Callable[..., Order],
    make_cart: Callable[..., Cart],
    make_variant: Callable[..., Variant],
    customer: User,
) -> None:
    variant, other = make_variant(stock=500), make_variant(stock=500)
    cart = Cart.objects.create(user=customer)
    for _ in range(ROUNDS):
        add_to_cart(cart, variant)
        cart.refresh_from_db()
        guest, order = make_cart(other), Order.objects.filter(status="pending").first()
        works = [
            lambda: place(cart),
            lambda: add_to_cart(cart, other),
            lambda one=guest: merge_carts(one, customer),
        ]
        if order:
            works.append(lambda one=order: cancel_order(one))
        raised = at_once(*works)
        assert all(isinstance(error, QuantityTooLarge) for error in raised), raised
    assert Order.objects.count() == ROUNDS
    assert stock_faults() == []
