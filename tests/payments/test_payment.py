import asyncio
import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe
from asgiref.sync import async_to_sync
from django.utils import timezone
from djmoney.money import Money

from shop.inventory.models import Stock
from shop.orders.models import Order
from shop.payments import stripe_gateway as gateway
from shop.payments.cancellations import cancel_order, expire_orders
from shop.payments.models import Payment
from shop.payments.reconciliation import reconcile
from shop.payments.services import (
    PaymentClosed,
    _attach,
    apply_intent,
    close_payment,
    open_payment,
    start_payment,
)
from tests.payments.steps import log, now, refresh, start, work_off_tasks

pytestmark = pytest.mark.django_db(transaction=True)
Status = Order.Status


def test_a_good_card_pays_the_order(order: Order, pay_with: Callable[..., Any], mailoutbox: list) -> None:
    payment = start(order)
    assert payment.amount == order.total
    pay_with(payment.intent_id)
    assert refresh(order) == Status.PAID
    payment.refresh_from_db()
    assert (payment.status, payment.method) == (Payment.Status.SUCCEEDED, "Visa ···· 4242")
    assert log(order) == ["placed", "paid"]
    evidence = Order.objects.get(pk=order.pk).tax_evidence
    assert (evidence["parcel"]["country"], evidence["card_country"]) == ("IE", "US")
    work_off_tasks()
    assert order.number in mailoutbox[0].subject


def test_two_tabs_share_one_attempt(order: Order, provider: stripe.StripeClient) -> None:
    async def both() -> list[Payment]:
        return await asyncio.gather(*(start_payment(order) for _ in range(5)))

    attempts = async_to_sync(both)()
    assert len({attempt.intent_id for attempt in attempts}) == 1
    known = provider.v1.payment_intents.list({"limit": 100}).data
    keys = [intent.metadata.to_dict().get("payment") for intent in known if intent.metadata]
    assert keys.count(str(attempts[0].idempotency_key)) == 1


def test_a_decline_is_written_once_and_a_good_card_then_pays(
    order: Order, pay_with: Callable[..., Any], provider: stripe.StripeClient
) -> None:
    payment = start(order)
    assert pay_with(payment.intent_id, "pm_card_visa_chargeDeclined") is None
    assert refresh(order) == Status.PENDING
    refresh(order)
    payment.refresh_from_db()
    assert "declined" in payment.last_error
    assert not payment.method
    declined = gateway.intent_from(provider.v1.payment_intents.retrieve(payment.intent_id).to_dict())
    pay_with(payment.intent_id)
    assert refresh(order) == Status.PAID
    apply_intent(declined)  # Old news, arriving late.
    assert log(order) == ["placed", "payment_declined", "paid"]
    assert now(order).status == Status.PAID


def test_news_that_comes_many_times_counts_once(
    order: Order, pay_with: Callable[..., Any], provider: stripe.StripeClient
) -> None:
    payment = start(order)
    pay_with(payment.intent_id)
    news = gateway.intent_from(provider.v1.payment_intents.retrieve(payment.intent_id).to_dict())
    for _ in range(3):
        apply_intent(news)
    assert log(order) == ["placed", "paid"]


def test_a_webhook_faster_than_the_answer_finds_its_payment(
    order: Order, pay_with: Callable[..., Any], provider: stripe.StripeClient
) -> None:
    payment = start(order)
    pay_with(payment.intent_id)
    news = gateway.intent_from(provider.v1.payment_intents.retrieve(payment.intent_id).to_dict())
    Payment.objects.filter(pk=payment.pk).update(intent_id=None, status=Payment.Status.STARTING)
    apply_intent(news)
    assert now(order).status == Status.PAID


def test_an_attempt_known_by_a_message_alone_can_still_be_paid(
    order: Order, provider: stripe.StripeClient
) -> None:
    """The server died between the provider's answer and the row that keeps it."""
    attempt = open_payment(order)
    call = gateway.create_intent(
        attempt.idempotency_key, attempt.amount, order.email, f"Order {order.number}"
    )
    intent = gateway.ask(call)
    apply_intent(dataclasses.replace(intent, client_secret=""))
    assert Payment.objects.get().intent_id == intent.id
    assert (start(order).intent_id, start(order).client_secret) == (intent.id, intent.client_secret)
    assert Payment.objects.count() == 1


def test_an_overdue_order_gives_its_stock_back_and_its_attempt_is_closed(
    order: Order, provider: stripe.StripeClient, mailoutbox: list
) -> None:
    payment = start(order)
    Order.objects.filter(pk=order.pk).update(reserved_until=timezone.now() - timedelta(seconds=1))
    assert expire_orders() == 1
    assert expire_orders() == 0
    assert Stock.objects.get(variant=order.lines.get().variant_id).reserved == 0
    work_off_tasks()
    assert provider.v1.payment_intents.retrieve(payment.intent_id).status == "canceled"
    payment.refresh_from_db()
    assert payment.status == Payment.Status.CANCELLED
    assert now(order).status == Status.CANCELLED
    with pytest.raises(PaymentClosed):
        start(now(order))


