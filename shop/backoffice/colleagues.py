"""Who of the staff has an order open, as pages show it: by name on the order's page, by initials in the list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from shop.desk.models import Presence
from shop.orders.models import Order

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True, slots=True)
class Colleague:
    name: str
    initials: str
    since: datetime


def colleagues_on(order: Order, me: User) -> list[Colleague]:
    """The others who have it open, in the order they came; one query."""
    return _people(order.presences.now().exclude(user=me).select_related("user"))


def chips(order: Order) -> SafeString:
    """The initials of all who have it open. `presences` is fetched with the list."""
    here = [
        (f"{one.name} is on it, since {timezone.localtime(one.since):%H:%M}", one.initials)
        for one in _people(order.presences.all())
    ]
    return format_html_join(" ", '<abbr class="bo-initials" title="{}">{}</abbr>', here)


def _people(presences: Iterable[Presence]) -> list[Colleague]:
    """Each once, since the first of their pages."""
    first: dict[int, Presence] = {}
    for presence in presences:
        first.setdefault(presence.user_id, presence)
    return [_colleague(presence) for presence in first.values()]


def _colleague(presence: Presence) -> Colleague:
    user = presence.user
    name = user.get_full_name() or user.email
    initials = "".join(word[0] for word in name.split()[:2]).upper()
    return Colleague(user.first_name or name, initials, presence.since)
