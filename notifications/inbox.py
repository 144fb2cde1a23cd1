"""A user's inbox: the events of `user:<id>`, and how far they are read."""

from typing import Any, NamedTuple

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan

from notifications.models import READ, DigestItem, Event, Pending, ReadMark, Stream
from notifications.protocol import Position
from notifications.services import notify


class InboxState(NamedTuple):
    position: Position
    unread: int


def inbox_stream(user: AbstractBaseUser) -> str:
    return f"user:{user.pk}"


def messages_of(user: AbstractBaseUser) -> QuerySet[Event]:
    """All of them, the newest first, each with `unread`."""
    messages = Event.objects.on(inbox_stream(user)).to_read()
    return messages.annotate(unread=GreaterThan(F("offset"), _mark(user))).order_by("-offset")


def inbox(user: AbstractBaseUser, limit: int = 20) -> QuerySet[Event]:
    """The newest of them."""
    return messages_of(user)[:limit]


def inbox_state(user: AbstractBaseUser) -> InboxState:
    """Where the inbox stands and how much of it is unread, in one query: nothing falls between the two."""
    new = Event.objects.to_read().filter(stream=OuterRef("pk"), offset__gt=_mark(user))
    unread = Coalesce(Subquery(new.values("stream").annotate(count=Count("pk")).values("count")), 0)
    streams = Stream.objects.filter(name=inbox_stream(user)).annotate(unread=unread)
    for epoch, top, count in streams.values_list("epoch", "top", "unread"):
        return InboxState(Position(epoch, top), count)
    return InboxState(Position(), 0)


def unread_count(user: AbstractBaseUser) -> int:
    return inbox_state(user).unread


@transaction.atomic
def mark_read(user: AbstractBaseUser, offset: int) -> bool:
    """Everything up to this offset is read, on all of the user's screens; False if it was before."""
    # Locked, so that the count told is the one of this place in the stream.
    stream = Stream.objects.select_for_update().filter(name=inbox_stream(user)).first()
    if stream is None:
        return False
    offset = min(offset, stream.top)
    ReadMark.objects.bulk_create([ReadMark(user_id=user.pk, stream=stream)], ignore_conflicts=True)
    moved = ReadMark.objects.filter(user_id=user.pk, stream=stream, offset__lt=offset).update(offset=offset)
    if moved:
        DigestItem.objects.filter(user_id=user.pk, offset__lte=offset).delete()
        notify(stream.name, READ, offset=offset, unread=unread_count(user))
    return bool(moved)


def _mark(user: AbstractBaseUser) -> Any:
    marks = ReadMark.objects.filter(user_id=user.pk, stream__name=inbox_stream(user))
    return Coalesce(Subquery(marks.values("offset")[:1]), 0)


def forget_inbox(user: AbstractBaseUser) -> None:
    """What was ever said to a user; what the user chose and has read goes with the account."""
    Pending.objects.filter(stream_name=inbox_stream(user)).delete()
    Stream.objects.filter(name=inbox_stream(user)).delete()
