"""The line moves: places are taken, get their numbers, and are let in, at the rate that staff set."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, connection, transaction

from notifications.services import notify
from shop.drops.models import Drop, Place
from shop.drops.pacing import due, interval
from shop.errors import ShopError

if TYPE_CHECKING:
    from accounts.models import User

MOVED = ["opened_at", "drawn", "last_number", "admitted", "paced_at", "sold_out"]


class DropOver(ShopError):
    code = "drop_over"
    message = "This drop is over. What is left is sold like any other print."


def take_place(drop: Drop, user: User | None, held: Place | None = None) -> Place:
    """A place at the end of the line; the same again while the account's, or else the one `held`, still counts.

    Before the opening there is no end: all who wait are drawn then. Raises DropOver.
    """
    if drop.is_over:
        raise DropOver
    if user:
        drop.places.filter(user=user).lapse()
        held = drop.places.live().filter(user=user).first()
    if held and held.is_live:
        return held
    place = _add(drop, user)
    if drop.opened_at:
        # Whoever comes gives numbers to all that came, unless somebody is at it: then that one or the next does.
        advance(drop.pk)
        place.refresh_from_db()
    return place


def _add(drop: Drop, user: User | None) -> Place:
    place = Place(drop=drop, user=user)
    place.draw = drop.draw(place.public_id)
    try:
        with transaction.atomic():
            place.save(force_insert=True)
    except IntegrityError:
        # Another tab of this account was faster.
        return drop.places.live().get(user=user)
    return place


def move_lines() -> None:
    """The job: a step in the line of every drop that is open."""
    for pk in Drop.objects.due().values_list("pk", flat=True):
        advance(pk)


@transaction.atomic
def advance(drop_id: int) -> None:
    """One step: open the line, give numbers, let in whose turn it is, and tell.

    Any number of processes may call it at any time: one takes the step, the others leave it to that one.
    """
    drop = Drop.objects.due().select_for_update(skip_locked=True).filter(pk=drop_id).first()
    if drop is None:
        return
    now: datetime = drop.now  # type: ignore[attr-defined]  # annotated by due()
    before = {name: getattr(drop, name) for name in MOVED}
    if drop.opened_at is None:
        drop.opened_at = drop.paced_at = now
        drop.drawn = _give_numbers(drop, "draw")
    else:
        _give_numbers(drop, "id")
    drop.sold_out = not drop.has_stock()
    drop.places.lapse()
    _let_in(drop, now)
    changed = [name for name in MOVED if getattr(drop, name) != before[name]]
    drop.save(update_fields=changed)
    if {"opened_at", "admitted", "sold_out"} & set(changed):
        announce(drop)


def announce(drop: Drop) -> None:
    """How the line stands, to all who watch it; in the transaction of what changed it."""
    notify(drop.stream, "drop.moved", **drop.as_told())


def _give_numbers(drop: Drop, order: str) -> int:
    """Numbers all that have none, from the end of the line on, in this order; how many these were."""
    ids = drop.places.filter(number=None).order_by(order).values_list("pk", flat=True)
    numbered = list(enumerate(ids, start=drop.last_number + 1))
    if numbered:
        # Not one statement with row_number(): the table was empty when its statistics were taken, and a planner
        # that believes them joins the crowd with itself, row by row.
        with connection.cursor() as cursor:
            cursor.executemany("UPDATE drops_place SET number = %s WHERE id = %s", numbered)
    drop.last_number += len(numbered)
    return len(numbered)


def _let_in(drop: Drop, now: datetime) -> None:
    assert drop.paced_at
    if drop.paused or drop.sold_out:
        return
    since, count = due(drop.rate, drop.paced_at, now)
    count = min(count, drop.waiting, _room(drop))
    if count or since < drop.paced_at:
        drop.paced_at = since + count * interval(drop.rate)
    if count:
        until = now + timedelta(minutes=drop.admission_minutes)
        drop.places.let_in(drop.admitted, drop.admitted + count, until)
        drop.admitted += count


def _room(drop: Drop) -> int:
    if drop.inside_limit is None:
        return drop.waiting
    return max(0, drop.inside_limit - drop.places.inside().count())


@transaction.atomic
def steer(drop: Drop, *, rate: int | None = None, paused: bool | None = None) -> None:
    """Staff turn the rate or hold the line: told at once, in force with the next step."""
    wanted = {"rate": rate, "paused": paused}
    changes = {name: value for name, value in wanted.items() if value is not None}
    Drop.objects.filter(pk=drop.pk).update(**changes)
    drop.refresh_from_db()
    announce(drop)
