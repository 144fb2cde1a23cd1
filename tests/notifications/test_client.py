"""The Python client keeps the client's half of the promise, whatever happens to the network and the server."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client as Browser

from notifications.client import Client, Ended, Event, News, Position, Refused, Reset
from notifications.identity import issue_ticket
from notifications.models import Event as Row
from notifications.models import Stream
from tests.notifications.wire import Wire
from tests.notifications.writing import ROOT, say

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 15
BEGINNING = Position()


@pytest.fixture(scope="session")
def harbour(channels):
    """One door will do: that both speak alike, other tests say."""
    return channels


@pytest.fixture
async def wire(harbour) -> AsyncIterator[Wire]:
    async with Wire(harbour.port) as wire:
        yield wire


async def tell(room: str, count: int = 1, **payload) -> None:
    await in_thread(say, room, count, **payload)


@sync_to_async
def in_thread(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    finally:
        connection.close()


class Listener:
    """Follows in the background, and keeps what it got."""

    def __init__(self, url: str, streams: dict[str, Position | None], **options) -> None:
        self.got: list[News] = []
        self._task = asyncio.create_task(self._listen(url, streams, options))

    async def _listen(self, url, streams, options) -> None:
        async with Client(url, **options) as client:
            async for news in client.follow(streams):
                self.got.append(news)

    @property
    def offsets(self) -> list[int]:
        return [news.position.offset for news in self.got if isinstance(news, Event)]

    async def until(self, count: int) -> None:
        """So much has come, and nothing more right after it."""
        async with asyncio.timeout(SECONDS):
            while len(self.got) < count:
                if self._task.done():
                    await self._task
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert len(self.got) == count, self.got

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def ended(self) -> None:
        await asyncio.wait_for(self._task, SECONDS)


@pytest.fixture
async def listen(wire):
    """`listen(stream)` follows it in the background, from its first event on or from a position."""
    started: list[Listener] = []

    def start(stream: str, position: Position = BEGINNING, **options) -> Listener:
        started.append(Listener(wire.url, {stream: position}, **options))
        return started[-1]

    yield start
    for listener in started:
        await listener.end()


async def test_events_arrive_in_order_with_what_is_known_of_them(listen, room):
    listener = listen(room)
    await tell(room, 2)
    await listener.until(2)
    first, second = listener.got
    rows = await in_thread(lambda: list(Row.objects.order_by("offset")))
    epoch = await in_thread(lambda: Stream.objects.get(name=room).epoch)
    assert (first.stream, first.position, first.kind, first.data) == (room, (epoch, 1), "said", {"n": 1})
    assert second.position == (epoch, 2)
    assert [event.id for event in listener.got] == [str(row.uid) for row in rows]
    assert abs((first.time - rows[0].created_at).total_seconds()) < 0.002


async def test_it_goes_on_where_a_cut_connection_left_it(listen, room, wire):
    listener = listen(room)
    await tell(room, 3)
    await listener.until(3)
    for before in (3, 6, 9):
        wire.cut()
        await tell(room, 3)
        await listener.until(before + 3)
    assert listener.offsets == list(range(1, 13))
    assert wire.opened >= 4


async def test_gap_is_asked_for_again(listen, room, wire):
    wire.swallow = lose_first_of(2)
    listener = listen(room)
    await tell(room, 5)
    await listener.until(5)
    assert listener.offsets == [1, 2, 3, 4, 5]
    assert wire.opened == 1


def lose_first_of(offset: int) -> Callable[[bytes], bool]:
    mark, seen = f'"k":"said","o":{offset},'.encode(), []

    def swallow(frame: bytes) -> bool:
        seen.extend([frame] if mark in frame else [])
        return seen == [frame]

    return swallow


async def test_lost_tail_shows_in_the_next_ping(listen, room, wire, settings):
    settings.NOTIFICATIONS_LIMITS = {"ping": 0.2}
    wire.swallow = lose_first_of(3)
    listener = listen(room)
    await tell(room, 3)
    await listener.until(3)
    assert (listener.offsets, wire.opened) == ([1, 2, 3], 1)


async def test_silence_is_taken_for_a_dead_connection(listen, room, wire, settings):
    settings.NOTIFICATIONS_LIMITS = {"ping": 0.2, "pong": 0.3}
    listener = listen(room)
    await tell(room)
    await listener.until(1)
    wire.open.clear()  # no packet comes through, and nobody says so
    await tell(room, 2)
    await asyncio.wait_for(wire.reopened.wait(), SECONDS)
    wire.open.set()
    await listener.until(3)
    assert listener.offsets == [1, 2, 3]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_restarted_server_costs_nothing(listen, room, wire, other_harbours, how):
    process, wire.target = await in_thread(lambda: other_harbours.process(poll=0.2))
    listener = listen(room)
    await tell(room, 2)
    await listener.until(2)
    process.send_signal(how)
    await tell(room, 3)
    await in_thread(process.wait, 10)
    wire.target = await in_thread(lambda: other_harbours(poll=0.2))
    await tell(room, 2)
    await listener.until(7)
    assert listener.offsets == [1, 2, 3, 4, 5, 6, 7]


async def test_reset_comes_before_any_later_event(listen, room):
    await tell(room, 5)
    epoch = await in_thread(lambda: Stream.objects.get(name=room).epoch)
    await in_thread(lambda: Row.objects.filter(offset__lte=3).delete())
    listener = listen(room, Position(epoch, 1))
    await listener.until(1)
    await tell(room)
    await listener.until(2)
    assert listener.got[0] == Reset(room, Position(epoch, 5))
    assert listener.offsets == [6]


async def test_terminal_bye_ends_it(listen, room, wire):
    async def stale() -> str:
        return "used before"

    listener = listen(room, ticket=stale)
    with pytest.raises(Ended) as ended:
        await listener.ended()
    assert (ended.value.code, wire.opened) == (4501, 1)


async def test_refused_handshake_ends_it(listen, room, wire):
    listener = listen(room, origin="https://elsewhere.example")
    with pytest.raises(Ended) as ended:
        await listener.ended()
    assert (ended.value.code, wire.opened) == (403, 1)


async def test_refused_stream_is_told_and_nothing_is_left_to_follow(listen):
    listener = listen("room:closed")
    await listener.ended()
    assert listener.got == [Refused("room:closed", "not_found")]


async def test_app_brings_a_fresh_ticket_each_time(listen, wire):
    user = await in_thread(lambda: get_user_model().objects.create_user("app@example.com", "x"))

    async def fetch_ticket() -> str:
        return await in_thread(issue_ticket, user)

    own = f"own:{user.pk}"
    listener = listen(own, ticket=fetch_ticket)
    await tell(own)
    await listener.until(1)
    wire.cut()
    await tell(own)
    await listener.until(2)
    assert listener.offsets == [1, 2]


async def test_browser_s_cookie_is_sent_with_the_page_s_origin(listen, wire):
    user = await in_thread(lambda: get_user_model().objects.create_user("tab@example.com", "x"))
    browser = Browser()
    await in_thread(browser.force_login, user)
    cookies = {"sessionid": browser.cookies["sessionid"].value}
    own = f"own:{user.pk}"
    listener = listen(own, cookies=cookies, origin=wire.url.removesuffix("/ws/notifications/"))
    await tell(own)
    await listener.until(1)


async def test_slow_caller_holds_the_server_back_and_gets_everything(room, wire, settings):
    settings.NOTIFICATIONS_LIMITS = {"window": 10, "ping": 0.1, "pong": 0.3}
    await tell(room, 100)
    got = []
    async with Client(wire.url) as client:
        async for news in client.follow({room: BEGINNING}):
            got.append(news.position.offset)
            if len(got) == 1:
                await asyncio.sleep(1)
                assert client._news.qsize() <= 10
            if len(got) == 100:
                break
    assert got == list(range(1, 101))
    assert wire.opened == 1  # it answered pings meanwhile


def test_it_can_be_copied_out_of_the_site():
    code = "import sys, json, notifications.client; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert "aiohttp" in loaded
    assert not loaded & {"django", "shop", "channels", "asgiref"}
