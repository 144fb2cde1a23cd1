"""Where our ledger and the provider's books, or our ledger and our own rows, do not say the same: in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from djmoney.money import Money

from shop.orders.models import Order
from shop.payments import stripe_gateway as gateway
from shop.payments.models import LedgerEntry, Payment, Refund
from shop.payments.stripe_gateway import Booking

Kind = LedgerEntry.Kind
AT_ONCE = 500
# What came back is told as less of what had gone.
NETS = {Kind.REFUND_FAILED: Kind.REFUND, Kind.DISPUTE_REVERSED: Kind.DISPUTE}


@dataclass(frozen=True, slots=True)
class Difference:
    """`booking` is the provider's line where we have none that says the same."""

    order: Order
    words: str
    booking: Booking | None = None


def payments_of(bookings: Iterable[Booking]) -> dict[str, Payment]:
    """By the id of their intent; lines of another shop on the same account have none."""
    ids = sorted({booking.intent_id for booking in bookings})
    found: dict[str, Payment] = {}
    for start in range(0, len(ids), AT_ONCE):
        some = Payment.objects.filter(intent_id__in=ids[start : start + AT_ONCE]).select_related("order")
        found |= {payment.intent_id or "": payment for payment in some}
    return found


def missing(bookings: Iterable[Booking]) -> list[Difference]:
    """Lines of the provider's that our ledger does not have, or has with another amount."""
    bookings = list(bookings)
    ours = payments_of(bookings)
    known = {(row.kind, row.source): row.amount for row in _rows_of(list(ours.values()))}
    found = []
    for booking in bookings:
        if booking.intent_id not in ours or booking.kind not in Kind.values:
            continue
        order, amount = ours[booking.intent_id].order, known.get((booking.kind, booking.source))
        what = _what(order, booking.kind, booking.source)
        if amount is None:
            words = f"{what} of {booking.amount} is in the provider's books and not in ours"
            found.append(Difference(order, words, booking))
        elif amount != booking.amount:
            found.append(Difference(order, f"{what} is {booking.amount} with the provider, {amount} with us"))
    return found


def unknown_to_provider(bookings: Iterable[Booking], since: datetime | None = None) -> list[Difference]:
    """Lines of ours that the provider does not have. Of old news its line stands outside of what was read."""
    theirs = {(booking.kind, booking.source) for booking in bookings}
    rows = LedgerEntry.objects.exclude(kind=Kind.FEE).select_related("payment__order")
    if since:
        rows = rows.filter(created_at__gte=since)
    lacking = [row for row in rows.iterator() if (row.kind, row.source) not in theirs]
    if since:
        lacking = [row for row in lacking if not _provider_has(row)]
    return [_only_ours(row) for row in lacking]


def inner_faults(since: datetime | None = None) -> list[Difference]:
    """Payments whose ledger does not say what their own rows say; asks nobody."""
    # Of what a gift card gave the provider knows nothing.
    payments = Payment.objects.filter(gift_card=None)
    payments = payments.select_related("order").prefetch_related("ledger", "refunds")
    if since:
        touched = LedgerEntry.objects.filter(created_at__gte=since).values("payment")
        payments = payments.filter(Q(updated_at__gte=since) | Q(pk__in=touched))
    found = []
    for payment in payments.order_by("pk").iterator(chunk_size=AT_ONCE):
        booked = _booked(payment)
        for kind, expected in _expected(payment).items():
            if booked[kind] != expected:
                words = f"{payment.order.number}: {kind} is {booked[kind]} in our ledger, {expected} by our own rows"
                found.append(Difference(payment.order, words))
    return found


def _what(order: Order, kind: str, source: str) -> str:
    return f"{order.number}: {LedgerEntry.Kind(kind).label.lower()} {source}"


def _only_ours(row: LedgerEntry) -> Difference:
    order = row.payment.order
    words = f"{_what(order, row.kind, row.source)} of {row.amount} is in our books and not in the provider's"
    return Difference(order, words)


def _rows_of(payments: list[Payment]) -> Iterable[LedgerEntry]:
    for start in range(0, len(payments), AT_ONCE):
        yield from LedgerEntry.objects.filter(payment__in=payments[start : start + AT_ONCE])


def _provider_has(row: LedgerEntry) -> bool:
    about = gateway.ask(gateway.list_bookings(source=row.source))
    return any(booking.kind == row.kind for booking in about)


def _booked(payment: Payment) -> dict[str, Money]:
    """What was charged, and what went back of it: both above zero."""
    sums: dict[str, Money] = defaultdict(lambda: Money(0, payment.amount.currency))
    for row in payment.ledger.all():
        sums[NETS.get(Kind(row.kind), row.kind)] += row.amount if row.kind == Kind.CHARGE else -row.amount
    return sums


def _expected(payment: Payment) -> dict[str, Money]:
    """Of refunds that the bank still has in hand nobody can say whether they are booked."""
    zero, refunds = Money(0, payment.amount.currency), payment.refunds.all()
    charged = payment.amount if payment.status == Payment.Status.SUCCEEDED else zero
    if any(refund.status in (Refund.Status.REQUESTED, Refund.Status.PENDING) for refund in refunds):
        return {Kind.CHARGE: charged}
    back = [refund.amount for refund in refunds if refund.status == Refund.Status.SUCCEEDED]
    return {Kind.CHARGE: charged, Kind.REFUND: sum(back, zero)}
