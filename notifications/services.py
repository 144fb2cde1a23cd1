"""Saying something: a row in the caller's transaction, a wake-up after its commit."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from notifications import protocol
from notifications.models import QUIET, DigestItem, Event, Message, Pending, Stream, Ticket, new_epoch
from notifications.preferences import chosen, goes_into_digests
from notifications.protocol import REPLAY_BATCH, Entry
from notifications.streams import is_shared
from notifications.wake import wake

RETENTION = timedelta(days=7)
NEWEST_KEPT = 1000


class NotInTransaction(RuntimeError):
    """notify() was called where its row could be committed without the change it tells of."""


def notify(stream: str, kind: str, /, **payload: Any) -> Message:
    """Tell everyone who reads this stream, surely, if and only if the caller's transaction commits.

    It locks the stream until that commit: call it late in the transaction, and for several streams in the
    order of their names. A shared stream is not locked.
    """
    _demand_transaction(f"notify({stream!r}, {kind!r})")
    if not protocol.STREAM_NAME.fullmatch(stream):
        raise ValueError(f"not the name of a stream: {stream!r}")
    if is_shared(stream):
        return _leave_to_relay(Pending(stream_name=stream, kind=kind, payload=payload))
    stream_id, epoch, top = _advance(stream, by=1)
    event = Event(stream_id=stream_id, offset=top, kind=kind, payload=payload)
    entry = _entry(event, stream, epoch, top)
    event.save(force_insert=True)
    transaction.on_commit(partial(wake, [entry]), robust=True)
    return event


def tell(user_id: int, kind: str, /, **payload: Any) -> None:
    """Tell one user through the channels they chose for this kind, if and only if the transaction commits.

    Live is a message in the inbox; e-mail is a line of the next digest, if the message is not read before.
    The stream `user:<id>` has the event in any case, since screens keep their rows in step by it: one that is
    not wanted live is marked `quiet`, and bell and inbox pass over it. It locks that stream as notify() does.
    """
    _demand_transaction(f"tell({user_id!r}, {kind!r})")
    choice = chosen(user_id, kind)
    event = notify(f"user:{user_id}", kind, **payload, **({} if choice.live else {QUIET: True}))
    if choice.email and goes_into_digests(kind):
        # Where mail alone tells it, reading the inbox does not mean that it was read.
        offset = event.offset if choice.live and isinstance(event, Event) else None
        DigestItem.objects.create(user_id=user_id, kind=kind, payload=payload, offset=offset)


def relay() -> None:
    """Give the waiting events of shared streams their offsets."""
    for stream in Pending.objects.order_by("stream_name").values_list("stream_name", flat=True).distinct():
        while _place(stream) == REPLAY_BATCH:
            pass


def prune() -> int:
    """Delete what is past retention. A client that stopped before the cut is told so when it comes back."""
    now = timezone.now()
    Ticket.objects.filter(expires_at__lt=now).delete()
    DigestItem.objects.filter(created_at__lt=now - RETENTION).delete()
    return sum(
        _prune_stream(stream, now - RETENTION) for stream in Stream.objects.filter(top__gt=NEWEST_KEPT)
    )


def forget_idle(kind: str, idle: timedelta) -> int:
    """Delete the streams of a kind that nobody wrote to for so long, such as those of what is gone itself.

    Whoever still follows one is told to look anew when it begins again.
    """
    horizon = timezone.now() - idle
    return Stream.objects.filter(name__startswith=f"{kind}:", updated_at__lt=horizon).delete()[0]


def _demand_transaction(call: str) -> None:
    if not connection.in_atomic_block:
        raise NotInTransaction(f"{call} belongs in the transaction of the change it tells of")


def _advance(stream: str, *, by: int) -> tuple[int, str, int]:
    """Lock the stream, made if it is new, and move its top; its id, epoch and new top."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO notifications_stream AS stream (name, epoch, top, updated_at) VALUES (%s, %s, %s, %s)
            ON CONFLICT (name) DO UPDATE SET top = stream.top + excluded.top, updated_at = excluded.updated_at
            RETURNING id, epoch, top
            """,
            [stream, new_epoch(), by, now],
        )
        return cursor.fetchall()[0]


def _entry(message: Message, stream: str, epoch: str, offset: int) -> Entry:
    frame = protocol.event(
        stream, epoch, offset, message.uid, message.kind, message.created_at, message.payload
    )
    return Entry(stream, epoch, offset, frame, message.created_at.timestamp())


def _leave_to_relay(pending: Pending) -> Pending:
    _entry(pending, pending.stream_name, new_epoch(), 2**53)  # refuses what no frame could hold
    pending.save(force_insert=True)
    transaction.on_commit(partial(wake, [Entry(pending.stream_name)]), robust=True)
    return pending


@transaction.atomic
def _place(stream: str) -> int:
    # Only relays lock a shared stream: the second one waits here and then finds nothing left.
    _advance(stream, by=0)
    waiting = list(Pending.objects.filter(stream_name=stream).order_by("pk")[:REPLAY_BATCH])
    if not waiting:
        return 0
    stream_id, epoch, top = _advance(stream, by=len(waiting))
    events = [
        Event(
            stream_id=stream_id,
            offset=offset,
            uid=pending.uid,
            kind=pending.kind,
            payload=pending.payload,
            created_at=pending.created_at,
        )
        for offset, pending in enumerate(waiting, start=top - len(waiting) + 1)
    ]
    Event.objects.bulk_create(events)
    Pending.objects.filter(pk__in=[pending.pk for pending in waiting]).delete()
    entries = [_entry(event, stream, epoch, event.offset) for event in events]
    transaction.on_commit(partial(wake, entries), robust=True)
    return len(waiting)


def _prune_stream(stream: Stream, horizon: datetime) -> int:
    first_young = stream.events.filter(created_at__gte=horizon).aggregate(first=Min("offset"))["first"]
    cut = stream.top - NEWEST_KEPT
    if first_young is not None:
        cut = min(cut, first_young - 1)
    return stream.events.filter(offset__lte=cut).delete()[0]
