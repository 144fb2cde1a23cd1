"""A user's inbox: the events of `user:<id>`, and how far they are read."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import F, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan

from notifications.models import READ, Event, EventQuerySet, ReadMark, Stream
from notifications.services import notify


def inbox_stream(user: AbstractBaseUser) -> str:
    return f"user:{user.pk}"


def inbox(user: AbstractBaseUser, limit: int = 20) -> QuerySet[Event]:
    """The newest first, each with `unread`."""
    return _messages(user).annotate(unread=GreaterThan(F("offset"), _mark(user))).order_by("-offset")[:limit]


def unread_count(user: AbstractBaseUser) -> int:
    return _messages(user).filter(offset__gt=_mark(user)).count()


@transaction.atomic
def mark_read(user: AbstractBaseUser, offset: int) -> bool:
    """Everything up to this offset is read, on all of the user's screens; False if it was before."""
    stream = Stream.objects.filter(name=inbox_stream(user)).first()
    if stream is None:
        return False
    offset = min(offset, stream.top)
    ReadMark.objects.bulk_create([ReadMark(user_id=user.pk, stream=stream)], ignore_conflicts=True)
    moved = ReadMark.objects.filter(user_id=user.pk, stream=stream, offset__lt=offset).update(offset=offset)
    if moved:
        notify(stream.name, READ, offset=offset)
    return bool(moved)


def _messages(user: AbstractBaseUser) -> EventQuerySet:
    return Event.objects.on(inbox_stream(user)).to_read()


def _mark(user: AbstractBaseUser) -> Any:
    marks = ReadMark.objects.filter(user_id=user.pk, stream__name=inbox_stream(user))
    return Coalesce(Subquery(marks.values("offset")[:1]), 0)
