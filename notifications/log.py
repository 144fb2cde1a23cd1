"""Reading the log: where a stream stands, and what follows a position. All of it is synchronous."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import FilteredRelation, Min, Q, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.utils import timezone

from notifications import protocol
from notifications.models import Pending, Stream
from notifications.protocol import Entry, Position


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


def with_position[Rows: QuerySet[Any]](rows: Rows, stream: Combinable) -> Rows:
    """Each row with `epoch` and `top` of its own stream, read in one statement: no event falls between them.

    `stream` makes the stream's name of a row, such as `Concat(Value("order:"), OuterRef("public_id"))`.
    """
    place = Stream.objects.filter(name=stream)
    return rows.annotate(epoch=Subquery(place.values("epoch")), top=Subquery(place.values("top")))


def read_after(stream: str, offset: int, limit: int) -> tuple[Position, list[Entry]]:
    """Where the stream stands and what follows this offset there, as of one moment: it is one query."""
    follows = FilteredRelation("events", condition=Q(events__offset__gt=offset))
    columns = ("epoch", "top", "new__offset", "new__uid", "new__kind", "new__created_at", "new__payload")
    rows = Stream.objects.filter(name=stream).annotate(new=follows).order_by("new__offset")
    here, entries = Position(), []
    for epoch, top, place, uid, kind, at, payload in rows.values_list(*columns)[:limit]:
        here = Position(epoch, top)
        if place is not None:
            frame = protocol.event(stream, epoch, place, uid, kind, at, payload)
            entries.append(Entry(stream, epoch, place, frame, at.timestamp()))
    return here, entries


def outbox_depth() -> int:
    """How many events of shared streams wait for a relay."""
    return Pending.objects.count()


def outbox_age() -> float:
    """For how many seconds the oldest of them waits."""
    oldest = Pending.objects.aggregate(at=Min("created_at"))["at"]
    return max(0.0, (timezone.now() - oldest).total_seconds()) if oldest else 0.0


def entries_after(stream: str, offset: int, limit: int) -> list[Entry]:
    return read_after(stream, offset, limit)[1]


def open_stream(stream: str, wanted: Position | None, limit: int) -> Opened:
    if wanted is None:
        here = position(stream)
        return Opened(here, True, here.offset, [])
    here, entries = read_after(stream, wanted.offset, limit)
    follows = entries[0].offset == wanted.offset + 1 if entries else wanted.offset == here.offset
    if follows and (wanted.epoch == here.epoch or wanted == Position()):
        return Opened(Position(here.epoch, wanted.offset), True, here.offset, entries)
    return Opened(here, False, here.offset, [])
