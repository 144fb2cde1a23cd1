"""An order's log: its lines, and in words what its page, messages and mail call each of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

BY_THE_BUYER = {"placed", "paid", "payment_declined", "return_requested", "return_withdrawn"}

TITLES = {
    "placed": "Order placed",
    "paid": "Paid",
    "stock_arrived": "All of it is here",
    "packed": "Packed",
    "partly_shipped": "Part of it is on its way",
    "shipped": "On its way",
    "parcel_delivered": "A parcel delivered",
    "delivered": "Delivered",
    "lines_cancelled": "Cancelled in part",
    "cancelled": "Cancelled",
    "refunded": "Refunded",
    "payment_declined": "Payment declined",
    "payment_differs": "Payment looked into",
    "paid_too_late": "Paid too late",
    "return_requested": "Return asked for",
    "return_approved": "Return approved",
    "return_refused": "Return refused",
    "return_withdrawn": "Return withdrawn",
    "return_received": "Return received",
    "return_refunded": "Return refunded",
    "return_exchanged": "Exchanged",
    "return_reopened": "Exchange called off",
    "address_changed": "Address changed",
    "edit_proposed": "A change to be paid",
    "edited": "Changed",
    "edit_undone": "Change taken back",
    "refund_requested": "Refund on its way",
    "refund_paid": "Refund paid out",
    "refund_failed": "Refund held up",
    "paid_twice": "Paid twice",
    "dispute_opened": "Questioned at your bank",
    "dispute_won": "Settled with your bank",
    "dispute_lost": "Paid back by your bank",
    "captured": "Charged to your card",
    "capture_refused": "Could not be charged yet",
    "payment_lapsed": "Your bank let the payment go",
    "refund_released": "Not charged",
    "claimed": "Moved to your account",
}


def title_of(kind: str) -> str:
    return TITLES.get(kind, kind.replace("_", " ").capitalize())


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line of the log as somebody reads it: when, by whose hand, what and why."""

    kind: str
    title: str
    hand: str
    why: str
    at: datetime

    def __str__(self) -> str:
        return f"{self.title}. {self.why}".strip()


class OrderEvent(models.Model):
    """One line of an order's log: what happened, when, by whose hand and why."""

    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=30)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    why = models.CharField(max_length=300, blank=True)
    data = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} at {self.created_at:%Y-%m-%d %H:%M}"

    def read_by(self, reader: User | AnonymousUser) -> LogEntry:
        return LogEntry(self.kind, title_of(self.kind), self._hand(reader), self.why, self.created_at)

    def _hand(self, reader: User | AnonymousUser) -> str:
        """Who did it, as far as the reader needs to know."""
        if self.actor is not None:
            return "you" if self.actor == reader else self.actor.first_name or "the harbour office"
        if self.kind in BY_THE_BUYER:
            return "the buyer" if getattr(reader, "is_staff", False) else "you"
        return "the shop"
