"""What is written in bulk for the loads is what the shop's own services can work with."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from lab import selling
from lab.faults.acts import prepare
from lab.wire.buyers import ADDRESS
from lab.wire.provider import Provider
from shop.orders.models import Order
from shop.payments.models import Payment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    """In a loop of its own, as in the process that makes the load."""
    one, loop = Provider(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    port = asyncio.run_coroutine_threadsafe(one.listen(), loop).result(10)
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{port}/sandbox/stripe"
    yield one
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def test_a_cart_is_bought_and_made_known_to_the_provider(provider: Provider) -> None:
    prepare()
    (token, key, total), _ = selling.carts(2)
    wanted = {
        "checkout_key": key,
        "email": "nora@example.com",
        "address": ADDRESS,
        "shipping": "method:tube",
        "expected_total": {"amount": total, "currency": "EUR"},
    }
    client = Client()
    placed = client.post(
        "/api/v1/orders/", wanted, content_type="application/json", headers={"Cart-Token": token}
    )
    assert placed.status_code == 201, placed.content
    sheet = client.post(
        f"/api/v1/orders/{placed.json()['public_id']}/payment/", content_type="application/json"
    )
    assert sheet.status_code == 200, sheet.content
    assert sheet.json()["payment_status"] == "waiting"
    assert provider.asked == 1
    assert Payment.objects.get().intent_id == "pi_" + Payment.objects.get().idempotency_key.hex


def test_an_order_that_waits_is_asked_about(provider: Provider) -> None:
    prepare()
    one, _ = selling.waiting_orders(2)
    state = Client().get(f"/api/v1/orders/{one}/payment/")
    assert state.status_code == 200, state.content
    assert state.json()["payment_status"] == "waiting"
    assert provider.asked == 1


def test_of_a_scarce_print_it_is_counted_what_was_sold() -> None:
    prepare()
    variant = selling.scarce("scarce", 1)
    outcomes = []
    for token, key, total in selling.carts(2, only=variant):
        wanted = {
            "checkout_key": key,
            "email": "nora@example.com",
            "address": ADDRESS,
            "shipping": "method:tube",
            "expected_total": {"amount": total, "currency": "EUR"},
        }
        headers = {"Cart-Token": token}
        answer = Client().post("/api/v1/orders/", wanted, content_type="application/json", headers=headers)
        outcomes.append(answer.status_code)
    assert outcomes == [201, 409]
    assert selling.sold(variant) == {"orders": 1, "held": 1, "reserved": 1}
    assert Order.objects.count() == 1


def test_the_catalogue_is_made_once_and_shown() -> None:
    prepare()
    slugs = selling.catalogue()
    assert selling.catalogue() == slugs
    page = json.loads(Client().get("/api/v1/products/").content)
    assert len(page["results"]) == 24
    assert {one["cover"]["width"] for one in page["results"]} == {2400}
    assert Client().get(f"/products/{slugs[0]}/").status_code == 200
