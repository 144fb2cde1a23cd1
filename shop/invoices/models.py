"""Invoices and credit notes: what was said to the buyer, and to the tax office, on a day and under a number.

A document keeps everything that its paper shows. It never changes, whatever becomes of the order, the prices or us.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q
from djmoney.money import Money


class Counter(models.Model):
    """The last number of a kind of document in a year. Drawn by `services.draw`, and by nobody else."""

    kind = models.CharField(max_length=12)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "year"], name="one_counter_per_kind_and_year")]

    def __str__(self) -> str:
        return f"{self.kind} {self.year}: {self.last}"


class DocumentQuerySet(models.QuerySet["Document"]):
    def about(self, reference: str) -> DocumentQuerySet:
        return self.filter(reference=reference)


class Document(models.Model):
    """`reference` is an order's public id; `data` is the content as services.Content gave it."""

    class Kind(models.TextChoices):
        INVOICE = "invoice", "Invoice"
        CREDIT_NOTE = "credit_note", "Credit note"

    kind = models.CharField(max_length=12, choices=Kind)
    year = models.PositiveSmallIntegerField()
    serial = models.PositiveIntegerField()
    reference = models.CharField(max_length=64, db_index=True)
    data = models.JSONField()
    issued_at = models.DateTimeField()

    objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "year", "serial"], name="document_number_once"),
            models.CheckConstraint(condition=Q(serial__gte=1), name="document_serial_from_1"),
        ]

    def __str__(self) -> str:
        return self.number

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A document that was issued is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("A document that was issued is never thrown away.")

    @property
    def number(self) -> str:
        prefix = "INV" if self.kind == self.Kind.INVOICE else "CN"
        return f"{prefix}-{self.year}-{self.serial:05d}"

    @property
    def total(self) -> Money:
        return Money(Decimal(self.data["total"]), self.data["currency"])

    @property
    def filename(self) -> str:
        return f"{self.number}.pdf"
