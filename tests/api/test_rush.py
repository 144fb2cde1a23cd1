"""An app on a bad line sends one order fifty times at once. The shop runs as it does: a server of its own."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import aiohttp
import pytest
from django.db import connection

from shop.cart.models import Cart
from shop.catalog.models import Variant
from shop.inventory.models import Stock
from shop.orders.models import Order
from shop.shipping.models import ShippingMethod
from tests.live import live_shop

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = 50
UNLIMITED = ",".join(f"{name}=1000000/60" for name in ("read", "write", "sign-in", "code", "checkout"))
SAME = "the-same-key-for-all-of-them"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture
def cart(make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]) -> Cart:
    return make_cart(make_variant(price="24.00", stock=TIMES * 2))


@pytest.fixture
def send(cart: Cart, address: dict[str, str], delivery: ShippingMethod) -> Callable[..., list[Answer]]:
    """Sends the cart's order under each of these keys, all at once; tells what came."""
    body = {
        "checkout_key": cart.checkout_key,
        "email": "nora@example.com",
        "address": {**address, "region": "Co. Dublin"},
        "shipping": "method:tube",
        "expected_total": {"amount": "28.90", "currency": "EUR"},
    }

    async def one(http: aiohttp.ClientSession, key: str) -> Answer:
        headers = {"Cart-Token": cart.token, "Idempotency-Key": key}
        async with http.post("/api/v1/orders/", json=body, headers=headers) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.read())

    async def all_of(url: str, keys: list[str]) -> list[Answer]:
        connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=120)
        async with aiohttp.ClientSession(url, connector=connector, timeout=timeout) as http:
            return await asyncio.gather(*(one(http, key) for key in keys))

    return lambda url, keys: asyncio.run(all_of(url, keys))


def test_one_key_fifty_times_is_one_order_and_one_answer(
    send: Callable[..., list[Answer]], cart: Cart
) -> None:
    with live_shop(API_LIMITS=UNLIMITED) as shop:
        answers = send(shop.url, [SAME] * TIMES)
        (late,) = send(shop.url, [SAME])
    statuses = Counter(answer.status for answer in answers)
    assert statuses[201] >= 1
    assert set(statuses) <= {201, 409}
    # Whoever asks while the first is under way is told so, and when to come back.
    waiting = [answer for answer in answers if answer.status == 409]
    assert {(one.json["code"], one.headers["Retry-After"]) for one in waiting} <= {("request_in_flight", "1")}
    assert len({answer.body for answer in answers if answer.status == 201} | {late.body}) == 1
    assert late.headers["Idempotency-Replayed"] == "true"
    order = Order.objects.get()
    assert late.json["public_id"] == order.public_id
    assert Stock.objects.get().reserved == 1


def test_fifty_keys_for_one_cart_are_one_order(send: Callable[..., list[Answer]], cart: Cart) -> None:
    with live_shop(API_LIMITS=UNLIMITED) as shop:
        answers = send(shop.url, [f"a-key-of-its-own-{number:03}" for number in range(TIMES)])
    assert Counter(answer.status for answer in answers) == {201: TIMES}
    order = Order.objects.get()
    assert {answer.json["public_id"] for answer in answers} == {order.public_id}
    assert Stock.objects.get().reserved == 1
    assert cart.count() == 0


def test_without_the_keys_there_are_several(send: Callable[..., list[Answer]], cart: Cart) -> None:
    """The control: the same requests, where nobody looks whether they are the same."""
    with live_shop(DJANGO_SETTINGS_MODULE="tests.api.careless_settings", API_LIMITS=UNLIMITED) as shop:
        answers = send(shop.url, [SAME] * TIMES)
    made = sum(answer.status == 201 for answer in answers)
    assert made == Order.objects.count() == Stock.objects.get().reserved
    assert made > 1, f"on {connection.vendor} they came one after the other"
