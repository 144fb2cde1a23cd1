"""Events that the webhook never brought are read from the provider's list, each once."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from shop.orders.models import Order
from shop.payments import unheard
from shop.payments.models import Bookmark, GatewayEvent
from shop.payments.unheard import hear_unheard
from tests.payments.steps import log, now, start
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_payment_that_nobody_told_us_of_is_heard_of(order: Order, pay_with: Callable[..., Any]) -> None:
    pay_with(start(order).intent_id)
    assert hear_unheard() > 0
    assert log(order) == ["placed", "paid"]
    hear_unheard()
    assert log(order) == ["placed", "paid"]


def test_a_long_list_is_read_to_its_end(
    order: Order, provider: stripe.StripeClient, pay_with: Callable[..., Any]
) -> None:
    """The payment is the oldest of more events than a page of the list holds."""
    pay_with(start(order).intent_id)
    noise = {"amount": 100, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True}
    noise["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
    for _ in range(55):  # two events each
        provider.v1.payment_intents.create(noise)
    assert hear_unheard() >= 110
    assert now(order).status == Order.Status.PAID


def test_several_workers_at_once_apply_each_event_once(order: Order, pay_with: Callable[..., Any]) -> None:
    pay_with(start(order).intent_id)
    errors = at_once(*[hear_unheard] * 4)
    assert errors == []
    assert log(order) == ["placed", "paid"]
    ids = list(GatewayEvent.objects.values_list("event_id", flat=True))
    assert len(ids) == len(set(ids))
    assert order.payments.get().ledger.count() == 1


def test_the_bookmark_goes_forward_only(order: Order) -> None:
    hear_unheard()
    mark = Bookmark.objects.get(name="events")
    mark.move_to(mark.at - unheard.OVERLAP)
    mark.refresh_from_db()
    assert mark.at == Bookmark.objects.get().at
