"""Money that goes back: by itself, by a cancellation, or by staff."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from djmoney.money import Money

from shop.inventory.models import Stock
from shop.orders.models import Order, WrongStatus
from shop.orders.services import pack_order
from shop.payments import stripe_gateway as gateway
from shop.payments.cancellations import cancel_order, expire_orders
from shop.payments.models import Payment, Refund
from shop.payments.reconciliation import reconcile
from shop.payments.refunds import NothingToRefund, refund_order, send_refund
from shop.payments.services import (
    apply_intent,
)
from tests.payments.steps import log, now, start, work_off_tasks

pytestmark = pytest.mark.django_db(transaction=True)
Status = Order.Status


def test_money_that_comes_too_late_goes_back_by_itself(
    order: Order, pay_with: Callable[..., Any], provider: stripe.StripeClient
) -> None:
    payment = start(order)
    pay_with(payment.intent_id)
    Order.objects.filter(pk=order.pk).update(reserved_until=timezone.now() - timedelta(seconds=1))
    expire_orders()
    work_off_tasks()
    assert log(order) == ["placed", "cancelled", "paid_too_late", "refund_requested", "refund_paid"]
    assert now(order).status == Status.CANCELLED  # it was never paid in time
    charge = provider.v1.payment_intents.retrieve(
        payment.intent_id, {"expand": ["latest_charge"]}
    ).latest_charge
    assert charge.amount_refunded == charge.amount == gateway.to_minor(order.total)


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
    assert now(order).status == Status.CANCELLED


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
