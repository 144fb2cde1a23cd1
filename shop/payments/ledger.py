"""Our books of what the provider holds for us, and what was found to differ from its own."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from shop.orders.models import Order, money_field


class LedgerEntry(models.Model):
    """A line of our books: what the provider added to what it holds for us, or took from it. Never changed.

    `source` is the provider's id of the charge, refund or dispute; for a fee, of the line in its own books.
    """

    class Kind(models.TextChoices):
        CHARGE = "charge", "Charge"
        REFUND = "refund", "Refund"
        REFUND_FAILED = "refund_failure", "Refund failed"
        DISPUTE = "dispute", "Dispute"
        DISPUTE_REVERSED = "dispute_reversal", "Dispute won"
        FEE = "fee", "Fee"

    payment = models.ForeignKey("payments.Payment", on_delete=models.PROTECT, related_name="ledger")
    kind = models.CharField(max_length=20, choices=Kind)
    source = models.CharField(max_length=120)
    amount = money_field()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(fields=["kind", "source"], name="ledger_has_each_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["charge", "refund_failure", "dispute_reversal"], amount__gt=0)
                | Q(kind__in=["refund", "dispute"], amount__lt=0)
                | Q(kind="fee"),
                name="ledger_amount_has_the_sign_of_its_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.source}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A line of the ledger is never changed.")
        super().save(*args, **kwargs)


class Discrepancy(models.Model):
    """Our books and the provider's differ: found by the reconciler, for people, until it is gone."""

    order = models.ForeignKey(Order, null=True, on_delete=models.CASCADE, related_name="discrepancies")
    words = models.CharField(max_length=300, unique=True)
    found_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "discrepancies"

    def __str__(self) -> str:
        return self.words
