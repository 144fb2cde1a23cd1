"""Follows streams from any asyncio program. It needs aiohttp and nothing of the site, so that it may be copied out.

It keeps the client's half of the promise: it goes on where it stopped, asks again after any gap, drops what it has
seen, acknowledges what its caller is done with, and says so (`Reset`) where the server cannot go on from there.

    async with Client("https://shop.example/ws/notifications/", ticket=fetch_ticket) as client:
        async for news in client.follow({"order:8Fq2": Position("4f1c", 3), "product:low-tide": None}):
            match news:
                case Event():
                    handle(news.kind, news.data)
                    save(news.stream, news.position)  # where to go on after a restart of this program
                case Reset():
                    load_afresh(news.stream)  # something is missing for good; what follows is complete again
                case Refused():
                    print(f"{news.stream} is not there, or not for us")
"""

import asyncio
import contextlib
import itertools
import json
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

import aiohttp

SUBPROTOCOL = "shop-notify.v1"
ACK_EVENTS, ACK_SECONDS = 64, 5.0
PATIENCE = 33.0  # seconds of silence, until the server has said how often it pings
CLOSES_WITHIN = aiohttp.ClientWSTimeout(ws_close=1.0)
RETRY_SECONDS, RETRY_MOST = 0.5, 30.0
MOST_WAITING = 512  # events that the caller has not asked for yet

logger = logging.getLogger(__name__)


class Position(NamedTuple):
    """A place in a stream: the event at this offset is the last one seen."""

    epoch: str = ""
    offset: int = 0


class Event(NamedTuple):
    stream: str
    position: Position
    kind: str
    data: Any
    id: str
    time: datetime


class Reset(NamedTuple):
    """Events up to this position are missing and cannot be had any more."""

    stream: str
    position: Position


class Refused(NamedTuple):
    """There is no such stream for this reader (any more); it is not followed from here on."""

    stream: str
    code: str


News = Event | Reset | Refused


