import asyncio
import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe
from asgiref.sync import async_to_sync
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from djmoney.money import Money

from shop.background import new_worker
from shop.inventory.models import Stock
from shop.orders.models import Order, WrongStatus
from shop.orders.services import pack_order
from shop.payments import stripe_gateway as gateway
from shop.payments.cancellations import cancel_order, expire_orders
from shop.payments.models import Payment, Refund
from shop.payments.reconciliation import reconcile
from shop.payments.refunds import NothingToRefund, refund_order, send_refund
from shop.payments.services import (
    PaymentClosed,
    _attach,
    apply_intent,
    close_payment,
    open_payment,
    refresh_payment,
    start_payment,
)

pytestmark = pytest.mark.django_db(transaction=True)
Status = Order.Status


def start(order: Order) -> Payment:
    return async_to_sync(start_payment)(order)


def refresh(order: Order) -> str:
    return async_to_sync(refresh_payment)(order)


def work_off_tasks() -> None:
    """The worker, until nothing is left to do."""
    new_worker(["*"], interval=0, batch=True).run()
    failed = DBTaskResult.objects.failed()
    assert not failed, failed[0].traceback


def log(order: Order) -> list[str]:
    return [event.kind for event in order.events.all()]


def now(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


@pytest.fixture
def paid(order: Order, pay_with: Callable[..., Any]) -> Order:
    pay_with(start(order).intent_id)
    refresh(order)
    assert order.status == Status.PAID
    return order


def test_a_good_card_pays_the_order(order: Order, pay_with: Callable[..., Any], mailoutbox: list) -> None:
    payment = start(order)
    assert payment.amount == order.total
    pay_with(payment.intent_id)
    assert refresh(order) == Status.PAID
    payment.refresh_from_db()
    assert (payment.status, payment.method) == (Payment.Status.SUCCEEDED, "Visa ···· 4242")
    assert log(order) == ["placed", "paid"]
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
    declined = gateway._intent(provider.v1.payment_intents.retrieve(payment.intent_id).to_dict())
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
    news = gateway._intent(provider.v1.payment_intents.retrieve(payment.intent_id).to_dict())
    for _ in range(3):
        apply_intent(news)
    assert log(order) == ["placed", "paid"]


def test_a_webhook_faster_than_the_answer_finds_its_payment(
    order: Order, pay_with: Callable[..., Any], provider: stripe.StripeClient
) -> None:
    payment = start(order)
    pay_with(payment.intent_id)
    news = gateway._intent(provider.v1.payment_intents.retrieve(payment.intent_id).to_dict())
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


def test_money_that_comes_too_late_goes_back_by_itself(
    order: Order, pay_with: Callable[..., Any], provider: stripe.StripeClient
) -> None:
    payment = start(order)
    pay_with(payment.intent_id)
    Order.objects.filter(pk=order.pk).update(reserved_until=timezone.now() - timedelta(seconds=1))
    expire_orders()
    work_off_tasks()
    assert log(order)[:4] == ["placed", "cancelled", "paid_too_late", "refund_requested"]
    assert now(order).status == Status.REFUNDED
    charge = provider.v1.payment_intents.retrieve(
        payment.intent_id, {"expand": ["latest_charge"]}
    ).latest_charge
    assert charge.amount_refunded == charge.amount == gateway.to_minor(order.total)


def test_a_payment_under_way_is_not_expired(order: Order) -> None:
    payment = start(order)
    Payment.objects.filter(pk=payment.pk).update(status=Payment.Status.PROCESSING)
    Order.objects.filter(pk=order.pk).update(reserved_until=timezone.now() - timedelta(seconds=1))
    assert expire_orders() == 0
    assert now(order).status == Status.PENDING


def test_a_refund_in_parts_ends_as_refunded(paid: Order, mailoutbox: list) -> None:
    refund_order(paid, Money("10.00", "EUR"), reason="A dent")
    work_off_tasks()
    assert now(paid).status == Status.PAID
    with pytest.raises(NothingToRefund):
        refund_order(paid, paid.total)
    refund_order(paid, reason="The rest")
    work_off_tasks()
    assert now(paid).status == Status.REFUNDED
    assert sorted(r.status for r in Refund.objects.all()) == [Refund.Status.SUCCEEDED] * 2
    assert sum(r.amount for r in Refund.objects.all()) == paid.total
    with pytest.raises(NothingToRefund):
        refund_order(paid)
    assert len(mailoutbox) == 3
    assert "10.00" in mailoutbox[1].body


def test_cancelling_a_paid_order_gives_stock_and_money_back_once(paid: Order) -> None:
    cancel_order(paid, why="Changed my mind")
    cancel_order(now(paid), why="Changed my mind")
    work_off_tasks()
    assert Refund.objects.get().amount == paid.total
    assert Stock.objects.get(variant=paid.lines.get().variant_id).reserved == 0
    assert now(paid).status == Status.REFUNDED


def test_what_has_left_cannot_be_cancelled(paid: Order) -> None:
    pack_order(paid)
    paid.move_to(Status.SHIPPED)
    with pytest.raises(WrongStatus):
        cancel_order(paid)
    assert not Refund.objects.exists()


def test_a_buyer_who_cancels_while_it_is_packed_comes_too_late(paid: Order) -> None:
    seen_as_paid = now(paid)
    pack_order(paid)
    with pytest.raises(WrongStatus, match="packed"):
        cancel_order(seen_as_paid, only_from=(Status.PENDING, Status.PAID))
    assert now(paid).status == Status.PACKED
    assert not Refund.objects.exists()


def test_a_payment_nobody_told_us_of_is_found(order: Order, pay_with: Callable[..., Any]) -> None:
    payment = start(order)
    pay_with(payment.intent_id)
    assert reconcile() == 0
    Payment.objects.update(updated_at=timezone.now() - timedelta(minutes=3))
    assert reconcile() == 1
    assert now(order).status == Status.PAID


def test_a_refund_whose_worker_died_is_sent_again_but_paid_once(
    paid: Order, provider: stripe.StripeClient
) -> None:
    refund = refund_order(paid)
    gateway.ask(gateway.create_refund(refund.idempotency_key, refund.payment.intent_id, refund.amount))
    DBTaskResult.objects.all().delete()
    Refund.objects.update(updated_at=timezone.now() - timedelta(minutes=3))
    reconcile()
    refund.refresh_from_db()
    assert refund.status == Refund.Status.SUCCEEDED
    made = provider.v1.refunds.list({"payment_intent": refund.payment.intent_id})
    assert len(made.data) == 1


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


def test_money_for_an_attempt_that_we_called_off_goes_back(
    order: Order, pay_with: Callable[..., Any]
) -> None:
    payment = start(order)
    pay_with(payment.intent_id)
    news = gateway.ask(gateway.retrieve_intent(payment.intent_id))
    Payment.objects.filter(pk=payment.pk).update(status=Payment.Status.CANCELLED)
    order.move_to(Status.CANCELLED)
    apply_intent(news)
    work_off_tasks()
    assert log(order)[2:4] == ["paid_too_late", "refund_requested"]
    assert now(order).status == Status.REFUNDED


def test_of_two_payments_for_one_order_one_goes_back(paid: Order, provider: stripe.StripeClient) -> None:
    second = Payment.objects.create(order=paid, amount=paid.total)
    intent = gateway.ask(gateway.create_intent(second.idempotency_key, paid.total, paid.email, paid.number))
    card = {"payment_method": "pm_card_visa", "return_url": "http://testserver/"}
    provider.v1.payment_intents.confirm(intent.id, card)
    apply_intent(gateway.ask(gateway.retrieve_intent(intent.id)))
    work_off_tasks()
    assert [refund.payment for refund in Refund.objects.all()] == [second]
    assert now(paid).status == Status.PAID
    assert "paid_twice" in log(paid)


def test_another_amount_than_the_order_s_goes_back(order: Order, pay_with: Callable[..., Any]) -> None:
    payment = start(order)
    pay_with(payment.intent_id)
    news = gateway.ask(gateway.retrieve_intent(payment.intent_id))
    Payment.objects.filter(pk=payment.pk).update(amount=Money("1.00", "EUR"))
    apply_intent(news)
    work_off_tasks()
    assert now(order).status == Status.PENDING
    assert Refund.objects.get().amount == order.total


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


def test_a_whole_refund_before_shipping_gives_the_stock_back(paid: Order) -> None:
    refund_order(paid)
    work_off_tasks()
    assert now(paid).status == Status.REFUNDED
    assert Stock.objects.get(variant=paid.lines.get().variant_id).reserved == 0


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "1.005", "9999.00"])
def test_an_amount_that_cannot_go_back_is_refused(paid: Order, amount: str) -> None:
    with pytest.raises(NothingToRefund):
        refund_order(paid, Money(amount, "EUR"))
    assert not Refund.objects.exists()


def test_a_wrong_api_key_fails_no_refund(paid: Order, settings: Any) -> None:
    refund = refund_order(paid)
    right, settings.STRIPE_SECRET_KEY = settings.STRIPE_SECRET_KEY, "sk_test_wrong"
    with pytest.raises(gateway.GatewayUnavailable):
        send_refund.call(refund.pk)
    refund.refresh_from_db()
    assert refund.status == Refund.Status.REQUESTED
    settings.STRIPE_SECRET_KEY = right
    work_off_tasks()
    refund.refresh_from_db()
    assert refund.status == Refund.Status.SUCCEEDED


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
