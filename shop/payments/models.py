"""What was asked of the payment provider, and everything it told us."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from djmoney.money import Money

from shop.orders.models import Order, money_field
from shop.payments.refund_lines import RefundLine

__all__ = ["GatewayEvent", "Payment", "Refund", "RefundLine"]


class PaymentQuerySet(models.QuerySet["Payment"]):
    def open(self) -> PaymentQuerySet:
        """Attempts that may still succeed."""
        return self.exclude(status__in=Payment.FINAL)

    def silent_for(self, age: timedelta) -> PaymentQuerySet:
        """Open attempts that nobody has heard of for so long, the longest silent first: a message may be lost.

        One that the provider does not know yet is asked for by the buyer, unless the order was called off.
        """
        askable = ~Q(intent_id=None) | Q(order__status=Order.Status.CANCELLED)
        return self.open().filter(askable, updated_at__lte=timezone.now() - age).order_by("updated_at")


class Payment(models.Model):
    """One attempt to be paid for an order: one PaymentIntent at the provider."""

    class Status(models.TextChoices):
        STARTING = "starting", "Starting"
        WAITING = "waiting", "Waiting for the buyer"
        PROCESSING = "processing", "Processing"
        SUCCEEDED = "succeeded", "Succeeded"
        CANCELLED = "cancelled", "Cancelled"

    FINAL: ClassVar[tuple[str, ...]] = (Status.SUCCEEDED, Status.CANCELLED)

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    # Kept before the provider is asked: after a crash the same question gets the same answer, not a second charge.
    idempotency_key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    intent_id = models.CharField(max_length=120, unique=True, null=True, blank=True)
    client_secret = models.CharField(max_length=200, blank=True)
    amount = money_field()
    status = models.CharField(max_length=12, choices=Status, default=Status.STARTING, editable=False)
    method = models.CharField(max_length=80, blank=True, help_text="Such as `visa ···· 4242`.")
    last_error = models.CharField(max_length=300, blank=True)
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
                condition=~Q(status__in=["succeeded", "cancelled"]),
                name="one_open_payment_per_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} for {self.order_id}: {self.status}"

    @property
    def refunded(self) -> Money:
        # Added up here: SQLite would add them as binary fractions.
        refunds = self.refunds.exclude(status=Refund.Status.FAILED)
        return sum((refund.amount for refund in refunds), Money(0, self.amount.currency))

    @property
    def sent_back(self) -> Money:
        """What has left us, as far as the provider says."""
        done = [one.amount for one in self.refunds.all() if one.status == Refund.Status.SUCCEEDED]
        return sum(done, Money(0, self.amount.currency))

    @property
    def refundable(self) -> Money:
        zero = Money(0, self.amount.currency)
        return self.amount - self.refunded if self.status == self.Status.SUCCEEDED else zero


class RefundQuerySet(models.QuerySet["Refund"]):
    def silent_for(self, age: timedelta) -> RefundQuerySet:
        return self.filter(updated_at__lte=timezone.now() - age).order_by("updated_at")


class Refund(models.Model):
    class Status(models.TextChoices):
        REQUESTED = "requested", "Requested"
        PENDING = "pending", "Pending"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    idempotency_key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    refund_id = models.CharField(max_length=120, unique=True, null=True, blank=True)
    amount = money_field()
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED, editable=False)
    reason = models.CharField(max_length=200, blank=True)
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
