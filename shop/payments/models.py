"""What was asked of the payment provider, and everything it told us."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from djmoney.money import Money

from shop.giftcards.models import GiftCard
from shop.invoices.models import Document
from shop.money import total_of
from shop.orders.models import Order, OrderEdit, OrderLine, money_field
from shop.payments.customers import ProviderCustomer
from shop.payments.dispute_rows import Dispute
from shop.payments.ledger import Discrepancy, LedgerEntry
from shop.payments.refund_lines import RefundLine

__all__ = [
    "Bookmark",
    "Discrepancy",
    "Dispute",
    "GatewayEvent",
    "LedgerEntry",
    "Payment",
    "ProviderCustomer",
    "Refund",
    "RefundLine",
]


class PaymentQuerySet(models.QuerySet["Payment"]):
    def open(self) -> PaymentQuerySet:
        """Attempts that may still succeed."""
        return self.exclude(status__in=Payment.FINAL)

    def silent_for(self, age: timedelta) -> PaymentQuerySet:
        """Open attempts that nobody has heard of for so long, the longest silent first: a message may be lost.

        One that the provider does not know yet is asked for by the buyer, and one that is authorised waits for its
        parcel, unless the order, or the change it was for, was called off.
        """
        askable = (~Q(intent_id=None) & ~Q(status__in=Payment.HELD)) | Q(order__status=Order.Status.CANCELLED)
        askable |= Q(edit__status=OrderEdit.Status.UNDONE)
        return self.open().filter(askable, updated_at__lte=timezone.now() - age).order_by("updated_at")


class Payment(models.Model):
    """One attempt to be paid for an order: one PaymentIntent at the provider, or what a gift card gave."""

    class Status(models.TextChoices):
        STARTING = "starting", "Starting"
        WAITING = "waiting", "Waiting for the buyer"
        PROCESSING = "processing", "Processing"
        AUTHORISED = "authorised", "Authorised"
        CAPTURING = "capturing", "Being captured"
        SUCCEEDED = "succeeded", "Succeeded"
        CANCELLED = "cancelled", "Cancelled"

    FINAL: ClassVar[tuple[str, ...]] = (Status.SUCCEEDED, Status.CANCELLED)
    # The order counts as paid; the bank holds the money for us and we have not taken it.
    HELD: ClassVar[tuple[str, ...]] = (Status.AUTHORISED, Status.CAPTURING)

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    # The change of the order whose difference it pays.
    edit = models.ForeignKey(
        OrderEdit, null=True, blank=True, on_delete=models.PROTECT, related_name="payments", editable=False
    )
    # Kept before the provider is asked: after a crash the same question gets the same answer, not a second charge.
    idempotency_key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    intent_id = models.CharField(max_length=120, unique=True, null=True, blank=True)
    client_secret = models.CharField(max_length=200, blank=True)
    amount = money_field()
    status = models.CharField(max_length=12, choices=Status, default=Status.STARTING, editable=False)
    method = models.CharField(max_length=80, blank=True, help_text="Such as `visa ···· 4242`.")
    gift_card = models.ForeignKey(
        GiftCard, null=True, blank=True, on_delete=models.PROTECT, related_name="payments", editable=False
    )
    last_error = models.CharField(max_length=300, blank=True)
    authorised_until = models.DateTimeField(null=True, blank=True, editable=False)
    end_told = models.BooleanField("staff were told that the hold ends", default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["status", "updated_at"])]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            # Two tabs that start paying at once must share one attempt.
            models.UniqueConstraint(
                fields=["order"],
                condition=~Q(status__in=["succeeded", "cancelled"]) & Q(edit=None),
                name="one_open_payment_per_order",
            ),
            models.UniqueConstraint(
                fields=["edit"],
                condition=~Q(status__in=["succeeded", "cancelled"]) & Q(edit__isnull=False),
                name="one_open_payment_per_edit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} for {self.order_id}: {self.status}"

    def book(self, kind: str, source: str, amount: Money) -> None:
        """A line of the ledger, in the transaction of its effect; the second time it changes nothing."""
        row = LedgerEntry(payment=self, kind=kind, source=source, amount=amount)
        LedgerEntry.objects.bulk_create([row], ignore_conflicts=True)

    @property
    def called_off(self) -> bool:
        """Whether nobody wants its money any more."""
        undone = self.edit is not None and self.edit.status == OrderEdit.Status.UNDONE
        return undone or self.order.status == Order.Status.CANCELLED

    @property
    def refunded(self) -> Money:
        # Added up here: SQLite would add them as binary fractions.
        # A part of what was set aside is in that already.
        rows = (one.taken for one in self.refunds.all() if one.aside_id is None)
        return total_of(rows, self.amount.currency)

    @property
    def overdrawn(self) -> Money:
        """What the buyer's bank has taken back of what was refunded or set aside."""
        return max(self.refunded + self.disputed - self.amount, Money(0, self.amount.currency))

    @property
    def sent_back(self) -> Money:
        """What has left us, as far as the provider says."""
        done = [one.amount for one in self.refunds.all() if one.status == Refund.Status.SUCCEEDED]
        return sum(done, Money(0, self.amount.currency))

    @property
    def disputed(self) -> Money:
        """What the buyer's bank has taken back, or may keep."""
        held = [dispute.amount for dispute in self.disputes.all() if dispute.status in Dispute.HOLDS]
        return sum(held, Money(0, self.amount.currency))

    @property
    def refundable(self) -> Money:
        """Of what is authorised, what can be left uncaptured."""
        zero = Money(0, self.amount.currency)
        if self.status not in (self.Status.SUCCEEDED, self.Status.AUTHORISED):
            return zero
        # What was let go of before the capture is no longer in the captured amount, but still in the authorised one.
        let_go = self.released if self.status == self.Status.AUTHORISED else zero
        return max(self.amount - let_go - self.refunded - self.disputed, zero)

    @property
    def has_lapsed(self) -> bool:
        """Whether the order counted as paid, and the bank let go of the money before it was taken."""
        return self.status == self.Status.CANCELLED and self.authorised_until is not None

    @property
    def released(self) -> Money:
        """Of what the bank holds, what will not be captured."""
        rows = [one.amount for one in self.refunds.all() if one.status == Refund.Status.RELEASED]
        return sum(rows, Money(0, self.amount.currency))


