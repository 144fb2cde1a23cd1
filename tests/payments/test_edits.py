"""The difference of a change, asked for at the real sandbox, and its books beside ours."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.utils import timezone
from djmoney.money import Money

from shop.catalog.models import Variant
from shop.invoices.services import balance_of
from shop.orders.models import Order, OrderEdit
from shop.orders.services import pack_order, ship_order
from shop.payments import stripe_gateway as gateway
from shop.payments.books import audit
from shop.payments.captures import capture_shipped
from shop.payments.edits import edit_order, expire_edits
from shop.payments.models import Payment, Refund
from shop.payments.reconciliation import reconcile
from shop.payments.services import apply_intent
from tests.payments.steps import log, now, refresh, start, work_off_tasks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def more(make_variant: Callable[..., Variant]) -> Variant:
    return make_variant(price="30.00")


def balance(order: Order) -> Money:
    return balance_of(order.public_id, "EUR")


def test_the_difference_is_paid_like_an_order_and_what_goes_back_is_refunded(
    paid: Order, pay_with: Callable[..., Any], more: Variant, mailoutbox: list
) -> None:
    edit_order(paid, {}, {more.pk: 1})
    payment = start(paid)
    assert (start(paid), payment.amount) == (payment, Money("30.00", "EUR"))
    pay_with(payment.intent_id)
    assert refresh(paid) == Order.Status.PAID
    line = now(paid).lines.first()
    edit_order(paid, {line.pk: 1})
    work_off_tasks()
    assert now(paid).total == balance(paid) == Money("58.90", "EUR")
    assert Refund.objects.get().amount == Money("24.00", "EUR")
    assert audit().differences == []
    assert log(paid)[2:] == ["edit_proposed", "edited", "edited", "refund_requested", "refund_paid"]
    assert [mail.subject.split(paid.number)[0] for mail in mailoutbox][1:4] == [
        "A change of your order ",
        "Your order ",
        "Your order ",
    ]


def test_an_attempt_for_what_was_not_paid_in_time_is_closed(
    paid: Order, provider: stripe.StripeClient, more: Variant
) -> None:
    edit_order(paid, {}, {more.pk: 1})
    payment = start(paid)
    OrderEdit.objects.update(expires_at=timezone.now())
    assert expire_edits() == 1
    Payment.objects.update(updated_at=timezone.now() - timedelta(hours=1))
    reconcile()  # whatever became of the task
    assert provider.v1.payment_intents.retrieve(payment.intent_id).status == "canceled"
    assert log(paid)[-1] == "edit_undone"


def test_paid_in_the_moment_that_it_was_taken_back(
    paid: Order, pay_with: Callable[..., Any], more: Variant
) -> None:
    edit_order(paid, {}, {more.pk: 1})
    payment = start(paid)
    pay_with(payment.intent_id)
    OrderEdit.objects.update(expires_at=timezone.now())
    expire_edits()
    work_off_tasks()  # closing the attempt brings the news that it was paid
    apply_intent(gateway.ask(gateway.retrieve_intent(payment.intent_id)))
    work_off_tasks()
    assert (Refund.objects.get().status, Refund.objects.get().amount) == ("succeeded", payment.amount)
    assert now(paid).total == balance(paid) == Money("52.90", "EUR")
    assert audit().differences == []


def test_of_a_hold_less_is_taken_when_the_order_became_cheaper(
    order: Order, pay_with: Callable[..., Any], provider: stripe.StripeClient, settings: Any
) -> None:
    settings.PAYMENT_CAPTURE = "at_shipping"
    pay_with(start(order).intent_id)
    refresh(order)
    edit_order(order, {order.lines.get().pk: 1})
    work_off_tasks()
    pack_order(order)
    ship_order(order, "Tideway", "TW-1")
    capture_shipped()
    intent = provider.v1.payment_intents.retrieve(order.payments.get().intent_id)
    assert (intent.status, intent.amount_received) == ("succeeded", 2890)
    assert now(order).total == balance(order) == Money("28.90", "EUR")
    assert audit().differences == []
