"""Quiet digests: one mail to whoever was away, of what they wanted by e-mail and have not read.

A digest is gathered once. One conditional update takes the user's turn, another gives the waiting items the new
number, and the project enqueues its mail in the same transaction: of several workers one comes first, and one
that dies in between has done nothing.

It is then sent at least once: the items are forgotten after the mail server took the mail, not before. A crash
between the two sends a second copy, under the same Message-ID, by which mail programs know it; at most once
would lose what a user who is told by mail alone hears nowhere else.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from notifications.models import Digest, DigestItem

HERE_FOR = timedelta(minutes=1)
NOTED_AGAIN = timedelta(seconds=20)
AT_ONCE = 500

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Not sooner than `quiet` after the first message, not again within `pause`, never in the hours of `night`.

    The night is of the site's time zone, from its first hour until its last, as (21, 8); equal hours are none.
    """

    quiet: timedelta = timedelta(minutes=15)
    pause: timedelta = timedelta(hours=4)
    night: tuple[int, int] = (21, 8)

    def is_night(self, at: datetime) -> bool:
        start, end = self.night
        return (timezone.localtime(at).hour - start) % 24 < (end - start) % 24


def rhythm() -> Rhythm:
    return Rhythm(**getattr(settings, "NOTIFICATIONS_DIGEST", {}))


def note_here(users: Iterable[Any]) -> None:
    """These users have a connection open: no mail for them yet. Cheap where nothing waits; call it often."""
    now = timezone.now()
    noted = Digest.objects.filter(seen_at__gt=now - NOTED_AGAIN).values("user_id")
    waiting = DigestItem.objects.filter(user_id__in=users, digest=None).exclude(user_id__in=noted)
    # In one order, so that two processes that note the same users do not lock each other out.
    here = waiting.order_by("user_id").values_list("user_id", flat=True).distinct()
    rows = [Digest(user_id=pk, seen_at=now) for pk in here]
    Digest.objects.bulk_create(rows, update_conflicts=True, unique_fields=["user"], update_fields=["seen_at"])


def gather_digests(send: Callable[[int, int], object]) -> int:
    """Call send(user_id, number) in the transaction that gathers each digest that is due; returns how many.

    It should enqueue a task that mails `items(user_id, number)` and then calls `forget(user_id, number)`.
    """
    now, gathered = timezone.now(), 0
    if rhythm().is_night(now):
        return 0
    for user_id in _due(now):
        try:
            gathered += _gather(user_id, now, send)
        except Exception:
            # One user's digest must not hold up the others'.
            logger.exception("no digest could be gathered for user %s", user_id)
    return gathered


def items(user_id: int, number: int) -> QuerySet[DigestItem]:
    """What is still unread of a digest, newest first; nothing once it was forgotten."""
    return DigestItem.objects.filter(user_id=user_id, digest=number).order_by("-pk")


@transaction.atomic
def forget(user_id: int, number: int) -> None:
    _taken(items(user_id, number)).delete()


def _due(now: datetime) -> list[int]:
    waiting = DigestItem.objects.filter(digest=None, created_at__lte=now - rhythm().quiet)
    resting = Digest.objects.filter(_resting(now)).values("user_id")
    users = waiting.exclude(user_id__in=resting).order_by("user_id").values_list("user_id", flat=True)
    return list(users.distinct()[:AT_ONCE])


def _resting(now: datetime) -> Q:
    """Mailed not long ago, or here."""
    return Q(gathered_at__gt=now - rhythm().pause) | Q(seen_at__gt=now - HERE_FOR)


@transaction.atomic
def _gather(user_id: int, now: datetime, send: Callable[[int, int], object]) -> bool:
    Digest.objects.bulk_create([Digest(user_id=user_id)], ignore_conflicts=True)
    turn = Digest.objects.filter(user=user_id).exclude(_resting(now))
    if not turn.update(number=F("number") + 1, gathered_at=now):
        return False
    number = Digest.objects.values_list("number", flat=True).get(user=user_id)
    if not _taken(DigestItem.objects.filter(user_id=user_id, digest=None)).update(digest=number):
        transaction.set_rollback(True)  # read meanwhile: the turn is not used up
        return False
    send(user_id, number)
    return True


def _taken(wanted: QuerySet[DigestItem]) -> QuerySet[DigestItem]:
    """Lock what nobody else has: what is being read at this moment is gone afterwards, and waiting could deadlock."""
    locked = wanted.select_for_update(skip_locked=True)
    return DigestItem.objects.filter(pk__in=[item.pk for item in locked])
