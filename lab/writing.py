"""What loads ask of the process that writes: events as the shop commits them, numbered before any server hears of them.

Not every rung runs the relay that numbers the streams which many write to, so here the writer does, in the same
transaction: to servers it is what any event is, and no server is measured relaying.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count

from django.db import connection, transaction

from lab.faults.acts import KIND, add_product, add_sessions
from notifications import protocol
from notifications.models import Event, new_epoch
from notifications.protocol import Entry
from notifications.services import notify, relay
from notifications.wake import listeners, wake

HELD_SECONDS = 60.0

_numbers = count(1)
_written, _commit = threading.Event(), threading.Event()


def new_stream() -> str:
    """A public one, of a new product."""
    slug = f"lab-{next(_numbers)}"
    add_product(slug)
    return f"product:{slug}"


def signed_in(number: int) -> list[tuple[str, str]]:
    """So many new users, each as its own stream and the cookie that opens it."""
    return [(f"user:{pk}", f"sessionid={key}") for pk, key in add_sessions(number)]


def say(stream: str, number: int = 1, *, first: int = 0, every: float = 0.0, size: int = 200) -> list[float]:
    """So many events, each committed by itself: when each commit began, on this machine's monotonic clock."""
    return say_to_each([stream] * number, first=first, every=every, size=size)


def say_to_each(
    streams: Sequence[str], *, first: int = 0, every: float = 0.0, size: int = 200
) -> list[float]:
    """One on each, in turn."""
    begun, committed = time.monotonic(), []
    for n, stream in enumerate(streams):
        time.sleep(max(0.0, begun + n * every - time.monotonic()))
        with _numbering_here(), transaction.atomic():
            notify(stream, KIND, n=first + n, at=time.monotonic(), ballast="x" * size)
            if stream.startswith("product:"):
                relay()
            committed.append(time.monotonic())
    connection.close()
    return committed


@contextmanager
def _numbering_here() -> Iterator[None]:
    """As in a server that writes and has a hub: no other is told that there is something to number."""
    listeners.add(_hear)
    try:
        yield
    finally:
        listeners.discard(_hear)


def _hear(entries: Sequence[Entry]) -> None:
    """The relay is called where they are written."""


# One on each of thousands of streams, in one transaction


def say_together(streams: Sequence[str], *, size: int = 200) -> float:
    """Written at once, as `notify` would write each; committed when `commit` says so. When the commit began."""
    _written.clear()
    _commit.clear()
    try:
        return _say_together(streams, size)
    finally:
        _written.set()  # nobody waits for what failed
        connection.close()


@transaction.atomic
def _say_together(streams: Sequence[str], size: int) -> float:
    entries = [_write(stream, *place, size) for stream, place in _advanced(streams).items()]
    Event.objects.bulk_create(event for _, event in entries)
    transaction.on_commit(partial(wake, [entry for entry, _ in entries]))
    _written.set()
    _commit.wait(HELD_SECONDS)
    return time.monotonic()


def written() -> bool:
    return _written.wait(HELD_SECONDS)


def commit() -> None:
    _commit.set()


def _advanced(streams: Sequence[str]) -> dict[str, tuple[int, str, int]]:
    """The id, epoch and new top of each."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO notifications_stream AS stream (name, epoch, top, updated_at)
            SELECT name, %s, 1, now() FROM unnest(%s::text[]) AS name ORDER BY name
            ON CONFLICT (name) DO UPDATE SET top = stream.top + 1, updated_at = excluded.updated_at
            RETURNING name, id, epoch, top
            """,
            [new_epoch(), list(streams)],
        )
        return {name: place for name, *place in cursor.fetchall()}


def _write(stream: str, key: int, epoch: str, top: int, size: int) -> tuple[Entry, Event]:
    event = Event(stream_id=key, offset=top, kind=KIND, payload={"n": 0, "ballast": "x" * size})
    frame = protocol.event(stream, epoch, top, event.uid, KIND, event.created_at, event.payload)
    return Entry(stream, epoch, top, frame, event.created_at.timestamp()), event
