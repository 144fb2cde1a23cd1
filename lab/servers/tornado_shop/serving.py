"""The routes and the process: the shop's, and the sockets of the notifications."""

from __future__ import annotations

import asyncio
import gc
import re
import signal
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
from django.conf import settings
from django.db import connection
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerConnectionDelegate
from tornado.netutil import bind_sockets
from tornado.web import Application

from lab.servers.tornado_plain import PlainHandler
from lab.servers.tornado_shop.cache import Cache
from lab.servers.tornado_shop.catalogue import ProductHandler, ProductsHandler
from lab.servers.tornado_shop.checkout import OrdersHandler
from lab.servers.tornado_shop.database import open_pool
from lab.servers.tornado_shop.handlers import LARGEST_BODY, NotFoundHandler, Shop
from lab.servers.tornado_shop.payments import PaymentHandler
from lab.servers.tornado_shop.provider import Provider
from lab.servers.tornado_shop.tuned import Prebuilt
from notifications.hub import current_hub
from notifications.tornado_server import LEAVES_WITHIN, LiveHandler, ReadyHandler, SocketHandler

BACKLOG = 1024
REQUEST_SECONDS = 60.0
TIMEOUT = aiohttp.ClientTimeout(total=25, connect=5)


async def serve(host: str, port: int, cache_seconds: float, *, tuned: bool) -> None:
    """Returns after SIGTERM or SIGINT, when the clients have been sent elsewhere."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        shop = await _open_shop(stack, cache_seconds)
        server, hub = new_server(shop, tuned), current_hub()
        if tuned:
            gc.collect()
            gc.freeze()
        server.add_sockets(bind_sockets(port, host, backlog=BACKLOG))
        await stop.wait()
        server.stop()
        hub.drain()
        if SocketHandler.opened:
            await asyncio.wait(SocketHandler.opened, timeout=LEAVES_WITHIN)
        await server.close_all_connections()
        hub.close()


async def _open_shop(stack: AsyncExitStack, cache_seconds: float) -> Shop | None:
    """None on SQLite, which asyncpg does not speak: then there are sockets alone."""
    if connection.vendor != "postgresql":
        return None
    pool = await stack.enter_async_context(await open_pool())
    connector = aiohttp.TCPConnector(limit=0)
    http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=TIMEOUT))
    return Shop(pool, Provider(http), Cache(cache_seconds) if cache_seconds else None)


def new_server(shop: Shop | None, tuned: bool) -> HTTPServer:
    application = Application(
        [
            ("/ws/notifications/", SocketHandler if tuned else PlainHandler),
            ("/livez", LiveHandler),
            ("/readyz", ReadyHandler),
        ],
        log_function=lambda handler: None,  # the proxy keeps a log
        xsrf_cookie_name=settings.CSRF_COOKIE_NAME,
        **{"default_handler_class": NotFoundHandler, "default_handler_args": {"shop": shop}} if shop else {},
    )
    served: Application | HTTPServerConnectionDelegate = application
    if shop:
        # Answers hold this host's address, so nobody may make one up.
        application.add_handlers("|".join(map(re.escape, settings.ALLOWED_HOSTS)), _routes(shop))
        served = Prebuilt(shop, application) if tuned else application
    return HTTPServer(
        served,
        idle_connection_timeout=REQUEST_SECONDS,
        max_body_size=2 * LARGEST_BODY,
        max_buffer_size=2 * LARGEST_BODY,
    )


def _routes(shop: Shop) -> list[Any]:
    ours = {"shop": shop}
    return [
        (r"/api/v1/products/", ProductsHandler, ours),
        (r"/api/v1/products/([-a-zA-Z0-9_]+)/", ProductHandler, ours),
        (r"/api/v1/orders/", OrdersHandler, ours),
        (r"/api/v1/orders/([A-Za-z0-9_-]{1,32})/payment/", PaymentHandler, ours),
    ]
