"""Money that is authorised when the order is placed, and taken when its first parcel leaves."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import stripe
from django.utils import timezone
from djmoney.money import Money

from accounts.models import User
from lab.faults.sales import money_faults, unsettled
from notifications.services import relay
from shop.inventory.models import Stock
from shop.orders.invoicing import documents_of
from shop.orders.models import Order
from shop.orders.services import pack_order, ship_order
from shop.payments import stripe_gateway as gateway
from shop.payments.books import audit, ledger_total
from shop.payments.cancellations import cancel_order
from shop.payments.captures import capture, capture_shipped, watch_holds
from shop.payments.line_cancellations import cancel_lines
from shop.payments.models import Payment, Refund
from shop.payments.reconciliation import reconcile
from shop.payments.refunds import refund_order
from shop.payments.services import apply_intent
from tests.payments.steps import log, now, refresh, start, work_off_tasks
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)
Status = Order.Status


@pytest.fixture(autouse=True)
def at_shipping(settings: Any) -> None:
    settings.PAYMENT_CAPTURE = "at_shipping"


@pytest.fixture
def authorised(order: Order, pay_with: Callable[..., Any]) -> Payment:
    pay_with(start(order).intent_id)
    refresh(order)
    return order.payments.get()


def captured(provider: stripe.StripeClient, payment: Payment) -> tuple[str, int]:
    intent = provider.v1.payment_intents.retrieve(payment.intent_id)
    return intent.status, intent.amount_received


def send(order: Order, **options: Any) -> None:
    pack_order(order)
    ship_order(order, "Tideway", f"TW-{order.pk}", **options)


def test_an_authorised_order_counts_as_paid_and_keeps_its_stock(
    order: Order, authorised: Payment, provider: stripe.StripeClient
) -> None:
    assert (authorised.status, authorised.method) == (Payment.Status.AUTHORISED, "Visa ···· 4242")
    assert timedelta(days=6) < authorised.authorised_until - timezone.now() < timedelta(days=8)
    assert log(order) == ["placed", "paid"]
    Payment.objects.update(updated_at=timezone.now() - timedelta(hours=1))
    assert (capture_shipped(), reconcile()) == (0, 0)  # it waits for its parcel, and nobody is asked
    assert captured(provider, authorised) == ("requires_capture", 0)
    assert ledger_total().amount == 0
    assert audit().differences == []


def test_the_parcel_takes_the_money_once(
    order: Order, authorised: Payment, provider: stripe.StripeClient
) -> None:
    held = gateway.ask(gateway.retrieve_intent(authorised.intent_id))
    send(order)
    assert (capture_shipped(), capture_shipped()) == (1, 0)
    apply_intent(held)  # Old news, arriving late.
    authorised.refresh_from_db()
    assert authorised.status == Payment.Status.SUCCEEDED
    assert captured(provider, authorised) == ("succeeded", gateway.to_minor(order.total))
    assert log(order)[-2:] == ["shipped", "captured"]
    assert audit().ours == order.total
    assert audit().differences == []
    refund_order(order, Money("1.00", "EUR"))
    work_off_tasks()
    assert audit().differences == []


def test_several_workers_at_once_take_it_once(order: Order, authorised: Payment) -> None:
    send(order)
    assert at_once(*[lambda: capture(authorised)] * 4) == []
    assert log(order).count("captured") == 1
    assert ledger_total() == order.total


def test_a_capture_whose_answer_was_lost_is_asked_for_again(
    order: Order, authorised: Payment, settings: Any, provider: stripe.StripeClient
) -> None:
    send(order)
    right, settings.STRIPE_API_BASE = settings.STRIPE_API_BASE, "http://127.0.0.1:9"
    assert capture_shipped() == 0
    settings.STRIPE_API_BASE = right
    gateway.ask(gateway.capture_intent(authorised.idempotency_key, authorised.intent_id, order.total))
    Payment.objects.update(updated_at=timezone.now() - timedelta(minutes=2))
    assert capture_shipped() == 1
    assert log(order).count("captured") == 1
    assert captured(provider, authorised) == ("succeeded", gateway.to_minor(order.total))


def test_what_was_called_off_before_the_parcel_is_never_taken(
    order: Order, authorised: Payment, provider: stripe.StripeClient
) -> None:
    line = order.lines.get()
    cancel_lines(order, {line.pk: 1}, why="One is enough")
    work_off_tasks()
    given = Refund.objects.get()
    assert given.status == Refund.Status.RELEASED
    send(now(order))
    capture_shipped()
    left = order.total - given.amount
    assert captured(provider, authorised) == ("succeeded", gateway.to_minor(left))
    payment = order.payments.get()
    assert (payment.amount, payment.refundable) == (left, left)
    assert audit().differences == []


def test_cancelling_gives_the_hold_back_and_takes_nothing(
    order: Order, authorised: Payment, provider: stripe.StripeClient
) -> None:
    cancel_order(order, why="Changed my mind")
    work_off_tasks()
    assert captured(provider, authorised) == ("canceled", 0)
    authorised.refresh_from_db()
    assert authorised.status == Payment.Status.CANCELLED
    assert Refund.objects.get().status == Refund.Status.RELEASED
    assert audit().differences == []
    relay()
    assert (unsettled(since=0), money_faults(since=0)) == (0, [])  # as the fault runs ask


def test_an_order_that_was_called_off_before_the_bank_agreed_takes_nothing(
    order: Order, pay_with: Callable[..., Any], provider: stripe.StripeClient
) -> None:
    payment = start(order)
    pay_with(payment.intent_id)
    order.move_to(Status.CANCELLED)
    refresh(order)
    work_off_tasks()
    assert captured(provider, payment) == ("canceled", 0)
    assert log(order) == ["placed", "cancelled"]


def test_a_hold_that_ends_is_told_a_day_before_and_then_called_off(
    order: Order, authorised: Payment, provider: stripe.StripeClient, mailoutbox: list
) -> None:
    User.objects.create_superuser("ada@example.com", "a-long-passphrase")
    assert watch_holds() == 0
    Payment.objects.update(authorised_until=timezone.now() + timedelta(hours=20))
    assert (watch_holds(), watch_holds()) == (1, 0)
    provider.v1.payment_intents.cancel(authorised.intent_id)
    apply_intent(gateway.ask(gateway.retrieve_intent(authorised.intent_id)))
    assert now(order).status == Status.PAID
    assert (watch_holds(), watch_holds()) == (1, 0)
    assert now(order).status == Status.CANCELLED
    assert Stock.objects.get(variant=order.lines.get().variant_id).reserved == 0
    # Nothing was paid and nothing is owed.
    assert [(one.kind, one.total) for one in documents_of(order)] == [
        ("invoice", order.total),
        ("credit_note", order.total),
    ]
    work_off_tasks()
    told = [mail.subject.partition(":")[0] for mail in mailoutbox if mail.to == ["ada@example.com"]]
    assert told == ["A payment is about to run out", "A payment has run out"]


def alarms(order: Order, mailoutbox: list) -> list[str]:
    work_off_tasks()
    return [mail.subject.partition(":")[0] for mail in mailoutbox if mail.to == ["ada@example.com"]]


def test_what_the_provider_refuses_after_the_parcel_left_is_told_once_and_asked_for_patiently(
    order: Order, authorised: Payment, provider: stripe.StripeClient, mailoutbox: list
) -> None:
    User.objects.create_superuser("ada@example.com", "a-long-passphrase")
    send(order)
    # More than is held: the provider refuses, and holds on to the rest.
    Payment.objects.update(amount=order.total * 2, status=Payment.Status.CAPTURING, updated_at=long_ago())
    assert (capture_shipped(), capture_shipped()) == (1, 0)
    Payment.objects.update(updated_at=long_ago())
    assert capture_shipped() == 1
    assert log(order).count("capture_refused") == 1
    assert alarms(order, mailoutbox) == ["A payment could not be taken"]
    Payment.objects.update(amount=order.total, updated_at=long_ago(3))
    assert capture_shipped() == 1
    assert captured(provider, authorised) == ("succeeded", gateway.to_minor(order.total))


def long_ago(hours: int = 2) -> datetime:
    return timezone.now() - timedelta(hours=hours)


def test_goods_that_left_without_their_money_are_told_of_once_and_their_invoice_stands(
    order: Order, authorised: Payment, provider: stripe.StripeClient, mailoutbox: list
) -> None:
    User.objects.create_superuser("ada@example.com", "a-long-passphrase")
    pack_order(order)
    ship_order(order, "Tideway", "TW-1", quantities={order.lines.get().pk: 1})
    provider.v1.payment_intents.cancel(authorised.intent_id)
    assert capture_shipped() == 1
    authorised.refresh_from_db()
    assert authorised.status == Payment.Status.CANCELLED
    assert (watch_holds(), watch_holds()) == (1, 0)
    assert now(order).status == Status.PACKED
    assert log(order)[-2:] == ["partly_shipped", "payment_lapsed"]
    assert [one.kind for one in documents_of(order)] == ["invoice"]
    assert alarms(order, mailoutbox) == ["Goods left without their money"]
