"""Coming to an order, staying and going. Only coming and going are told: staying is one short update."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from notifications.services import notify
from shop.desk.models import Presence
from shop.orders.models import Order

if TYPE_CHECKING:
    from accounts.models import User

STREAM = "staff:desk"
LASTS = timedelta(seconds=25)  # two beats of a page (backoffice/js/pulse.js), and a little


def stay(order: Order, user: User, page: str) -> None:
    """The page is open, now and for LASTS. The first time, and after it had run out, others are told."""
    now = timezone.now()
    here = order.presences.now().filter(user=user, page=page)
    if here.update(expires_at=now + LASTS):
        return
    with transaction.atomic():
        Presence.objects.bulk_create(
            [Presence(order=order, user=user, page=page, since=now, expires_at=now + LASTS)],
            update_conflicts=True,  # one that ran out and was not cleared away yet
            unique_fields=["order", "user", "page"],
            update_fields=["since", "expires_at"],
        )
        _tell(order)


@transaction.atomic
def leave(order: Order, user: User, page: str) -> None:
    """The page was closed."""
    if order.presences.filter(user=user, page=page).delete()[0]:
        _tell(order)


def clear_desks() -> int:
    """Forgets pages that died without a word; returns how many."""
    gone = list(Presence.objects.overdue().select_related("order"))
    if not gone:
        return 0
    with transaction.atomic():
        for order in {presence.order for presence in gone}:
            _tell(order)
        return Presence.objects.overdue().filter(pk__in=[presence.pk for presence in gone]).delete()[0]


def _tell(order: Order) -> None:
    notify(STREAM, "desk.changed", order=order.public_id)
