"""The connection to Stripe, kept by the server's loop, and what its errors mean to us."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from functools import cache
from typing import Any

import aiohttp
import certifi
import stripe
from asgiref.sync import AsyncToSync
from django.conf import settings

from shop.errors import ShopError
from shop.waiting import holding_nothing, refuse_to_wait_with_locks

TIMEOUT = aiohttp.ClientTimeout(total=25, connect=5)


class GatewayUnavailable(ShopError):
    code = "payment_provider_unavailable"
    message = "Our payment provider does not answer at the moment. Your order is kept; please try again."


class GatewayRefused(ShopError):
    code = "payment_refused"
    message = "The payment provider refused this."

    @property
    def customer_is_gone(self) -> bool:
        """Of a question about a customer: the provider has none of this id any more."""
        return self.details.get("stripe_code") == "resource_missing" and self.details.get("stripe_param") in (
            "customer",
            "id",
        )


type Loop = asyncio.AbstractEventLoop
_clients: dict[Loop, tuple[stripe.StripeClient, aiohttp.ClientSession]] = {}


@cache
def _trust() -> ssl.SSLContext:
    """Whom we believe to be Stripe: read once, as a client that is made for one question would read it each time."""
    return ssl.create_default_context(cafile=certifi.where())


def _new_client() -> tuple[stripe.StripeClient, aiohttp.ClientSession]:
    # Stripe's own session would open 100 connections at most: the 101st buyer would wait for the others.
    connector = aiohttp.TCPConnector(limit=0, ssl=_trust())
    session = aiohttp.ClientSession(connector=connector)
    client = stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        http_client=stripe.AIOHTTPClient(timeout=TIMEOUT, session=session),
        base_addresses={"api": settings.STRIPE_API_BASE},
        max_network_retries=2,
    )
    return client, session


@contextlib.asynccontextmanager
async def _talking() -> AsyncIterator[stripe.StripeClient]:
    """The server's loop keeps one client, and so its connections; a loop made for one call must not."""
    loop = asyncio.get_running_loop()
    if loop in AsyncToSync.loop_thread_executors:
        client, session = _new_client()
        async with session:
            yield client
        return
    if loop not in _clients:
        _clients[loop] = _new_client()
    yield _clients[loop][0]


async def close() -> None:
    """Closes this loop's connections."""
    _, session = _clients.pop(asyncio.get_running_loop(), (None, None))
    if session:
        await session.close()


def ask[Answer](call: Coroutine[Any, Any, Answer]) -> Answer:
    """For workers and commands, which have no loop: asks, waits, and closes."""

    async def asked() -> Answer:
        try:
            return await call
        finally:
            await close()

    refuse_to_wait_with_locks()
    return asyncio.run(asked())


async def answer(
    question: Callable[[stripe.StripeClient], Awaitable[stripe.StripeObject]],
) -> dict[str, Any]:
    async with _talking() as client:
        return (await _asked(question(client))).to_dict()


async def answers(
    question: Callable[[stripe.StripeClient], Awaitable[stripe.ListObject[Any]]],
) -> list[dict[str, Any]]:
    """Every row of a list, however many pages it takes."""
    async with _talking() as client:
        return await _asked(_pages(question(client)))


async def _pages(first: Awaitable[stripe.ListObject[Any]]) -> list[dict[str, Any]]:
    return [row.to_dict() async for row in (await first).auto_paging_iter()]


async def _asked[Answer](waiting: Awaitable[Answer]) -> Answer:
    try:
        return await holding_nothing(waiting)
    except (stripe.CardError, stripe.InvalidRequestError) as error:
        said = {"stripe_code": error.code, "stripe_param": error.param}
        raise GatewayRefused(error.user_message or str(error), **said) from error
    except (stripe.StripeError, TimeoutError) as error:
        # A 500, a key that another request is using or a wrong API key says nothing about what was asked.
        raise GatewayUnavailable from error
