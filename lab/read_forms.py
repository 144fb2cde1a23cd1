"""One read of the API, the list of prints, in the forms it could have under Django: see `lab.front`.

`orm` is the shop's own view with nothing kept. `psycopg` and `asyncpg` are asynchronous views that do by hand what
Tornado's handler beside it does (lab/servers/tornado_shop/catalogue.py): the same two statements, the same shapes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import psycopg
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from lab.servers.tornado_shop import catalogue, shapes
from lab.servers.tornado_shop.database import open_pool
from lab.servers.tornado_shop.handlers import encoded, etag_of
from lab.servers.tornado_shop.limits import Limits
from shop.urls import *  # noqa: F403  # its handlers of errors
from shop.urls import urlpatterns as shop

Fetch = Callable[[str, tuple[Any, ...]], Awaitable[list[Any]]]


class Pools(NamedTuple):
    """Of a loop; opened by whoever asks first."""

    psycopg: AsyncConnectionPool[Any]
    asyncpg: Any


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
    return Pools(made, await open_pool())


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


FORMS = {"psycopg": by_psycopg, "asyncpg": by_asyncpg}
urlpatterns = [*(path(f"lab/read/{name}/", view) for name, view in FORMS.items()), *shop]
