"""What is happening: the newest lines of the staff's logs in words, of those logs that the reader may read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from djmoney.money import Money

from notifications.log import positions
from notifications.models import Event
from notifications.streams import Reader, may_read
from shop.orders.models import Order

STREAMS = ("staff:orders", "staff:stock")
LENGTH = 60

# What each kind says after the order's number or the print's title, and its colour: brass waits for us, sea is under
# way, green is done, signal has gone wrong.
WORDS = {
    "order.placed": ("was placed", ""),
    "order.paid": ("was paid", "warning"),
    "order.stock_arrived": ("has all its prints now", "warning"),
    "order.packed": ("was packed", "warning"),
    "order.partly_shipped": ("left in part", "info"),
    "order.shipped": ("is on its way", "info"),
    "order.parcel_delivered": ("had a parcel delivered", "info"),
    "order.delivered": ("was delivered", "success"),
    "order.lines_cancelled": ("was cancelled in part", "danger"),
    "order.cancelled": ("was cancelled", "danger"),
    "order.refunded": ("was refunded", "danger"),
    "order.claimed": ("was moved to an account", ""),
    "order.payment_declined": ("had its card declined", ""),
    "order.payment_differs": ("was paid another sum than asked", "danger"),
    "order.paid_too_late": ("was paid too late", "danger"),
    "order.paid_twice": ("was paid twice", "danger"),
    "order.return_requested": ("is to be sent back", "warning"),
    "order.return_approved": ("may be sent back", "info"),
    "order.return_refused": ("may not be sent back", "danger"),
    "order.return_withdrawn": ("is kept after all", ""),
    "order.return_received": ("came back", "warning"),
    "order.return_refunded": ("had its return refunded", "success"),
    "order.return_exchanged": ("was exchanged", "success"),
    "order.return_reopened": ("waits for another answer: its exchange was called off", "danger"),
    "order.address_changed": ("goes to another address", ""),
    "order.edit_proposed": ("waits for the difference of a change", ""),
    "order.edited": ("was changed", "warning"),
    "order.edit_undone": ("stays as it was: its change was not paid", ""),
    "order.refund_requested": ("waits for its refund", ""),
    "order.refund_paid": ("got its refund", "success"),
    "order.refund_failed": ("did not get its refund", "danger"),
    "order.captured": ("was charged to the card", "success"),
    "order.capture_refused": ("left, and its charge was refused", "danger"),
    "order.payment_lapsed": ("left, and its bank let the money go", "danger"),
    "order.refund_released": ("is charged less than was authorised", ""),
    "order.dispute_opened": ("is disputed at the bank", "danger"),
    "order.dispute_won": ("keeps its money: the dispute is won", "success"),
    "order.dispute_lost": ("lost its money: the dispute is lost", "danger"),
    "money.differs": ("differs from the provider's books", "danger"),
    "stock.low": ("runs low", "warning"),
    "stock.out": ("is sold out", "danger"),
    "stock.ahead": ("is made to order from now on", "warning"),
    "stock.back": ("can be had again", "success"),
}


@dataclass(frozen=True, slots=True)
class Happening:
    """`about` is what the line links to, if it is still there; `detail` a sum, or which variant and how many."""

    key: UUID
    at: datetime
    about: str
    words: str
    detail: str
    colour: str
    url: str

    @property
    def day(self) -> date:
        return timezone.localtime(self.at).date()


def readable(request: HttpRequest) -> list[str]:
    reader = Reader(request.user, request.session)
    return [stream for stream in STREAMS if may_read(reader, stream)]


def happening(request: HttpRequest) -> dict[str, Any]:
    """The page's context: one query for each log and one for the orders it names. Raises PermissionDenied."""
    streams = readable(request)
    if not streams:
        raise PermissionDenied
    live = positions(*streams)  # before the rows
    events = [event for stream in streams for event in Event.objects.on(stream).order_by("-offset")[:LENGTH]]
    newest = sorted(events, key=lambda event: (event.created_at, event.pk), reverse=True)[:LENGTH]
    return {"live": live, "happenings": list(_in_words(newest)), "today": timezone.localdate()}


def _in_words(events: list[Event]) -> Iterable[Happening]:
    wanted = {event.payload["order"] for event in events if "order" in event.payload}
    orders = dict(Order.objects.filter(public_id__in=wanted).values_list("public_id", "pk"))
    for event in events:
        said = event.payload
        words, colour = WORDS.get(event.kind, (event.kind.partition(".")[2].replace("_", " "), ""))
        about, detail, url = _about_stock(said) if "sku" in said else _about_order(event.kind, said, orders)
        yield Happening(event.uid, event.created_at, about, words, detail, colour, url)


def _about_order(kind: str, said: dict[str, Any], orders: dict[str, int]) -> tuple[str, str, str]:
    pk = orders.get(said["order"])
    total = str(Money(said["total"], settings.DEFAULT_CURRENCY)) if kind == "order.placed" else ""
    return said["number"], total, reverse("admin:orders_order_change", args=[pk]) if pk else ""


def _about_stock(said: dict[str, Any]) -> tuple[str, str, str]:
    left = f", {said['available']} left" if said["available"] else ""
    url = reverse("admin:inventory_stock_change", args=[said["variant"]])
    return said["title"], f"{said['sku']}{left}", url
