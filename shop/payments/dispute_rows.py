"""What a buyer's bank asked back, as the provider tells it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from shop.orders.models import money_field


class DisputeQuerySet(models.QuerySet["Dispute"]):
    def open(self) -> DisputeQuerySet:
        return self.exclude(status__in=Dispute.CLOSED)

    def to_answer(self) -> DisputeQuerySet:
        """Those that wait for our evidence, the most urgent first."""
        return self.filter(status__in=Dispute.WAIT_FOR_US).order_by("evidence_due_at", "pk")


class Dispute(models.Model):
    """A buyer asked the bank for the money back. An inquiry only asks; anything else takes the money at once."""

    class Status(models.TextChoices):
        # In the order in which one may follow another: an inquiry may become a dispute, a lost one be won.
        INQUIRY = "warning_needs_response", "Inquiry, to answer"
        INQUIRY_ANSWERED = "warning_under_review", "Inquiry, answered"
        INQUIRY_CLOSED = "warning_closed", "Inquiry closed"
        TO_ANSWER = "needs_response", "To answer"
        UNDER_REVIEW = "under_review", "Under review"
        PREVENTED = "prevented", "Prevented"
        LOST = "lost", "Lost"
        WON = "won", "Won"

    WAIT_FOR_US: ClassVar[tuple[str, ...]] = (Status.INQUIRY, Status.TO_ANSWER)
    CLOSED: ClassVar[tuple[str, ...]] = (Status.INQUIRY_CLOSED, Status.PREVENTED, Status.WON, Status.LOST)
    HOLDS: ClassVar[tuple[str, ...]] = (Status.TO_ANSWER, Status.UNDER_REVIEW, Status.LOST)

    payment = models.ForeignKey("payments.Payment", on_delete=models.PROTECT, related_name="disputes")
    dispute_id = models.CharField(max_length=120, unique=True)
    amount = money_field()
    status = models.CharField(max_length=24, choices=Status, editable=False)
    reason = models.CharField(max_length=60, blank=True, help_text="In the bank's words.")
    evidence_due_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = DisputeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="dispute_amount_positive")]

    def __str__(self) -> str:
        return f"{self.amount}: {self.status}"

    @property
    def evidence_url(self) -> str:
        """Where staff write the answer to the bank."""
        return settings.STRIPE_DISPUTES.format(self.dispute_id)
