"""A client's side of the protocol, through whichever door: what it may say, what it hears, how it ends."""

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

from notifications import identity, metrics, protocol
from notifications.hub import Hub
from notifications.log_context import about
from notifications.protocol import Ack, Bye, Frame, Hello, Limits, Pong, Said, Sub, Unsub
from notifications.streams import Reader
from notifications.subscription import Subscription, Window

INTERNAL_ERROR = 1011  # RFC 6455, section 7.4.1
LATE = 0.5  # seconds by which the loop may be behind before that counts for the client

logger = logging.getLogger(__name__)


class Door(Protocol):
    """What a server offers: neither call waits or fails. There are frames to write, or it is not asked to."""

    name: str  # for the metrics

    def write(self, frames: Sequence[Frame]) -> None: ...

    def close(self, code: int) -> None: ...


class Conversation:
    """Begins with a hello and ends with a bye, unless the client just goes away."""

    # There is one for each socket, and most of them wait.
    __slots__ = (
        "_allowance",
        "_deadline",
        "_early",
        "_expires_at",
        "_limits",
        "_session_key",
        "_stall",
        "_subscriptions",
        "door",
        "hub",
        "id",
        "over",
        "reader",
        "window",
    )

    def __init__(self, door: Door, hub: Hub, limits: Limits, session_key: str = "") -> None:
        self.hub = hub
        self.id = secrets.token_hex(6)
        self.reader: Reader | None = None
        self.over = False
        self.window = Window(limits.window, limits.window_bytes)
        self.door = door
        self._limits = limits
        self._session_key = session_key
        self._subscriptions: dict[str, Subscription] = {}
        self._allowance = Allowance()
        self._deadline: Deadline | asyncio.TimerHandle = Deadline(self, limits.hello, protocol.NoHello)
        self._stall: Deadline | None = None
        self._early: list[str | None] | None = None  # what it says while it is found out who it is
        self._expires_at = asyncio.get_running_loop().time() + limits.age
        hub.opened(self)

    # What the client says

    def hear(self, text: str | None) -> None:
        """None for a message that is no text."""
        if self.over:
            return
        with about(connection=self.id):
            try:
                self._allowance.spend()
                if self._early is not None:
                    self._early.append(text)
                else:
                    self._take(protocol.parse(text))
            except Bye as end:
                self.end(type(end))

    def _take(self, frame: Said) -> None:
        if self.reader is not None:
            self._answer(frame)
        elif isinstance(frame, Hello):
            self._deadline.cancel()
            self._early = []
            self._who(frame).add_done_callback(partial(self._recognised, frame))
        else:
            raise protocol.NoHello

    def _recognised(self, hello: Hello, who: asyncio.Future[Reader | None]) -> None:
        fault = None if who.cancelled() else who.exception()
        if self.over:
            return
        with about(connection=self.id):
            try:
                if who.cancelled() or fault is not None:
                    # one line each: a database that is away meets thousands of greetings
                    logger.warning("%s cannot be told who it is: %s", self.id, type(fault).__name__)
                    raise protocol.Unavailable
                if (reader := who.result()) is None:
                    raise protocol.Unauthenticated
                self._welcome(hello, reader)
                early, self._early = self._early or [], None
                for text in early:
                    if not self.over:
                        self._take(protocol.parse(text))
            except Bye as end:
                self.end(type(end))

    def _welcome(self, frame: Hello, reader: Reader) -> None:
        self._count(reader)
        limits = self._limits
        if frame.window is not None:
            self.window.events = min(frame.window, limits.window)
        welcome = protocol.build(
            "welcome",
            conn=self.id,
            ping=limits.ping,
            pong=limits.pong,
            window=self.window.events,
            time=int(time.time() * 1000),
            # A page tells by it whether it was made for somebody else.
            reader="" if reader.user.pk is None else str(reader.user.pk),
        )
        self.write([welcome])
        if self.over:
            return
        self._rest()
        for stream, position in frame.resume.items():
            self._subscribe(Sub(None, stream, position))

    def _who(self, hello: Hello) -> asyncio.Future[Reader | None]:
        if hello.ticket:
            return self.hub.ask(identity.reader_by_ticket, hello.ticket)
        if self._session_key:
            return self.hub.readers.ask(self._session_key)
        nobody: asyncio.Future[Reader | None] = asyncio.get_running_loop().create_future()
        nobody.set_result(identity.anonymous())
        return nobody

    def _count(self, reader: Reader) -> None:
        pk = reader.user.pk  # None for all the anonymous
        if pk is not None and self.hub.sockets[pk] >= protocol.SOCKETS_PER_USER:
            raise protocol.TooManySockets
        self.hub.sockets[pk] += 1
        self.reader = reader
        self.hub.greeted(self)

    def _answer(self, frame: Said) -> None:
        match frame:
            case Sub():
                self._subscribe(frame)
            case Unsub():
                self._drop(frame.stream)
            case Ack():
                self._acknowledge(frame)
            case Pong():
                if isinstance(self._deadline, Deadline):  # one that nobody asked for puts off no heartbeat
                    self._rest()
            case Hello():
                raise protocol.BadFrame

    def _subscribe(self, sub: Sub) -> None:
        self._drop(sub.stream)
        if len(self._subscriptions) >= protocol.STREAMS_PER_SOCKET:
            self.refuse(sub, "too_many_streams")
            return
        self._subscriptions[sub.stream] = Subscription(self, sub)

    @property
    def streams(self) -> list[str]:
        return list(self._subscriptions)

    def withdraw(self, stream: str) -> None:
        """This reader may no longer read it: said without having been asked, so without an id."""
        if stream in self._subscriptions:
            self.refuse(Sub(None, stream), "not_found")

    def refuse(self, sub: Sub, code: str, *, temporary: bool = False) -> None:
        self._drop(sub.stream)
        self.write([protocol.build("err", id=sub.id, stream=sub.stream, code=code, temporary=temporary)])

    def _drop(self, stream: str) -> None:
        subscription = self._subscriptions.pop(stream, None)
        if subscription is not None:
            subscription.stop()
            self._made_room(renews=False)

    def _acknowledge(self, ack: Ack) -> None:
        subscription = self._subscriptions.get(ack.stream)
        if subscription is not None and subscription.acknowledge(ack.offset):
            self._made_room()

    def _made_room(self, *, renews: bool = True) -> None:
        waiting = [each for each in self._subscriptions.values() if each.waiting]
        if waiting and not self.window.is_half_open():
            if renews:  # by an acknowledgement: to leave another stream is none
                self._forget_stall()
                self.stalled()
            return
        self._forget_stall()
        for each in waiting:
            each.resume()

    # What the client hears

    def write(self, frames: Sequence[Frame]) -> None:
        if self.over:
            return
        try:
            self.door.write(frames)
        except Exception:  # no fault of one client may keep from the others what they hear after it
            logger.exception("%s cannot be written to", self.id)
            self._close(INTERNAL_ERROR, metrics.GONE)

    def stalled(self) -> None:
        """Something waits for room in the window; without an acknowledgement this ends."""
        if self._stall is None:
            self._stall = Deadline(self, self._limits.stall, protocol.Slow)

    def _forget_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _rest(self) -> None:
        self._deadline.cancel()
        wait = asyncio.get_running_loop().call_later
        self._deadline = wait(self._limits.ping, self._ping, context=self.hub.context)

    def _ping(self) -> None:
        if asyncio.get_running_loop().time() > self._expires_at:
            self.end(protocol.Expired)
            return
        top = {each.stream: each.sent for each in self._subscriptions.values() if each.live}
        self.write([protocol.build("ping", top=top)])
        if not self.over:
            self._deadline = Deadline(self, self._limits.pong, protocol.NoPong)

    # The end

    def end(self, end: type[Bye]) -> None:
        self.write([protocol.bye(end)])
        if not self.over:
            with about(connection=self.id):
                logger.info("ended: %s, %s", end.code, end.reason)
            self._close(end.close_code or end.code, str(end.code))

    def _close(self, code: int, counted_as: str) -> None:
        self._leave(counted_as)
        with suppress(Exception):  # a door that fails has nothing left to close
            self.door.close(code)

    def gone(self) -> None:
        """The client hears no more of this."""
        if not self.over:
            self._leave(metrics.GONE)

    def _leave(self, code: str) -> None:
        self.over = True
        metrics.closed(self.door.name, code)
        self._deadline.cancel()
        self._forget_stall()
        for subscription in self._subscriptions.values():
            subscription.stop()
        self._subscriptions.clear()
        self.hub.closed(self)
        if self.reader is not None:
            self.hub.sockets[self.reader.user.pk] -= 1
            if not self.hub.sockets[self.reader.user.pk]:
                del self.hub.sockets[self.reader.user.pk]


