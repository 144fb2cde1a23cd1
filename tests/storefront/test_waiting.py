"""Two hundred buyers wait for the payment provider at once, on one process. Who else has to wait?"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import psutil
import pytest
from aiohttp import web
from django.db import connection
from django.utils import timezone
from djmoney.money import Money

from shop.orders.models import Order
from tests.live import LiveShop, live_shop
from tests.processes import free_port

pytestmark = pytest.mark.django_db(transaction=True)
WAITING, SECONDS = 200, 2.0
LONG_ENOUGH = 5.0  # for a page to come, and for one more buyer to reach the provider


@pytest.fixture
def orders() -> list[str]:
    """The addresses of as many pay pages."""
    half_an_hour = timezone.now() + timedelta(minutes=30)
    zero, price = Money(0, "EUR"), Money("24.00", "EUR")
    made = Order.objects.bulk_create(
        Order(
            checkout_key=f"key-{number}",
            email="nora@example.com",
            name="Nora Byrne",
            line1="4 Harbour Row",
            city="Howth",
            country="IE",
            reserved_until=half_an_hour,
            shipping_name="Tube by post",
            shipping_days_min=2,
            shipping_days_max=4,
            subtotal=price,
            discount=zero,
            shipping=zero,
            tax=zero,
            total=price,
        )
        for number in range(WAITING)
    )
    return [f"/checkout/{order.public_id}/pay/" for order in made]


class SlowProvider:
    """Stands before the sandbox and lets nobody through until it is told to."""

    def __init__(self) -> None:
        self.port = free_port()
        self.arrived, self.last = 0, 0.0  # how many, and when the last of them
        self.open = asyncio.Event()
        self.behind = ""

    @contextlib.asynccontextmanager
    async def listening(self, behind: str) -> AsyncIterator[None]:
        self.behind = behind
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port, backlog=WAITING).start()
        try:
            yield
        finally:
            self.open.set()
            await runner.cleanup()

    async def answer(self, request: web.Request) -> web.Response:
        self.arrived, self.last = self.arrived + 1, time.monotonic()
        await self.open.wait()
        async with (
            aiohttp.ClientSession() as http,
            http.request(
                request.method,
                self.behind + request.path_qs,
                data=await request.read(),
                headers=request.headers,
            ) as answer,
        ):
            return web.Response(
                body=await answer.read(), status=answer.status, content_type="application/json"
            )


@dataclass(frozen=True)
class Seen:
    """While they waited: how many had reached the provider, and how many had given up; the process's threads; the
    seconds that two other pages took. `answers` counts what those who waited got in the end.
    """

    arrived: int
    gave_up: int
    threads: int
    home: float
    cart: float
    answers: Counter[int]


async def watch(shop: LiveShop, provider: SlowProvider, paths: list[str]) -> Seen:
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=100)
    async with (
        provider.listening(shop.url),
        aiohttp.ClientSession(shop.url, connector=connector, timeout=timeout) as http,
    ):
        await _seconds(http, "/")
        provider.last = time.monotonic()
        waiting = [asyncio.create_task(_status(http, path)) for path in paths]
        while provider.arrived < len(paths) and time.monotonic() < provider.last + LONG_ENOUGH:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        arrived = provider.arrived
        await asyncio.sleep(SECONDS)
        home, cart = await _seconds(http, "/"), await _seconds(http, "/cart/")
        threads = psutil.Process(shop.processes[0].pid).num_threads()
        gave_up = sum(task.done() for task in waiting)
        provider.open.set()
        return Seen(arrived, gave_up, threads, home, cart, Counter(await asyncio.gather(*waiting)))


async def _status(http: aiohttp.ClientSession, path: str) -> int:
    async with http.get(path) as answer:
        await answer.read()
        return answer.status


async def _seconds(http: aiohttp.ClientSession, path: str) -> float:
    """How long a page takes; LONG_ENOUGH when it does not come at all."""
    started = time.monotonic()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LONG_ENOUGH):
            if await _status(http, path) != 200:
                return LONG_ENOUGH
    return time.monotonic() - started


def measure(orders: list[str], **environment: str) -> Seen:
    provider = SlowProvider()
    with live_shop(SANDBOX_URL=f"http://127.0.0.1:{provider.port}", **environment) as shop:
        return asyncio.run(watch(shop, provider, orders))


def test_while_200_wait_the_rest_of_the_shop_does_not(orders: list[str]) -> None:
    seen = measure(orders)
    assert (seen.arrived, seen.gave_up) == (WAITING, 0)
    assert seen.answers == {200: WAITING}
    assert max(seen.home, seen.cart) < 2
    assert seen.threads < 40


def test_synchronous_views_hold_a_thread_and_a_connection_each(orders: list[str]) -> None:
    seen = measure(orders, DJANGO_SETTINGS_MODULE="tests.storefront.blocking_settings")
    if connection.vendor == "postgresql":
        # The pool's 16 connections are with the first 16 buyers; nobody else gets a page.
        assert seen.arrived <= 16
        assert min(seen.home, seen.cart) > SECONDS
    else:
        assert seen.arrived == WAITING
        assert seen.threads > WAITING
