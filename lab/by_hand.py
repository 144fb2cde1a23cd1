"""Two operations of the API as asynchronous views of Django that do by hand what Tornado's handlers do.

The list of prints, on psycopg and on asyncpg, by the statements and the shapes of lab/servers/tornado_shop/; how a
payment stands, on asyncpg, by the very coroutine that Tornado's handler awaits, with its client for the provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import aiohttp
import psycopg
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from lab.servers.tornado_shop import catalogue, shapes
from lab.servers.tornado_shop.database import open_pool
from lab.servers.tornado_shop.handlers import PRIVATE, encoded, etag_of
from lab.servers.tornado_shop.limits import Limits
from lab.servers.tornado_shop.payments import standing
from lab.servers.tornado_shop.people import account_of
from lab.servers.tornado_shop.provider import Provider
from lab.servers.tornado_shop.refusals import Refused
from lab.servers.tornado_shop.serving import TIMEOUT
from shop.urls import *  # noqa: F403  # its handlers of errors
from shop.urls import urlpatterns as shop

Fetch = Callable[[str, tuple[Any, ...]], Awaitable[list[Any]]]


class Pools(NamedTuple):
    """Of a loop; opened by whoever asks first."""

    psycopg: AsyncConnectionPool[Any]
    asyncpg: Any
    provider: Provider


limits = Limits()  # counted in this process, as there
_pools: asyncio.Future[Pools] | None = None


async def pools() -> Pools:
    global _pools
    if _pools is None:
        _pools = asyncio.ensure_future(_open())
    return await asyncio.shield(_pools)


async def _open() -> Pools:
    told = connection.get_connection_params()
    made: AsyncConnectionPool[Any] = AsyncConnectionPool(
        kwargs={name: told[name] for name in ("dbname", "host", "port", "user", "password") if name in told}
        | {"cursor_factory": psycopg.AsyncRawCursor, "row_factory": dict_row, "autocommit": True},
        min_size=2,
        max_size=16,
        open=False,
    )
    await made.open()
    http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=TIMEOUT)
    return Pools(made, await open_pool(), Provider(http))


async def by_psycopg(request: HttpRequest) -> HttpResponse:
    async with (await pools()).psycopg.connection() as db:

        async def fetch(statement: str, parameters: tuple[Any, ...]) -> list[Any]:
            return await (await db.execute(statement, parameters)).fetchall()  # type: ignore[arg-type]

        return await _answer(request, fetch)


async def by_asyncpg(request: HttpRequest) -> HttpResponse:
    async with (await pools()).asyncpg.acquire() as db:

        async def fetch(statement: str, parameters: tuple[Any, ...]) -> list[Any]:
            return await db.fetch(statement, *parameters)

        return await _answer(request, fetch)


async def _answer(request: HttpRequest, fetch: Fetch) -> HttpResponse:
    _, headers = limits.count("read", request.META["REMOTE_ADDR"])
    (place,) = await fetch(catalogue.PLACE, ())
    at = place["at"].timestamp() if place["at"] else 0
    token = catalogue._signer.sign_object([place["number"], at, place["epoch"]])
    rows = await fetch(catalogue.FORWARDS, (None, 0, catalogue.PAGE + 1))
    base = f"{request.scheme}://{request.get_host()}"
    cards = [shapes.card({**row, "cover": catalogue._cover(row)}, base) for row in rows[: catalogue.PAGE]]
    body = encoded({"next": None, "previous": None, "results": cards, "sync": token, "gone": []})
    headers |= {"ETag": etag_of(body), "Cache-Control": "public, no-cache"}
    return HttpResponse(body, content_type="application/json", headers=headers)


async def payment(request: HttpRequest, public_id: str) -> HttpResponse:
    there = await pools()
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    account = await account_of(there.asyncpg, key) if key else None
    who = f"user:{account.id}" if account else request.META["REMOTE_ADDR"]
    _, headers = limits.count("read", who)
    try:
        told = await standing(there.asyncpg, there.provider, public_id, account.id if account else None)
    except Refused as refused:
        return HttpResponse(refused.detail, status=refused.status_code)
    headers |= {"Cache-Control": "no-store", "Vary": PRIVATE}
    return HttpResponse(encoded(told), content_type="application/json", headers=headers)


urlpatterns = [
    path("lab/read/psycopg/", by_psycopg),
    path("lab/read/asyncpg/", by_asyncpg),
    path("lab/orders/<slug:public_id>/payment/", payment),
    *shop,
]
