"""The durable log: what was said on each stream, in order, and how far each user has read.

The log is the truth. Whatever carries events faster (a hub, the channel layer) may lose them, and reads them
here again.
"""

import secrets
import uuid
from typing import Self

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

NAME_LENGTH = 160
QUIET = "quiet"  # in the payload of what a user does not want to be told live
READ = "inbox.read"  # tells a user's other screens; nothing to be read itself


def new_epoch() -> str:
    return secrets.token_hex(4)


class Stream(models.Model):
    """One ordered log. Its row lock makes the order of commits the order of offsets."""

    name = models.CharField(max_length=NAME_LENGTH, unique=True)
    epoch = models.CharField(max_length=16, default=new_epoch, editable=False)
    top = models.PositiveBigIntegerField(default=0)
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Message(models.Model):
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=80)
    payload = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.kind


class EventQuerySet(models.QuerySet["Event"]):
    def on(self, stream: str) -> Self:
        return self.filter(stream__name=stream)

    def after(self, offset: int) -> Self:
        return self.filter(offset__gt=offset).order_by("offset")

    def to_read(self) -> Self:
        return self.exclude(kind=READ).exclude(payload__has_key=QUIET)


class Event(Message):
    stream = models.ForeignKey(Stream, models.CASCADE, related_name="events")
    offset = models.PositiveBigIntegerField()

    objects = EventQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "offset"], name="one_event_per_offset")]


class Pending(Message):
    """An event of a shared stream that has no offset yet; it names its stream without a lock on it."""

    stream_name = models.CharField(max_length=NAME_LENGTH)


class ReadMark(models.Model):
    """How far a user has read a stream; it only moves forward."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    stream = models.ForeignKey(Stream, models.CASCADE, related_name="+")
    offset = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "stream"], name="one_mark_per_reader")]

    def __str__(self) -> str:
        return f"{self.user_id} read {self.stream_id} to {self.offset}"


class Preference(models.Model):
    """What a user chose otherwise than a kind's registration says."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=80)
    live = models.BooleanField()
    email = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="one_preference_per_kind")]

    def __str__(self) -> str:
        return f"{self.user_id} about {self.kind}"


class DigestItem(Message):
    """A message that its user's next digest tells, unless it is read before.

    `offset` is its place in the user's stream, None where mail alone tells it; `digest` the number of the digest
    that took it, None while it waits.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    offset = models.PositiveBigIntegerField(null=True)
    digest = models.PositiveIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "digest"], name="digest_items_of_user"),
            models.Index(fields=["created_at"], condition=models.Q(digest=None), name="digest_items_waiting"),
        ]


class Digest(models.Model):
    """A user's digests: how many there were, when the last was gathered, and when its reader was last here.

    `seen_at` is kept only while something waits: of nobody else it matters.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")
    number = models.PositiveIntegerField(default=0)
    gathered_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"digest {self.number} of {self.user_id}"


class Ticket(models.Model):
    """Opens one connection for one user or for nobody in particular, once, soon. Only the secret's digest is kept.

    `grants` is what a browser's session would hold; the rules of streams read it, and nobody here does.
    """

    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    grants = models.JSONField(default=dict)
    session_key = models.CharField(max_length=40, blank=True)  # of the app's session that asked for it
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"ticket of {self.user_id or 'a guest'}"
