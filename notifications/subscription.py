"""One stream of one conversation: from the log until nothing is missing, then live, never more than fits."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, NamedTuple

from notifications import identity, log, metrics, protocol
from notifications.log_context import bind, shown
from notifications.protocol import REPLAY_BATCH, Entry, Position, Sub
from notifications.streams import Reader, is_public, may_read

if TYPE_CHECKING:
    from notifications.conversation import Conversation
    from notifications.hub import Feed

PUBLIC_SECONDS = 2.0

logger = logging.getLogger(__name__)


class Subscription:
    """One stream of one conversation: read from the log until nothing is missing, then live.

    It joins the hub before it reads, and keeps what it heard meanwhile in mind: an overlap, never a gap.
    """

    # There is one for each stream of each socket, and most of them wait.
    __slots__ = (
        "_conversation",
        "_feed",
        "_heard",
        "_task",
        "_timed",
        "_unacknowledged",
        "live",
        "sent",
        "stream",
        "waiting",
    )

    def __init__(self, conversation: Conversation, sub: Sub) -> None:
        self.stream = sub.stream
        self.sent = 0
        self.live = False
        self.waiting = False
        self._heard = 0
        self._unacknowledged: deque[tuple[int, int]] | None = (
            None  # made for the first event: it takes 0.6 KiB
        )
        self._timed: tuple[int, float] | None = None  # a frame that is on its way, and since when
        self._conversation = conversation
        self._feed = conversation.hub.join(sub.stream, self)
        self._task: asyncio.Task[None] | None = None
        self._start(self._open(sub))

    def hear(self, entries: Sequence[Entry]) -> None:
        first, last = entries[0].offset, entries[-1].offset
        if last > self._heard:
            self._heard = last
        if not self.live or self._heard <= self.sent:
            return
        if first <= self.sent:
            entries = [entry for entry in entries if entry.offset > self.sent]
            first = entries[0].offset
        if first == self.sent + 1:
            self._send(entries)
        if self.sent < self._heard and not self._conversation.over:
            self._fall_behind()

    def lost(self) -> None:
        self._conversation.end(protocol.Resync)

    def acknowledge(self, offset: int) -> bool:
        if self._timed is not None and self._timed[0] <= offset:
            metrics.acknowledged(self._timed[1])
            self._timed = None
        open_ones = self._unacknowledged
        if not open_ones or open_ones[0][0] > offset:
            return False
        while open_ones and open_ones[0][0] <= offset:
            self._conversation.window.take_back(open_ones.popleft()[1])
        if not open_ones:
            self._unacknowledged = None
        return True

    def resume(self) -> None:
        self.waiting = False
        self._start(self._catch_up([]))

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._conversation.hub.leave(self.stream, self)
        while self._unacknowledged:
            self._conversation.window.take_back(self._unacknowledged.popleft()[1])

    def _start(self, work: Coroutine[None, None, None]) -> None:
        context = copy_context()
        context.run(bind, connection=self._conversation.id, stream=shown(self.stream))
        self._task = asyncio.create_task(work, context=context)
        self._task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        if self._task is task:
            self._task = None

    async def _open(self, sub: Sub) -> None:
        conversation, limit = self._conversation, self._room()
        assert conversation.reader is not None
        opened = self._feed.recall(sub.position, limit)
        if opened is None or time.monotonic() > self._feed.public_until:
            try:
                look = Look(self._feed, conversation.reader, sub, limit, opened)
                opened = await conversation.hub.looks.ask(look)
            except Exception:
                logger.exception("%s could not be opened", shown(sub.stream))
                conversation.refuse(sub, "unavailable", temporary=True)
                return
        if opened is None:
            conversation.refuse(sub, "not_found")
            return
        if sub.position is not None:
            metrics.resumed(opened.recovered)
        epoch, self.sent = opened.position
        self._feed.starts_at(epoch, opened.top)
        self._heard = max(self._heard, opened.top)
        ok = protocol.build(
            "ok", id=sub.id, stream=sub.stream, e=epoch, o=self.sent, recovered=opened.recovered
        )
        conversation.write([ok])
        await self._catch_up(opened.entries)

    async def _catch_up(self, entries: list[Entry]) -> None:
        window = self._conversation.window
        while True:
            if entries:
                self._send(entries)
            if self.sent >= self._heard:
                self.live = True
                return
            if window.is_full():
                self._fall_behind()
                return
            entries = await self._read_on()
            if not entries or entries[0].offset != self.sent + 1:  # pruned before it was sent
                self.lost()
                return

    async def _read_on(self) -> list[Entry]:
        if near := self._feed.since(Position(self._feed.epoch, self.sent)):
            return near
        try:
            return await self._conversation.hub.read(log.entries_after, self.stream, self.sent, self._room())
        except Exception:
            logger.exception("%s could not be read", shown(self.stream))
            return []

    def _fall_behind(self) -> None:
        """Leave the rest in the log, until the client has made room or (after a gap) at once."""
        self.live, self.waiting = False, True
        if self._conversation.window.is_full():
            self._conversation.stalled()
        else:
            self.resume()

    def _send(self, entries: Sequence[Entry]) -> None:
        """As many as the window takes, in one write: it costs more than all else of an event."""
        conversation, frames = self._conversation, []
        take = conversation.window.take
        if self._unacknowledged is None:
            self._unacknowledged = deque()
        for entry in entries:
            frame, offset = entry.frame, entry.offset
            size = len(frame)
            if not take(size):
                break
            self.sent = offset
            self._unacknowledged.append((offset, size))
            frames.append(frame)
        if frames:
            if self._timed is None:
                self._timed = (entries[0].offset, time.monotonic())
            conversation.hub.delivered += len(frames)
            conversation.write(frames)

    def _room(self) -> int:
        return max(1, min(REPLAY_BATCH, self._conversation.window.room()))


class Look(NamedTuple):
    """A reader asks for a stream. `known` is what its feed remembers of what the log would say."""

    feed: Feed
    reader: Reader
    sub: Sub
    limit: int
    known: log.Opened | None


def look(asked: Sequence[Look]) -> list[log.Opened | Exception | None]:
    """In a thread: for each what there is, or None if there is no such stream for this reader."""
    found: list[log.Opened | Exception | None] = [_of_one(_allowed, each) for each in asked]
    # Most ask for where a stream stands, and nothing before it: one query for all of them.
    fresh = [
        place for place, each in enumerate(asked) if found[place] is _ALLOWED and each.sub.position is None
    ]
    stand = log.positions(*{asked[place].sub.stream for place in fresh}) if fresh else {}
    for place in fresh:
        here = stand[asked[place].sub.stream]
        found[place] = log.Opened(here, True, here.offset, [])
    return [
        _of_one(_read, each) if answer is _ALLOWED else answer
        for each, answer in zip(asked, found, strict=True)
    ]


_ALLOWED = log.Opened(Position(), True, 0, [])  # and not looked up yet


def _of_one[T](answer: Callable[[Look], T], asked: Look) -> T | Exception:
    """One that fails is no fault of the others."""
    try:
        return answer(asked)
    except Exception as fault:
        return fault


def _allowed(asked: Look) -> log.Opened | None:
    reader, stream = identity.as_of_now(asked.reader), asked.sub.stream
    # A connection that serves every tab outlives what its session held when it opened.
    if not (may_read(reader, stream) or may_read(identity.renewed(reader), stream)):
        return None
    if is_public(stream):
        asked.feed.public_until = time.monotonic() + PUBLIC_SECONDS
    return asked.known or _ALLOWED


def _read(asked: Look) -> log.Opened:
    return log.open_stream(asked.sub.stream, asked.sub.position, asked.limit)


class Window:
    """How much may be on its way to a client that has not said it arrived."""

    __slots__ = ("_open_size", "events", "open_events", "size")

    def __init__(self, events: int, size: int) -> None:
        self.events = events
        self.size = size
        self.open_events = 0
        self._open_size = 0

    def take(self, size: int) -> bool:
        """For one more; False where it is full."""
        if self.open_events >= self.events or self._open_size >= self.size:
            return False
        self.open_events += 1
        self._open_size += size
        return True

    def take_back(self, size: int) -> None:
        self.open_events -= 1
        self._open_size -= size

    def room(self) -> int:
        """For how many more, if they are as large as those on their way: what is read beyond that is read in vain."""
        left = self.events - self.open_events
        if not self._open_size:
            return left
        by_size = (self.size - self._open_size) * self.open_events // self._open_size + 1
        return min(left, by_size)

    def is_full(self) -> bool:
        return self.open_events >= self.events or self._open_size >= self.size

    def is_half_open(self) -> bool:
        return self.open_events <= self.events // 2 and self._open_size <= self.size // 2