class Deadline:
    """Ends a conversation, unless it is cancelled in time."""

    __slots__ = ("_conversation", "_due", "_end", "_seconds", "_timer")

    def __init__(self, conversation: Conversation, seconds: float, end: type[Bye]) -> None:
        self._conversation, self._seconds, self._end = conversation, seconds, end
        self._begin()

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = loop.time() + self._seconds
        self._timer = loop.call_later(self._seconds, self._pass, context=self._conversation.hub.context)

    def _pass(self) -> None:
        # After a block, or under a storm, what the client said in time may still lie unread.
        if asyncio.get_running_loop().time() > self._due + LATE:
            self._begin()
        else:
            self._conversation.end(self._end)

    def cancel(self) -> None:
        self._timer.cancel()


class Allowance:
    """A client's frames: so many a second, and a burst now and then."""

    __slots__ = ("_at", "_left")

    def __init__(self) -> None:
        self._left = float(protocol.FRAMES_BURST)
        self._at = time.monotonic()

    def spend(self) -> None:
        now = time.monotonic()
        gained = (now - self._at) * protocol.FRAMES_PER_SECOND
        self._left = min(float(protocol.FRAMES_BURST), self._left + gained) - 1
        self._at = now
        if self._left < 0:
            raise protocol.TooFast
