"""A buyer's bank takes the money back: recorded once, told to staff with its deadline, forward only."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from shop.payments.alarms import alarm
from shop.payments.models import Dispute, LedgerEntry, Payment
from shop.payments.stripe_gateway import GatewayDispute

Status = Dispute.Status
ENDINGS = {
    Status.WON: "dispute_won",
    Status.LOST: "dispute_lost",
    Status.INQUIRY_CLOSED: "dispute_won",
    Status.PREVENTED: "dispute_won",
}
# Old news comes late.
RANK = {status: rank for rank, status in enumerate(Status)}


@transaction.atomic
def apply_dispute(said: GatewayDispute) -> None:
    """What the provider says of a dispute. One about somebody else's payment is left alone."""
    # Locked: its events come side by side.
    payment = (
        Payment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("order")
        .filter(intent_id=said.intent_id)
        .first()
    )
    if payment is None:
        return
    _book(payment, said)
    fields = {"payment": payment, "amount": said.amount, "reason": said.reason, "status": said.status}
    dispute, fresh = Dispute.objects.get_or_create(
        dispute_id=said.id, defaults={**fields, "evidence_due_at": said.until}
    )
    if fresh:
        _opened(dispute)
        if dispute.status in Dispute.CLOSED:
            _closed(dispute)
    elif RANK[Status(said.status)] > RANK[Status(dispute.status)]:
        _moved(dispute, said)


def _book(payment: Payment, said: GatewayDispute) -> None:
    if said.withdrawn:
        payment.book(LedgerEntry.Kind.DISPUTE, said.id, -said.withdrawn)
    if said.reinstated:
        payment.book(LedgerEntry.Kind.DISPUTE_REVERSED, said.id, said.reinstated)


def _moved(dispute: Dispute, said: GatewayDispute) -> None:
    dispute.status, dispute.amount = said.status, said.amount
    dispute.evidence_due_at = said.until
    dispute.save(update_fields=["status", "amount", "amount_currency", "evidence_due_at"])
    if dispute.status in Dispute.CLOSED:
        _closed(dispute)


def _opened(dispute: Dispute) -> None:
    order, due = dispute.payment.order, dispute.evidence_due_at
    reason = dispute.reason.replace("_", " ")
    order.record("dispute_opened", why=f"{reason.capitalize()}.", amount=str(dispute.amount))
    until = (
        f" The bank takes evidence until {date_format(timezone.localtime(due), 'j F Y, H:i')}." if due else ""
    )
    words = f"The buyer's bank disputes {dispute.amount} of {order.number}: {reason}.{until}"
    alarm("A payment is disputed", words, order, url=dispute.evidence_url)


def _closed(dispute: Dispute) -> None:
    Dispute.objects.filter(pk=dispute.pk).update(closed_at=timezone.now())
    order, kind = dispute.payment.order, ENDINGS[Status(dispute.status)]
    order.record(kind, amount=str(dispute.amount))
    ending = "ended for us: the money stays" if kind == "dispute_won" else "is lost: the money is gone"
    alarm("A dispute has ended", f"The dispute of {dispute.amount} over {order.number} {ending}.", order)
