"""One stream of one conversation: from the log until nothing is missing, then live, never more than fits."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Coroutine, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING

from notifications import identity, log, metrics, protocol
from notifications.log_context import bind, shown
from notifications.protocol import REPLAY_BATCH, Entry, Position, Sub
from notifications.streams import Reader, is_public, may_read

if TYPE_CHECKING:
    from notifications.conversation import Conversation

PUBLIC_SECONDS = 2.0

logger = logging.getLogger(__name__)


class Subscription:
    """One stream of one conversation: read from the log until nothing is missing, then live.

    It joins the hub before it reads, and keeps what it heard meanwhile in mind: an overlap, never a gap.
    """

    def __init__(self, conversation: Conversation, sub: Sub) -> None:
        self.stream = sub.stream
        self.sent = 0
        self.live = False
        self.waiting = False
        self._heard = 0
        self._unacknowledged: deque[tuple[int, int]] = deque()
        self._timed: tuple[int, float] | None = None  # a frame that is on its way, and since when
        self._conversation = conversation
        self._feed = conversation.hub.join(sub.stream, self)
        self._task = self._start(self._open(sub))

    def hear(self, entries: Sequence[Entry]) -> None:
        self._heard = max(self._heard, entries[-1].offset)
        if not self.live or self._heard <= self.sent:
            return
        if entries[0].offset <= self.sent:
            entries = [entry for entry in entries if entry.offset > self.sent]
        if entries[0].offset == self.sent + 1:
            self._send(entries)
        if self.sent < self._heard and not self._conversation.over:
            self._fall_behind()

    def lost(self) -> None:
        self._conversation.end(protocol.Resync)

    def acknowledge(self, offset: int) -> bool:
        if self._timed is not None and self._timed[0] <= offset:
            metrics.acknowledged(self._timed[1])
            self._timed = None
        before = len(self._unacknowledged)
        while self._unacknowledged and self._unacknowledged[0][0] <= offset:
            self._conversation.window.take_back(self._unacknowledged.popleft()[1])
        return len(self._unacknowledged) < before

    def resume(self) -> None:
        self.waiting = False
        self._task = self._start(self._catch_up([]))

    def stop(self) -> None:
        self._task.cancel()
        self._conversation.hub.leave(self.stream, self)
        while self._unacknowledged:
            self._conversation.window.take_back(self._unacknowledged.popleft()[1])

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        context = copy_context()
        context.run(bind, connection=self._conversation.id, stream=shown(self.stream))
        return asyncio.create_task(work, context=context)

    async def _open(self, sub: Sub) -> None:
        conversation, limit = self._conversation, self._room()
        assert conversation.reader is not None
        opened = self._feed.recall(sub.position, limit)
        if opened is None or time.monotonic() > self._feed.public_until:
            try:
                opened = await conversation.hub.read(self._look, conversation.reader, sub, limit, opened)
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
        conversation.write(
            protocol.build(
                "ok", id=sub.id, stream=sub.stream, e=epoch, o=self.sent, recovered=opened.recovered
            )
        )
        await self._catch_up(opened.entries)

    def _look(self, reader: Reader, sub: Sub, limit: int, known: log.Opened | None) -> log.Opened | None:
        """In a thread: None if there is no such stream for this reader. `known` is what the feed remembers."""
        reader = identity.as_of_now(reader)
        # A connection that serves every tab outlives what its session held when it opened.
        if not (may_read(reader, sub.stream) or may_read(identity.renewed(reader), sub.stream)):
            return None
        if is_public(sub.stream):
            self._feed.public_until = time.monotonic() + PUBLIC_SECONDS
        return known or log.open_stream(sub.stream, sub.position, limit)

    async def _catch_up(self, entries: list[Entry]) -> None:
        window = self._conversation.window
        while True:
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
        window, frames = self._conversation.window, []
        for entry in entries:
            if window.is_full():
                break
            self.sent = entry.offset
            self._unacknowledged.append((entry.offset, len(entry.frame)))
            window.take(len(entry.frame))
            frames.append(entry.frame)
        if frames:
            if self._timed is None:
                self._timed = (entries[0].offset, time.monotonic())
            self._conversation.hub.delivered += len(frames)
            self._conversation.write(*frames)

    def _room(self) -> int:
        return max(1, min(REPLAY_BATCH, self._conversation.window.room()))


class Window:
    """How much may be on its way to a client that has not said it arrived."""

    def __init__(self, events: int, size: int) -> None:
        self.events = events
        self.size = size
        self.open_events = 0
        self._open_size = 0

    def take(self, size: int) -> None:
        self.open_events += 1
        self._open_size += size

    def take_back(self, size: int) -> None:
        self.open_events -= 1
        self._open_size -= size

    def room(self) -> int:
        return self.events - self.open_events

    def is_full(self) -> bool:
        return self.open_events >= self.events or self._open_size >= self.size

    def is_half_open(self) -> bool:
        return self.open_events <= self.events // 2 and self._open_size <= self.size // 2