class Ended(Exception):
    """The server wants no more of this client. `code` is the bye's, or the HTTP status of a refused handshake."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code, self.reason = code, reason


@dataclass(slots=True)
class _Topic:
    """A stream and the last place that arrived. What comes while a sub is unanswered will come again after it."""

    stream: str
    last: Position | None
    asked: int | None = None


class Client:
    """One socket. A browser's way in is `cookies` with the page's `origin`; an app's is `ticket`, fetched each time."""

    def __init__(
        self,
        url: str,
        *,
        ticket: Callable[[], Awaitable[str]] | None = None,
        cookies: Mapping[str, str] | None = None,
        origin: str | None = None,
    ) -> None:
        self._url, self._ticket, self._cookies, self._origin = url, ticket, cookies, origin
        self._topics: dict[str, _Topic] = {}
        self._ids = itertools.count(1)
        self._news: asyncio.Queue[News | Exception] = asyncio.Queue(MOST_WAITING)
        self._done: dict[str, int] = {}  # offsets to acknowledge
        self._patience, self._ack_events, self._done_events = PATIENCE, ACK_EVENTS, 0
        self._tries, self._pause = 0, 0.0  # the pause is the one that the server's bye asked for
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        jar = aiohttp.CookieJar(unsafe=True)  # also for a host that is a bare address
        self._http = aiohttp.ClientSession(cookies=self._cookies, cookie_jar=jar)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        await self._http.close()

    async def follow(self, streams: Mapping[str, Position | None]) -> AsyncIterator[News]:
        """What happens on these streams after these positions (None: from now on), until all are refused.

        Raises Ended. What was handed out counts as done when the next is asked for: a slow caller holds the server
        back, and one that takes more than 30 seconds for a full window is sent away, comes again and goes on.
        """
        if self._running is not None:
            raise RuntimeError("A client follows once; for more streams name them together, or take another.")
        self._topics = {stream: _Topic(stream, last) for stream, last in streams.items()}
        self._running = asyncio.create_task(self._run())
        while self._topics or not self._news.empty():
            news = await self._news.get()
            if isinstance(news, Exception):
                raise news
            yield news
            if isinstance(news, Event):
                self._done[news.stream] = news.position.offset
                self._done_events += 1
            if self._done_events >= self._ack_events:
                await self._acknowledge()

    # The socket

    async def _run(self) -> None:
        try:
            while True:
                try:
                    await self._converse()
                except (aiohttp.ClientError, OSError, TimeoutError) as fault:
                    logger.info("Not connected to %s: %r", self._url, fault)
                # Full jitter: a server that comes back is not stormed.
                most = min(RETRY_MOST, RETRY_SECONDS * 2**self._tries)
                await asyncio.sleep(self._pause or random.random() * most)
                self._tries, self._pause = min(self._tries + 1, 10), 0.0
        except Exception as fault:
            await self._news.put(fault)

    async def _converse(self) -> None:
        """From the hello to the exception that ends it."""
        ticket = {"ticket": await self._ticket()} if self._ticket else {}
        try:
            async with self._http.ws_connect(
                self._url, protocols=[SUBPROTOCOL], origin=self._origin, timeout=CLOSES_WITHIN
            ) as self._ws:
                await self._say("hello", **ticket)
                for topic in self._topics.values():
                    await self._ask(topic)
                ticking = asyncio.create_task(self._tick())
                try:
                    await self._listen(self._ws)
                finally:
                    ticking.cancel()
        except aiohttp.WSServerHandshakeError as fault:
            if fault.status < 500:
                raise Ended(fault.status, "the handshake was refused") from fault
            raise

    async def _listen(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        while (message := await ws.receive(self._patience)).type is aiohttp.WSMsgType.TEXT:
            frame = json.loads(message.data)
            if hear := getattr(self, f"_hear_{frame['t']}", None):  # a later server may say more
                await hear(frame)
        raise ConnectionError(f"closed with {ws.close_code}")

    async def _say(self, kind: str, **fields: Any) -> None:
        with contextlib.suppress(aiohttp.ClientError, OSError):  # _listen() finds out as well
            await self._ws.send_str(json.dumps({"t": kind, **fields}))

    async def _ask(self, topic: _Topic) -> None:
        topic.asked = next(self._ids)
        place = {} if topic.last is None else {"e": topic.last.epoch, "o": topic.last.offset}
        await self._say("sub", id=topic.asked, stream=topic.stream, **place)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(ACK_SECONDS)
            await self._acknowledge()

    async def _acknowledge(self) -> None:
        done, self._done, self._done_events = self._done, {}, 0
        for stream, offset in done.items():
            await self._say("ack", s=stream, o=offset)

    # What the server says

    async def _hear_welcome(self, frame: dict[str, Any]) -> None:
        self._patience = frame["ping"] + frame["pong"]
        self._ack_events = max(1, min(ACK_EVENTS, frame["window"] // 2))

    async def _hear_ok(self, frame: dict[str, Any]) -> None:
        topic = self._topics.get(frame["stream"])
        if topic is not None and topic.asked == frame["id"]:
            self._tries = 0
            topic.asked, topic.last = None, Position(frame["e"], frame["o"])
            if not frame["recovered"]:
                await self._news.put(Reset(topic.stream, topic.last))

    async def _hear_err(self, frame: dict[str, Any]) -> None:
        if frame["temporary"]:
            raise ConnectionError(frame["code"])
        topic = self._topics.get(frame["stream"])
        if topic is not None and frame["id"] in (topic.asked, None):  # None: it was withdrawn
            del self._topics[topic.stream]
            await self._news.put(Refused(topic.stream, frame["code"]))

    async def _hear_ev(self, frame: dict[str, Any]) -> None:
        topic, place = self._topics.get(frame["s"]), Position(frame["e"], frame["o"])
        if topic is None or topic.asked is not None or topic.last is None:
            return
        is_same_log = topic.last.epoch in ("", place.epoch)
        if not is_same_log or place.offset > topic.last.offset + 1:
            await self._ask(topic)
        elif place.offset > topic.last.offset:
            topic.last = place
            time = datetime.fromtimestamp(frame["ts"] / 1000, UTC)
            await self._news.put(Event(topic.stream, place, frame["k"], frame["d"], frame["id"], time))

    async def _hear_ping(self, frame: dict[str, Any]) -> None:
        await self._say("pong")
        for topic in self._topics.values():
            if topic.asked is None and topic.last and frame["top"].get(topic.stream, 0) > topic.last.offset:
                await self._ask(topic)

    async def _hear_bye(self, frame: dict[str, Any]) -> None:
        if not frame["reconnect"]:
            raise Ended(frame["code"], frame["reason"])
        self._pause = frame["retry_ms"] / 1000
        raise ConnectionError(frame["reason"])
