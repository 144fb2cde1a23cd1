"""What nobody paid for goes back on the shelf within a minute of its time, by the worker as it runs."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from shop.background import JOBS, start_in_thread
from shop.cart.models import Cart
from shop.inventory.audit import stock_faults
from shop.inventory.models import Reservation, Stock
from shop.orders.models import Order
from shop.payments import cancellations
from shop.payments.cancellations import expire_orders
from shop.payments.models import Payment
from shop.payments.services import apply_intent
from shop.payments.stripe_gateway import Intent
from tests.payments.steps import log, now

pytestmark = pytest.mark.django_db(transaction=True)
Status = Payment.Status
WITHIN = 60.0


@pytest.fixture
def worker() -> Iterator[None]:
    background = start_in_thread()
    yield
    background.stop(30)


def ends_in(seconds: float, *orders: Order) -> None:
    until = timezone.now() + timedelta(seconds=seconds)
    Order.objects.filter(pk__in=[order.pk for order in orders]).update(reserved_until=until)
    held = Reservation.objects.filter(reference__in=[order.public_id for order in orders])
    held.update(expires_at=until)


def news(payment: Payment, status: str) -> Intent:
    return Intent(
        id=payment.intent_id or "",
        status=status,
        received=payment.amount if status == "succeeded" else payment.amount * 0,
        client_secret="",
        key=payment.idempotency_key,
        charge="",
        method="Visa",
        error="",
    )


def test_stock_is_back_within_a_minute_and_a_payment_under_way_is_waited_for(
    make_variant: Callable[..., Any],
    make_cart: Callable[..., Cart],
    place: Callable[..., Order],
    worker: None,
) -> None:
    variant = make_variant(stock=9)
    unpaid, paying, failing = (place(make_cart(variant, quantity)) for quantity in (4, 3, 2))
    payments = [
        Payment.objects.create(
            order=order, amount=order.total, status=Status.PROCESSING, intent_id=f"pi_{order.pk}"
        )
        for order in (paying, failing)
    ]
    ends_in(0.5, unpaid, paying, failing)
    over = time.monotonic() + 0.5

    assert seconds_until(lambda: reserved(variant) == 5, over) <= WITHIN
    assert (now(unpaid).status, now(paying).status, now(failing).status) == (
        "cancelled",
        "pending",
        "pending",
    )
    apply_intent(news(payments[0], "succeeded"))
    apply_intent(news(payments[1], "canceled"))
    over = time.monotonic()
    assert seconds_until(lambda: reserved(variant) == 3, over) <= WITHIN
    assert now(failing).status == "cancelled"
    assert log(paying)[-1] == "paid"
    assert stock_faults() == []


def reserved(variant: Any) -> int:
    return Stock.objects.get(variant=variant).reserved


def seconds_until(happens: Callable[[], bool], since: float) -> float:
    while not happens():
        assert time.monotonic() - since < WITHIN + 5
        time.sleep(0.1)
    return time.monotonic() - since


def test_however_many_end_at_once_all_are_given_back_in_one_turn(
    monkeypatch: pytest.MonkeyPatch,
    make_variant: Callable[..., Any],
    make_cart: Callable[..., Cart],
    place: Callable[..., Order],
) -> None:
    """A turn takes so many at a time; here two, of five."""
    monkeypatch.setattr(cancellations, "AT_ONCE", 2)
    variant = make_variant(stock=5)
    orders = [place(make_cart(variant)) for _ in range(5)]
    ends_in(-1, *orders)
    assert expire_orders() == 5
    assert reserved(variant) == 0
    assert JOBS[expire_orders] <= WITHIN / 2