def test_a_payment_under_way_is_not_expired(order: Order) -> None:
    payment = start(order)
    Payment.objects.filter(pk=payment.pk).update(status=Payment.Status.PROCESSING)
    Order.objects.filter(pk=order.pk).update(reserved_until=timezone.now() - timedelta(seconds=1))
    assert expire_orders() == 0
    assert now(order).status == Status.PENDING


def test_a_payment_nobody_told_us_of_is_found(order: Order, pay_with: Callable[..., Any]) -> None:
    payment = start(order)
    pay_with(payment.intent_id)
    assert reconcile() == 0
    Payment.objects.update(updated_at=timezone.now() - timedelta(minutes=3))
    assert reconcile() == 1
    assert now(order).status == Status.PAID


def test_the_order_is_kept_when_the_provider_is_away(order: Order, settings: Any) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    with pytest.raises(gateway.GatewayUnavailable):
        start(order)
    assert now(order).status == Status.PENDING
    assert Payment.objects.get().status == Payment.Status.STARTING


def test_an_order_called_off_while_the_provider_is_asked_is_not_paid_any_more(
    order: Order, provider: stripe.StripeClient
) -> None:
    payment = open_payment(order)
    intent = gateway.ask(
        gateway.create_intent(payment.idempotency_key, payment.amount, order.email, order.number)
    )
    cancel_order(order)
    work_off_tasks()
    with pytest.raises(PaymentClosed):
        _attach(payment, intent)
    work_off_tasks()
    assert provider.v1.payment_intents.retrieve(intent.id).status == "canceled"


def test_an_attempt_goes_on_after_it_was_said_to_be_processing(
    order: Order, pay_with: Callable[..., Any]
) -> None:
    payment = start(order)
    pay_with(payment.intent_id, "pm_card_visa_chargeDeclined")
    refresh(order)
    Payment.objects.filter(pk=payment.pk).update(status=Payment.Status.PROCESSING)
    refresh(order)
    payment.refresh_from_db()
    assert payment.status == Payment.Status.WAITING
    assert log(order) == ["placed", "payment_declined"]


def test_an_attempt_that_could_not_be_closed_is_closed_later(
    order: Order, settings: Any, provider: stripe.StripeClient
) -> None:
    payment = start(order)
    right, settings.STRIPE_API_BASE = settings.STRIPE_API_BASE, "http://127.0.0.1:9"
    cancel_order(order)
    with pytest.raises(gateway.GatewayUnavailable):
        close_payment.call(payment.pk)
    settings.STRIPE_API_BASE = right
    Payment.objects.update(updated_at=timezone.now() - timedelta(minutes=3))
    reconcile()
    assert provider.v1.payment_intents.retrieve(payment.intent_id).status == "canceled"


def test_one_order_that_cannot_expire_does_not_keep_the_others(
    order: Order, place: Callable[..., Order], make_cart: Callable[..., Any]
) -> None:
    other = place(make_cart())
    Stock.objects.filter(variant=order.lines.get().variant_id).update(
        reserved=0
    )  # Releasing it breaks a constraint.
    Order.objects.update(reserved_until=timezone.now() - timedelta(seconds=1))
    assert expire_orders() == 1
    assert now(other).status == Status.CANCELLED
    assert now(order).status == Status.PENDING


def test_another_shop_on_the_same_account_pays_nothing_here(
    order: Order, provider: stripe.StripeClient
) -> None:
    payment = open_payment(order)
    intent = provider.v1.payment_intents.create(
        {
            "amount": gateway.to_minor(order.total),
            "currency": "eur",
            "automatic_payment_methods": {"enabled": True},
            "metadata": {"payment": str(payment.pk)},
        }
    )
    card = {"payment_method": "pm_card_visa", "return_url": "http://testserver/"}
    provider.v1.payment_intents.confirm(intent.id, card)
    apply_intent(gateway.ask(gateway.retrieve_intent(intent.id)))
    assert now(order).status == Status.PENDING


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        (Money("48.10", "EUR"), 4810),
        (Money("500", "JPY"), 500),
        (Money("1.250", "KWD"), 1250),
        (Money("500", "ISK"), 50000),
    ],
)
def test_minor_units_go_both_ways(amount: Money, minor: int) -> None:
    assert gateway.to_minor(amount) == minor
    assert gateway.from_minor(minor, str(amount.currency)) == amount
