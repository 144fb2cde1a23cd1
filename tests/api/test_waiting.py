"""Apps that wait for the payment provider by way of the API keep no connection from anybody else."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable

import aiohttp
import pytest

from shop.cart.models import Cart
from shop.catalog.models import Variant
from shop.orders.models import Order
from tests.live import live_shop
from tests.storefront.test_waiting import LONG_ENOUGH, SlowProvider

pytestmark = pytest.mark.django_db(transaction=True)
WAITING = 40  # the pool has 16 connections
UNLIMITED = "read=1000000/60,write=1000000/60"


@pytest.fixture
def orders(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> list[str]:
    variant = make_variant(stock=WAITING)
    return [f"/api/v1/orders/{place(make_cart(variant)).public_id}/payment/" for _ in range(WAITING)]


async def watch(url: str, provider: SlowProvider, paths: list[str]) -> tuple[int, float, Counter[int]]:
    """How many reached the provider, the seconds that a read took meanwhile, and what all got in the end."""
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=LONG_ENOUGH * 4)
    async with (
        provider.listening(url),
        aiohttp.ClientSession(url, connector=connector, timeout=timeout) as http,
    ):

        async def start(number: int, path: str) -> int:
            # With a key as well as without: what is kept under it is no transaction around the wait.
            headers = {"Idempotency-Key": f"one-of-many-{number:06}"} if number % 2 else {}
            async with http.post(path, headers=headers) as answer:
                await answer.read()
                return answer.status

        waiting = [asyncio.create_task(start(number, path)) for number, path in enumerate(paths)]
        until = time.monotonic() + LONG_ENOUGH
        while provider.arrived < len(paths) and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        arrived, began, took = provider.arrived, time.monotonic(), LONG_ENOUGH
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONG_ENOUGH), http.get("/api/v1/products/") as answer:
                assert answer.status == 200
                took = time.monotonic() - began
        provider.open.set()
        return arrived, took, Counter(await asyncio.gather(*waiting))


def test_while_forty_wait_others_are_answered_and_all_are_served_after(orders: list[str]) -> None:
    provider = SlowProvider()
    with live_shop(SANDBOX_URL=f"http://127.0.0.1:{provider.port}", API_LIMITS=UNLIMITED) as shop:
        arrived, took, answers = asyncio.run(watch(shop.url, provider, orders))
        assert arrived == WAITING
        assert took < 5
        assert answers == {200: WAITING}
        # Nobody kept a connection for good either: as many again find one.
        with_all = asyncio.run(_reads(shop.url, WAITING))
    assert with_all == {200: WAITING}


async def _reads(url: str, count: int) -> Counter[int]:
    async def read(http: aiohttp.ClientSession) -> int:
        async with http.get("/api/v1/products/") as answer:
            return answer.status

    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0)) as http:
        return Counter(await asyncio.gather(*(read(http) for _ in range(count))))