class RefundQuerySet(models.QuerySet["Refund"]):
    def silent_for(self, age: timedelta) -> RefundQuerySet:
        return self.filter(updated_at__lte=timezone.now() - age).order_by("updated_at")


class Refund(models.Model):
    class Status(models.TextChoices):
        REQUESTED = "requested", "Requested"
        PENDING = "pending", "Pending"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        RELEASED = "released", "Never taken"
        EXCHANGED = "exchanged", "Became another print"
        UNDONE = "undone", "Exchange called off"

    # Of what these say the shop still has everything.
    NOTHING: ClassVar[tuple[str, ...]] = (Status.FAILED, Status.RELEASED, Status.UNDONE)

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    idempotency_key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    # The change of the order that made it cheaper.
    edit = models.ForeignKey(
        OrderEdit, null=True, blank=True, on_delete=models.PROTECT, related_name="refunds", editable=False
    )
    # Where it was set aside: the line of another order that it pays for.
    became = models.ForeignKey(
        OrderLine, null=True, blank=True, on_delete=models.PROTECT, related_name="carried", editable=False
    )
    # What was set aside, of which this is a part: given back in money, or passed on to yet another print.
    aside = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="parts", editable=False
    )
    refund_id = models.CharField(max_length=120, unique=True, null=True, blank=True)
    amount = money_field()
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED, editable=False)
    reason = models.CharField(max_length=200, blank=True)
    # False for money that no invoice was about: paid too late, twice, or not what was asked.
    of_invoice = models.BooleanField(default=True, editable=False)
    credit_note = models.ForeignKey(
        Document, null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = RefundQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_positive")]

    def __str__(self) -> str:
        return f"{self.amount}: {self.status}"

    @property
    def taken(self) -> Money:
        """What its payment has no more: of an exchange that was called off, what had gone back before."""
        if self.status == self.Status.UNDONE:
            return self._sum(part.taken for part in self.parts.all())
        return self._sum([] if self.status in self.NOTHING else [self.amount])

    @property
    def left(self) -> Money:
        """Of what is set aside, what can still go back. Not what the bank only holds, or has taken back."""
        if self.status != self.Status.EXCHANGED or self.payment.status != Payment.Status.SUCCEEDED:
            return self._sum([])
        parts = self._sum(part.taken for part in self.parts.all())
        return max(self.amount - parts - self.payment.overdrawn, self._sum([]))

    @property
    def back(self) -> Money:
        """What has left us, as far as the provider says, of this or in parts of it."""
        if self.status == self.Status.SUCCEEDED:
            return self.amount
        return self._sum(part.back for part in self.parts.all())

    def _sum(self, amounts: Iterable[Money]) -> Money:
        return total_of(amounts, self.amount.currency)


class Bookmark(models.Model):
    """How far a list of the provider's was read."""

    name = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} until {self.at:%Y-%m-%d %H:%M:%S}"

    def move_to(self, at: datetime) -> None:
        """Forward only: of several workers the slowest has read the least."""
        Bookmark.objects.filter(pk=self.pk, at__lt=at).update(at=at)


class GatewayEvent(models.Model):
    """A signed message of the provider, recorded once by its id in the transaction that carries out what it says."""

    event_id = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=80)
    payload = models.JSONField()
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
