"""Money that came where it should not: it goes back by itself, and buyer and staff are told live and by mail."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.utils import timezone

from accounts.models import User
from notifications.models import Event
from notifications.services import relay
from shop.cart.models import Cart
from shop.catalog.models import Variant
from shop.inventory.models import Stock
from shop.orders.models import Order
from shop.payments import stripe_gateway as gateway
from shop.payments.books import audit
from shop.payments.cancellations import cancel_order, expire_orders
from shop.payments.models import Payment, Refund
from shop.payments.services import apply_intent
from tests.payments.steps import log, now, refresh, start, work_off_tasks

pytestmark = pytest.mark.django_db(transaction=True)
Status = Order.Status


@pytest.fixture
def treasurer(db: None) -> User:
    return User.objects.create_superuser("ada@example.com", "a-long-passphrase")


@pytest.fixture
def variant(make_variant: Callable[..., Variant]) -> Variant:
    return make_variant(stock=1)


@pytest.fixture
def order(
    place: Callable[..., Order], make_cart: Callable[..., Cart], customer: User, variant: Variant
) -> Order:
    """The only print of its kind, awaiting payment."""
    return place(make_cart(variant, user=customer))


def everybody_was_told(order: Order, kind: str, mailoutbox: list) -> None:
    relay()
    for stream in (order.stream, f"user:{order.user_id}", "staff:orders"):
        kinds = list(Event.objects.on(stream).values_list("kind", flat=True))
        assert {f"order.{kind}", "order.refund_requested", "order.refund_paid"} <= set(kinds), stream
    letters = {mail.to[0]: mail.subject for mail in mailoutbox}
    assert "comes back to you" in letters["nora@example.com"]
    assert letters["ada@example.com"] == f"A payment goes back by itself: {order.number}"


def test_paid_and_no_stock_left(
    order: Order,
    variant: Variant,
    place: Callable[..., Order],
    make_cart: Callable[..., Cart],
    pay_with: Callable[..., Any],
    treasurer: User,
    mailoutbox: list,
) -> None:
    intent_id = start(order).intent_id
    Order.objects.filter(pk=order.pk).update(reserved_until=timezone.now() - timedelta(seconds=1))
    expire_orders()
    other = place(make_cart(variant))  # somebody else has the last one
    pay_with(intent_id)
    apply_intent(gateway.ask(gateway.retrieve_intent(intent_id)))
    work_off_tasks()
    assert now(order).status == Status.CANCELLED
    assert Refund.objects.get().amount == order.total
    everybody_was_told(order, "paid_too_late", mailoutbox)
    assert (now(other).status, Stock.objects.get(variant=variant).reserved) == (Status.PENDING, 1)
    assert audit().differences == []


def test_money_for_an_order_that_was_cancelled(
    order: Order, pay_with: Callable[..., Any], treasurer: User, mailoutbox: list
) -> None:
    payment = start(order)
    pay_with(payment.intent_id)
    cancel_order(order, why="Changed my mind")
    work_off_tasks()  # closing the attempt brings the news that it was paid
    assert now(order).status == Status.CANCELLED
    everybody_was_told(order, "paid_too_late", mailoutbox)
    assert audit().differences == []


def test_a_late_success_after_a_decline_pays(
    order: Order, pay_with: Callable[..., Any], provider: stripe.StripeClient, mailoutbox: list
) -> None:
    payment = start(order)
    pay_with(payment.intent_id, "pm_card_visa_chargeDeclined")
    declined = gateway.ask(gateway.retrieve_intent(payment.intent_id))
    pay_with(payment.intent_id)
    paid = gateway.ask(gateway.retrieve_intent(payment.intent_id))
    for news in (paid, declined, paid):
        apply_intent(news)
    work_off_tasks()
    assert log(order) == ["placed", "paid"]
    assert [mail.to for mail in mailoutbox] == [["nora@example.com"]]
    assert not Refund.objects.exists()
    assert audit().differences == []


def test_of_two_successes_one_is_kept(
    order: Order,
    pay_with: Callable[..., Any],
    provider: stripe.StripeClient,
    treasurer: User,
    mailoutbox: list,
) -> None:
    pay_with(start(order).intent_id)
    refresh(order)
    second = Payment.objects.create(order=order, amount=order.total)
    intent = gateway.ask(
        gateway.create_intent(second.idempotency_key, order.total, order.email, order.number)
    )
    pay_with(intent.id)
    apply_intent(gateway.ask(gateway.retrieve_intent(intent.id)))
    work_off_tasks()
    assert now(order).status == Status.PAID
    assert Refund.objects.get().payment == second
    everybody_was_told(order, "paid_twice", mailoutbox)
    assert audit().ours == order.total
    assert audit().differences == []
