"""A crowd in small: a thousand places taken at once, a thousand sockets that watch, one process that serves them."""

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import pytest
from django.db import connection
from django.utils import timezone

from notifications.models import Event
from notifications.protocol import SUBPROTOCOL
from shop.drops.models import Drop, Place
from shop.drops.services import take_place
from tests.live import LiveShop, live_shop

pytestmark = pytest.mark.django_db(transaction=True)
CROWD, THREADS = 1000, 12
RATE = 1200  # a minute: 20 a second
SEEN = 100  # so many let in is what every socket has to hear of
WITHIN = 15.0


class Watcher:
    """A page that is open: it hears how far the line is, and remembers when it heard enough."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.enough: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def watch(self, http: aiohttp.ClientSession, stream: str, arrived: asyncio.Semaphore) -> None:
        async with arrived:
            socket = await http.ws_connect("/ws/notifications/", protocols=[SUBPROTOCOL])
            await socket.send_str('{"t": "hello"}')
            await socket.send_str(json.dumps({"t": "sub", "id": 1, "stream": stream}))
            while json.loads((await socket.receive(10)).data)["t"] != "ok":
                pass
        self.hearing = asyncio.create_task(self._hear(socket))

    async def _hear(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            frame = json.loads(message.data)
            if frame["t"] == "ping":
                await socket.send_str('{"t": "pong"}')
            elif frame["t"] == "ev":
                self.heard.append(frame["d"]["admitted"])
                if self.heard[-1] >= SEEN and not self.enough.done():
                    self.enough.set_result(time.monotonic())


def join(drop: Drop, count: int) -> None:
    """So many visitors, in a thread as a web process has them."""
    try:
        for _ in range(count):
            take_place(drop, None)
    finally:
        connection.close()


async def rush(shop: LiveShop, drop: Drop) -> list[Watcher]:
    """Half of the crowd waits for the opening, half comes while the line moves; all watch."""
    loop, pool = asyncio.get_running_loop(), ThreadPoolExecutor(THREADS)

    def crowd(now: Drop) -> list[asyncio.Future]:
        return [
            loop.run_in_executor(pool, join, now, CROWD // 2 // (THREADS - 2)) for _ in range(THREADS - 2)
        ]

    def open_it() -> Drop:
        try:
            Drop.objects.filter(pk=drop.pk).update(opens_at=timezone.now())
            while (now := Drop.objects.get(pk=drop.pk)).opened_at is None:
                time.sleep(0.05)
            return now
        finally:
            connection.close()

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(shop.url, connector=connector) as http:
        arrived, watchers = asyncio.Semaphore(100), [Watcher() for _ in range(CROWD)]
        await asyncio.gather(*(watcher.watch(http, drop.stream, arrived) for watcher in watchers))
        await asyncio.gather(*crowd(drop))
        opened = await asyncio.wait_for(loop.run_in_executor(pool, open_it), WITHIN)
        await asyncio.gather(*crowd(opened))
        await asyncio.wait_for(asyncio.gather(*(watcher.enough for watcher in watchers)), WITHIN)
        for watcher in watchers:
            watcher.hearing.cancel()
    pool.shutdown()
    return watchers


def test_a_thousand_stand_in_line_and_see_it_move(make_drop: Callable[..., Drop]) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite takes one writer at a time; a crowd is for PostgreSQL")
    drop = make_drop(opens_in=3600, rate=RATE)
    with live_shop() as shop:
        watchers = asyncio.run(rush(shop, drop))
    drop.refresh_from_db()  # the line moved until the shop had ended
    elapsed = (timezone.now() - drop.opened_at).total_seconds()
    assert SEEN <= drop.admitted <= elapsed * RATE / 60
    # The job of the shop's process and every arrival moved the line; at the end nobody is without a number.
    numbers = list(Place.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, CROWD + 1))
    assert (drop.drawn, Place.objects.inside().count()) == (CROWD // 2, drop.admitted)
    # At no time did more go in than the rate allows, and it was told a few times a second.
    events = list(Event.objects.on(drop.stream).order_by("offset").values_list("payload", "created_at"))
    for payload, at in events:
        assert payload["admitted"] <= (at - drop.opened_at).total_seconds() * RATE / 60
    assert len(events) <= 3 + 3 * elapsed
    # Every socket heard the line move, in order, and none long after another.
    for watcher in watchers:
        assert watcher.heard == sorted(watcher.heard)
        assert len(watcher.heard) >= 3
    times = [watcher.enough.result() for watcher in watchers]
    assert max(times) - min(times) < 3
