"""One per process and event loop: hears of each event once and hands its one frame to every local subscriber.

The live path touches no database and no thread. Whatever it misses (a lost hint, a layer that is down, a
process that died between its commit and its wake-up) shows as a gap, or in the tops that are read every
second, and then is read from the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings
from django.db import close_old_connections

from notifications import digest, identity, log, metrics, services, subscription, wake
from notifications.protocol import REPLAY_BATCH, Drain, Entry, Position, Revoked
from notifications.together import Together

if TYPE_CHECKING:
    from notifications.conversation import Conversation
    from notifications.streams import Reader

LAYER_RETRY_SECONDS = 1.0
LAYER_RENEW_SECONDS = 3600.0  # layers forget a group's members after a day
BACKLOG = 10_000
# What a stream of several members keeps in memory, also for a while after the last of them left: after a lost network
# thousands come back in one moment and ask for the same few events.
RECENT, RECENT_SECONDS, LINGER_SECONDS = 512, 60.0, 60.0
READERS = 4
GREETINGS = 2000  # connections that have not been welcomed yet: more are told to come back
REVIEW_SECONDS = 2.0  # a sign-out reaches open connections within this, and what the queries take
REVIEW_BATCH = 500
BEAT_SECONDS = 0.25

logger = logging.getLogger(__name__)


class Member(Protocol):
    """Someone here who follows a stream."""

    def hear(self, entries: Sequence[Entry]) -> None:
        """One or more, in order."""

    def lost(self) -> None: ...


class Feed:
    """A stream with local members. `last` is what they were handed, `heard` what is known to exist."""

    __slots__ = (
        "_recent",
        "crowded",
        "epoch",
        "filling",
        "heard",
        "last",
        "members",
        "public_until",
        "stream",
    )

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.members: dict[Member, None] = {}  # in the order they came
        self.crowded = False  # had several at once
        self.public_until = 0.0  # by the monotonic clock: until then everybody may read it
        self.epoch = ""
        self.last: int | None = None
        self.heard = 0
        self.filling = False
        self._recent: deque[Entry] | tuple[()] = ()  # a deque once there is something: it takes 0.6 KiB

    def starts_at(self, epoch: str, top: int) -> None:
        """A member read the log up to here; before the first one has, `last` is not known."""
        if self.last is None:
            self.epoch, self.last, self.heard = epoch, top, max(top, self.heard)

    @property
    def is_behind(self) -> bool:
        """Whether something is known to exist that nobody here was handed."""
        return self.last is not None and self.last < self.heard

    def hear(self, entries: Sequence[Entry]) -> None:
        """Hand on what is next."""
        fresh: list[Entry] = []
        for entry in entries:
            if self.epoch and entry.epoch != self.epoch:
                self.lose()
                return
            self.heard = max(self.heard, entry.offset)
            if self.last is None or entry.offset == self.last + 1:
                self.epoch, self.last = entry.epoch, entry.offset
                self._remember(entry)
                fresh.append(entry)
        if fresh:
            for member in tuple(self.members):
                member.hear(fresh)
            for entry in fresh:
                metrics.event_sent(entry.at)

    def since(self, place: Position) -> list[Entry] | None:
        """What follows this place up to `last`, from memory; None if only the log can tell."""
        if self.last is None or place.epoch != self.epoch or place.offset > self.last:
            return None
        missed = self.last - place.offset
        return list(self._recent)[len(self._recent) - missed :] if missed <= len(self._recent) else None

    def recall(self, place: Position | None, limit: int) -> log.Opened | None:
        """What log.open_stream() would say, from memory; None if only the log can tell."""
        if place is None:
            return log.Opened(Position(self.epoch, self.last), True, self.last, []) if self.last else None
        near = self.since(place)
        return None if near is None else log.Opened(place, True, place.offset + len(near), near[:limit])

    def _remember(self, entry: Entry) -> None:
        if self.crowded:
            self._recent = recent = self._recent or deque(maxlen=RECENT)
            recent.append(entry)
            while recent[0].at < entry.at - RECENT_SECONDS:
                recent.popleft()

    def lose(self) -> None:
        """The log was cut or restored: nobody here knows where they are any more, nor does this."""
        self.epoch, self.last, self.heard = "", None, 0
        self._recent = ()
        for member in tuple(self.members):
            member.lost()


class Hub:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.sockets: Counter[object] = Counter()
        self.conversations: set[Conversation] = set()
        self.doors: Counter[str] = Counter()  # how many conversations each has open
        self.delivered = 0  # events handed to a door
        self.context = Context()  # of its timers: each would keep one of its own
        self._reading = 0
        self.draining = False
        self._worst_lag = 0.0
        self._beat_due = time.monotonic() + BEAT_SECONDS
        self._greetings: set[Conversation] = set()
        self._loop = loop
        self._feeds: dict[str, Feed] = {}
        self._inbox: deque[Entry] = deque(maxlen=BACKLOG)
        self._drain_due = False
        self._relay_wanted = self._relaying = False
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="notifications-log")
        self.readers = Together(self.ask, identity.readers_by_session)
        self.looks = Together(self.ask, subscription.look)
        self._tasks: set[asyncio.Task[None]] = set()
        wake.listeners.add(self.hear_from_any_thread)
        self._spawn(self._poll())
        self._spawn(self._listen())
        self._spawn(self._review())
        self._spawn(self._beat())

    # Connections

    @property
    def has_room(self) -> bool:
        """Whether another connection may begin; otherwise its door answers 503."""
        return not self.draining and len(self._greetings) < GREETINGS

    def opened(self, conversation: Conversation) -> None:
        self.conversations.add(conversation)
        self.doors[conversation.door.name] += 1
        self._greetings.add(conversation)
        if self.draining:  # its handshake was under way
            self._loop.call_soon(conversation.end, Drain)

    def greeted(self, conversation: Conversation) -> None:
        self._greetings.discard(conversation)

    def closed(self, conversation: Conversation) -> None:
        self.conversations.discard(conversation)
        self.doors[conversation.door.name] -= 1
        self._greetings.discard(conversation)

    def drain(self) -> None:
        """Send everybody to another process, for good: this one is about to leave."""
        self.draining = True
        for conversation in tuple(self.conversations):
            conversation.end(Drain)

    def close(self) -> None:
        """Nothing of it runs on; the loop's next hub begins afresh."""
        wake.listeners.discard(self.hear_from_any_thread)
        for task in self._tasks:
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)
        _hubs.pop(self._loop, None)

    async def _review(self) -> None:
        """Ends what belongs to whoever signed out, was disabled or lost a permission meanwhile."""
        while True:
            await asyncio.sleep(getattr(settings, "NOTIFICATIONS_REVIEW_SECONDS", REVIEW_SECONDS))
            known = [(each, each.reader, each.streams) for each in self.conversations if each.reader]
            for batch in batched(known, REVIEW_BATCH):
                try:
                    await self._review_batch(batch)
                    await self.read(digest.note_here, [reader.user.pk for _, reader, _ in batch])
                except Exception:
                    logger.warning("Who may stay cannot be told; asking again.", exc_info=True)

    async def _review_batch(self, batch: Sequence[tuple[Conversation, Reader, list[str]]]) -> None:
        held = [(reader, streams) for _, reader, streams in batch]
        verdicts = await self.read(identity.withdrawn, held)
        for (conversation, _, _), (stays, refused) in zip(batch, verdicts, strict=True):
            if not stays:
                conversation.end(Revoked)
            for stream in refused:
                conversation.withdraw(stream)

    # Members

    def join(self, stream: str, member: Member) -> Feed:
        feed = self._feeds.setdefault(stream, Feed(stream))
        feed.members[member] = None
        feed.crowded = feed.crowded or len(feed.members) > 1
        return feed

    def leave(self, stream: str, member: Member) -> None:
        feed = self._feeds.get(stream)
        if feed is not None:
            feed.members.pop(member, None)
            if not feed.members:
                self._loop.call_later(LINGER_SECONDS if feed.crowded else 0, self._forget, feed)

    def _forget(self, feed: Feed) -> None:
        if not feed.members and self._feeds.get(feed.stream) is feed:
            del self._feeds[feed.stream]

    def ask[**P, T](self, query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Run a query in the hub's own threads, where no other part of the site can hold it up."""
        work = partial(with_connection, query, *args, **kwargs)
        answer: asyncio.Future[T] = self._loop.run_in_executor(self._threads, work)
        self._reading += 1
        answer.add_done_callback(self._has_read)
        return answer

    def _has_read(self, answer: asyncio.Future[Any]) -> None:
        self._reading -= 1

    async def read[**P, T](self, query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.ask(query, *args, **kwargs)

    @property
    def reading(self) -> int:
        """Queries in the threads or waiting for one."""
        return self._reading + len(self.readers) + len(self.looks)

    # How late the loop is

    async def _beat(self) -> None:
        while True:
            self._beat_due = time.monotonic() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            lag = max(0.0, time.monotonic() - self._beat_due)
            metrics.LOOP_LAG.observe(lag)
            self._worst_lag = max(self._worst_lag, lag)

    def worst_lag(self) -> float:
        """In seconds, since it was last asked; also of a loop that stands still now. From any thread."""
        lag = max(self._worst_lag, time.monotonic() - self._beat_due)
        self._worst_lag = 0.0
        return lag

    # Live

    def hear_from_any_thread(self, entries: Sequence[Entry]) -> None:
        self._inbox.extend(entries)  # at its bound it drops the oldest: a gap, read from the log
        if not self._drain_due:
            self._drain_due = True
            try:
                self._loop.call_soon_threadsafe(self._drain)
            except RuntimeError:  # this loop is closed, and its hub with it
                wake.listeners.discard(self.hear_from_any_thread)

    def _drain(self) -> None:
        self._drain_due = False
        self._hear([self._inbox.popleft() for _ in range(len(self._inbox))])

    def _hear(self, entries: Sequence[Entry]) -> None:
        """What came together goes to each member together, in one write: after a block that is most of its cost."""
        by_stream: dict[str, list[Entry]] = {}
        for entry in entries:
            if not entry.offset:
                self._relay_soon()
            elif entry.stream in self._feeds:
                by_stream.setdefault(entry.stream, []).append(entry)
        for stream, together in by_stream.items():
            feed = self._feeds[stream]
            feed.hear(together)
            if feed.is_behind:
                self._fill_soon(feed)

    # The log

    def _fill_soon(self, feed: Feed) -> None:
        if not feed.filling:
            feed.filling = True
            self._spawn(self._fill(feed))

    async def _fill(self, feed: Feed) -> None:
        try:
            while feed.is_behind and self._feeds.get(feed.stream) is feed:
                assert feed.last is not None
                entries = await self.read(log.entries_after, feed.stream, feed.last, REPLAY_BATCH)
                if not entries:
                    return
                feed.hear(entries)
                if feed.is_behind and feed.last < entries[0].offset:  # pruned before it was handed on here
                    feed.lose()
                    return
        except Exception:
            logger.warning("The log cannot be read; trying again.", exc_info=True)
        finally:
            feed.filling = False

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(getattr(settings, "NOTIFICATIONS_POLL_SECONDS", 1.0))
            try:
                self._relay_soon()
                for stream, top in (await self.read(log.tops, tuple(self._feeds))).items():
                    self._compare(stream, top)
            except Exception:
                logger.warning("The log cannot be read; trying again.", exc_info=True)

    def _compare(self, stream: str, top: Position) -> None:
        feed = self._feeds.get(stream)
        if feed is None or feed.last is None:
            return
        if feed.epoch and top.epoch != feed.epoch:
            feed.lose()
        elif top.offset > feed.last:
            feed.heard = max(feed.heard, top.offset)
            self._fill_soon(feed)

    def _relay_soon(self) -> None:
        self._relay_wanted = True
        if not self._relaying:
            self._relaying = True
            self._spawn(self._relay())

    async def _relay(self) -> None:
        try:
            while self._relay_wanted:
                self._relay_wanted = False
                await self.read(services.relay)
        except Exception:
            logger.warning("What waits for its place in the log gets none; trying again.", exc_info=True)
        finally:
            self._relaying = False

    # Other processes

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_for_a_while()
            except Exception:
                logger.warning("The channel layer is away; reading the log until it is back.", exc_info=True)
                await asyncio.sleep(LAYER_RETRY_SECONDS)

    async def _listen_for_a_while(self) -> None:
        layer = wake.layer_between_processes()
        if layer is None:
            await asyncio.sleep(LAYER_RENEW_SECONDS)
            return
        channel = await layer.new_channel()
        await layer.group_add(wake.GROUP, channel)
        try:
            async with asyncio.timeout(LAYER_RENEW_SECONDS):
                while True:
                    message = await layer.receive(channel)
                    self._hear([Entry.from_layer(*entry) for entry in message["entries"]])
        except TimeoutError:
            pass
        finally:
            await layer.group_discard(wake.GROUP, channel)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        # The hub's own work is about nothing in particular, whoever happened to begin it.
        task = self._loop.create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def current_hub() -> Hub:
    """The hub of the running loop, made at its first use."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        for closed in [old for old in _hubs if old.is_closed()]:
            del _hubs[closed]
        _hubs[loop] = Hub(loop)
    return _hubs[loop]


def running_hubs() -> tuple[Hub, ...]:
    """All of this process, usually one. From any thread."""
    return tuple(hub for loop, hub in tuple(_hubs.items()) if not loop.is_closed())


def with_connection[**P, T](query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    close_old_connections()
    try:
        return query(*args, **kwargs)
    finally:
        close_old_connections()
