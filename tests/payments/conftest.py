"""The real sandbox in a process of its own, and a buyer who holds a card against it."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from shop.orders.models import Order
from tests.payments.steps import refresh, start


@pytest.fixture(autouse=True)
def gateway_asks_the_sandbox(sandbox_url: str, settings: Any) -> None:
    settings.STRIPE_API_BASE = f"{sandbox_url}/stripe"


@pytest.fixture
def provider(sandbox_url: str) -> stripe.StripeClient:
    """Stripe's own client, to look at the provider's side of things."""
    return stripe.StripeClient("sk_test_sandbox", base_addresses={"api": f"{sandbox_url}/stripe"})


@pytest.fixture
def pay_with(provider: stripe.StripeClient) -> Callable[..., stripe.PaymentIntent | None]:
    """What the card form does: `pay_with(intent_id, "pm_card_visa")`; None when the card is declined."""

    def pay(intent_id: str, card: str = "pm_card_visa") -> stripe.PaymentIntent | None:
        try:
            return provider.v1.payment_intents.confirm(
                intent_id, {"payment_method": card, "return_url": "http://testserver/"}
            )
        except stripe.CardError:
            return None

    return pay


@pytest.fixture
def paid(order: Order, pay_with: Callable[..., Any]) -> Order:
    pay_with(start(order).intent_id)
    refresh(order)
    assert order.status == Order.Status.PAID
    return order
