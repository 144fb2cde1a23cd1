"""The real sandbox in a process of its own, and a buyer who holds a card against it."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe

from tests.processes import free_port, running


@pytest.fixture(scope="session")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("sandbox"), free_port()
    command = [
        sys.executable,
        "-m",
        "shop.sandbox",
        "--port",
        str(port),
        "--database",
        str(folder / "s.sqlite3"),
    ]
    url = f"http://127.0.0.1:{port}"
    with running(command, log=folder / "log", ready=f"{url}/sandbox/knobs"):
        yield url


@pytest.fixture(autouse=True)
def gateway_asks_the_sandbox(sandbox_url: str, settings: Any) -> None:
    settings.STRIPE_API_BASE = f"{sandbox_url}/sandbox/stripe"


@pytest.fixture
def provider(sandbox_url: str) -> stripe.StripeClient:
    """Stripe's own client, to look at the provider's side of things."""
    return stripe.StripeClient("sk_test_sandbox", base_addresses={"api": f"{sandbox_url}/sandbox/stripe"})


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
