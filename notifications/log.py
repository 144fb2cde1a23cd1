"""Reading the log: where a stream stands, and what follows a position. All of it is synchronous."""

from collections.abc import Iterable
from typing import NamedTuple

from notifications import protocol
from notifications.models import Event, Stream
from notifications.protocol import Entry, Position
from notifications.streams import Reader, may_read


class Opened(NamedTuple):
    """What a reader gets first: a position, whether nothing before it is missing, and what follows it."""

    position: Position
    recovered: bool
    top: int
    entries: list[Entry]


def positions(*streams: str) -> dict[str, Position]:
    """Where these streams stand, in one query. Read it before the rows of a snapshot, never after them."""
    rows = Stream.objects.filter(name__in=streams).values_list("name", "epoch", "top")
    found = {name: Position(epoch, top) for name, epoch, top in rows}
    return {stream: found.get(stream, Position()) for stream in streams}


def position(stream: str) -> Position:
    return positions(stream)[stream]


def tops(streams: Iterable[str]) -> dict[str, Position]:
    """Where those of these streams stand that have an event."""
    found: dict[str, Position] = {}
    names = list(streams)
    for start in range(0, len(names), 1000):
        found |= positions(*names[start : start + 1000])
    return {name: place for name, place in found.items() if place.offset}


def entries_after(stream: str, offset: int, limit: int) -> list[Entry]:
    rows = (
        Event.objects.on(stream)
        .after(offset)
        .values_list("stream__epoch", "offset", "uid", "kind", "created_at", "payload")[:limit]
    )
    return [Entry(stream, row[0], row[1], protocol.event(stream, *row)) for row in rows]


def open_stream(reader: Reader, stream: str, wanted: Position | None, limit: int) -> Opened | None:
    """None if there is no such stream for this reader."""
    if not may_read(reader, stream):
        return None
    here = position(stream)
    if wanted is None:
        return Opened(here, True, here.offset, [])
    entries = entries_after(stream, wanted.offset, limit)
    follows = entries[0].offset == wanted.offset + 1 if entries else wanted.offset == here.offset
    if follows and (wanted.epoch == here.epoch or wanted == Position()):
        return Opened(Position(here.epoch, wanted.offset), True, here.offset, entries)
    return Opened(here, False, here.offset, [])
