"""Our ledger beside the provider's books, every minute: what is news to us is applied, what still differs is told.

The sum of the ledger is charges less refunds less disputes: what the provider holds for us, before fees and payouts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from djmoney.money import Money

from notifications.services import notify
from shop.payments import stripe_gateway as gateway
from shop.payments.alarms import alarm
from shop.payments.differences import Difference, inner_faults, missing, payments_of, unknown_to_provider
from shop.payments.disputes import apply_dispute
from shop.payments.models import Bookmark, Discrepancy, LedgerEntry, Payment
from shop.payments.refunds import apply_refund
from shop.payments.services import apply_intent
from shop.payments.stripe_gateway import Booking, GatewayUnavailable

logger = logging.getLogger(__name__)
Kind = LedgerEntry.Kind
# Read once more each time: the provider may write a line a little after its time.
OVERLAP = timedelta(minutes=10)
# What is younger may be on its way to us.
UNDER_WAY = timedelta(seconds=45)
# A difference is looked at again every minute for so long, and after that when somebody calls check_money.
LOOKED_AT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Audit:
    """Both sums are of what this shop's payments brought; an account may have others."""

    differences: list[Difference]
    ours: Money
    theirs: Money


def compare_books() -> int:
    """The provider's lines since the last time, and our own since then. Returns how many differ."""
    now = timezone.now()
    mark, _ = Bookmark.objects.get_or_create(name="books", defaults={"at": _first_payment_at() or now})
    since = mark.at - OVERLAP
    bookings = gateway.ask(gateway.list_bookings(since))
    settled = [booking for booking in bookings if booking.at <= now - UNDER_WAY]
    _hear_of_what_is_missing(settled)
    _note_fees(settled)
    found = _surely(lambda: [*missing(settled), *unknown_to_provider(bookings, since), *inner_faults(since)])
    _keep(found, since)
    if not found or mark.at < now - LOOKED_AT:
        mark.move_to(now)
    return len(found)


def audit() -> Audit:
    """Everything, line by line and in all."""
    bookings = gateway.ask(gateway.list_bookings())
    _note_fees(bookings)
    found = _surely(lambda: [*missing(bookings), *unknown_to_provider(bookings), *inner_faults()])
    _keep(found)
    ours = payments_of(bookings)
    theirs = _sum(booking.amount for booking in bookings if booking.intent_id in ours)
    return Audit(found, ledger_total(), theirs)


def ledger_total() -> Money:
    """What the provider holds for us by our ledger, before its fees."""
    return _sum(row.amount for row in LedgerEntry.objects.exclude(kind=Kind.FEE).iterator())


def _first_payment_at() -> datetime | None:
    """A shop that is older than its ledger has all of it written from the provider's books."""
    asked = Payment.objects.exclude(intent_id=None)
    return asked.order_by("created_at").values_list("created_at", flat=True).first()


def _hear_of_what_is_missing(bookings: list[Booking]) -> None:
    for difference in missing(bookings):
        if difference.booking:
            try:
                _hear_of(difference.booking)
            except GatewayUnavailable:
                raise
            except Exception:
                # One line that cannot be applied must not hide what else differs.
                logger.exception("the provider's line %s could not be applied", difference.booking.id)


def _hear_of(booking: Booking) -> None:
    """The news behind a line that we do not have, as if we had been told in time."""
    if booking.kind == Kind.CHARGE:
        apply_intent(gateway.ask(gateway.retrieve_intent(booking.intent_id)))
    elif booking.kind in (Kind.REFUND, Kind.REFUND_FAILED):
        apply_refund(gateway.ask(gateway.retrieve_refund(booking.source)))
    elif booking.kind in (Kind.DISPUTE, Kind.DISPUTE_REVERSED):
        apply_dispute(gateway.ask(gateway.retrieve_dispute(booking.source)))


def _note_fees(bookings: list[Booking]) -> None:
    """What the provider keeps for itself is known from its books alone."""
    ours = payments_of(bookings)
    for booking in bookings:
        if booking.fee.amount and booking.intent_id in ours:
            ours[booking.intent_id].book(Kind.FEE, booking.id, -booking.fee)


def _surely(look: Callable[[], list[Difference]]) -> list[Difference]:
    """What is found twice: a payment may be written between two of our queries."""
    first = {difference.words for difference in look()}
    return [difference for difference in look() if difference.words in first] if first else []


@transaction.atomic
def _keep(found: list[Difference], since: datetime | None = None) -> None:
    """New differences are told once; those that are gone are forgotten."""
    kept = Discrepancy.objects.filter(found_at__gte=since) if since else Discrepancy.objects.all()
    kept.exclude(words__in=[difference.words for difference in found]).delete()
    for difference in found:
        order, words = difference.order, difference.words
        if Discrepancy.objects.get_or_create(words=words, defaults={"order": order})[1]:
            notify("staff:orders", "money.differs", order=order.public_id, number=order.number)
            alarm("The books do not agree", f"{words}.", order)


def _sum(amounts: Iterable[Money]) -> Money:
    # Added up here: SQLite would add them as binary fractions.
    return sum(amounts, Money(0, settings.DEFAULT_CURRENCY))  # type: ignore[return-value]
