"""The server is killed at bad moments. What was acknowledged is still there, and what was under way goes on."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
import stripe

from shop.catalog.models import Variant
from shop.orders.models import Order
from shop.payments.models import GatewayEvent, LedgerEntry, Payment
from shop.shipping.models import ShippingMethod
from tests.buyer import Buyer
from tests.live import server
from tests.processes import free_port

pytestmark = pytest.mark.django_db(transaction=True)


async def order_and_open_the_card_form(url: str, variant: Variant) -> None:
    async with Buyer(url) as buyer:
        await buyer.fill_cart(variant.product.slug, variant.pk)
        await buyer.go_to_delivery()
        status, pay_page = await buyer.place_order()
        assert (status, pay_page[-5:]) == (302, "/pay/")
        assert (await buyer.get(pay_page))[0] == 200


async def turn_knobs(url: str, **knobs: object) -> None:
    async with aiohttp.ClientSession() as http, http.post(f"{url}/sandbox/knobs", json=knobs) as answer:
        assert answer.status == 200


def until(condition: Callable[[], bool], within: float) -> bool:
    deadline = time.monotonic() + within
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.2)
    return condition()


def test_a_payment_that_nobody_lived_to_hear_of_counts_after_the_restart(
    tmp_path: Path, make_variant: Callable[..., Variant], delivery: ShippingMethod
) -> None:
    variant, url = make_variant(), f"http://127.0.0.1:{free_port()}"
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(server(url, url, tmp_path))
        asyncio.run(order_and_open_the_card_form(url, variant))
        # The bank says yes, and the shop dies before Stripe's message is on its way.
        asyncio.run(turn_knobs(url, webhook_delay_ms=2000))
        provider = stripe.StripeClient("sk_test_sandbox", base_addresses={"api": f"{url}/sandbox/stripe"})
        card = {"payment_method": "pm_card_visa", "return_url": url}
        intent = provider.v1.payment_intents.confirm(Payment.objects.get().intent_id, card)
        process.kill()
        process.wait(10)
        assert intent.status == "succeeded"
        assert Order.objects.get().status == Order.Status.PENDING
        assert not GatewayEvent.objects.filter(kind="payment_intent.succeeded").exists()

        stack.enter_context(server(url, url, tmp_path))
        assert until(lambda: Order.objects.get().status == Order.Status.PAID, within=40)
        assert [event.kind for event in Order.objects.get().events.all()] == ["placed", "paid"]
        mails = tmp_path / "mail"
        assert until(lambda: mails.exists() and len(list(mails.iterdir())) == 1, within=20)


def test_a_payment_without_a_webhook_and_without_a_browser_counts_within_90_seconds(
    tmp_path: Path, make_variant: Callable[..., Variant], delivery: ShippingMethod
) -> None:
    variant, url = make_variant(), f"http://127.0.0.1:{free_port()}"
    with server(url, url, tmp_path):
        asyncio.run(turn_knobs(url, webhook_loss=1))
        asyncio.run(order_and_open_the_card_form(url, variant))
        provider = stripe.StripeClient("sk_test_sandbox", base_addresses={"api": f"{url}/sandbox/stripe"})
        card = {"payment_method": "pm_card_visa", "return_url": url}
        provider.v1.payment_intents.confirm(Payment.objects.get().intent_id, card)
        assert until(lambda: Order.objects.get().status == Order.Status.PAID, within=90)
        assert [event.kind for event in Order.objects.get().events.all()] == ["placed", "paid"]
        assert LedgerEntry.objects.exclude(kind="fee").get().amount == Order.objects.get().total
