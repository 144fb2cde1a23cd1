"""A change of what a paid order holds, written whole before anything of it counts.

While it waits for its difference the order stays as it was, so that no sum of it is ever half changed.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from djmoney.money import Money

from shop.catalog.models import Variant
from shop.errors import ShopError
from shop.orders.fields import money_field, percent_field, sums_to

if TYPE_CHECKING:
    from datetime import datetime


class EditWaits(ShopError):
    code = "edit_waits"
    message = "A change of this order waits to be paid. Take it back first."


class OrderEditQuerySet(models.QuerySet["OrderEdit"]):
    def open(self) -> OrderEditQuerySet:
        return self.filter(status=OrderEdit.Status.OPEN)

    def overdue(self, at: datetime | None = None) -> OrderEditQuerySet:
        """Not paid, and their time is over."""
        return self.open().filter(expires_at__lte=at or timezone.now())


class OrderEdit(models.Model):
    """`difference` is what the order costs more for it, below zero where it costs less."""

    class Status(models.TextChoices):
        OPEN = "open", "To be paid"
        APPLIED = "applied", "Made"
        UNDONE = "undone", "Taken back"

    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="edits")
    status = models.CharField(max_length=10, choices=Status, editable=False)
    difference = money_field()
    why = models.CharField(max_length=200, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    made_at = models.DateTimeField(auto_now_add=True)

    objects = OrderEditQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(status="open"), name="one_open_edit_per_order"
            ),
            models.CheckConstraint(
                condition=~Q(status="open") | Q(difference__gt=0, expires_at__isnull=False),
                name="open_edit_is_to_be_paid_in_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.difference}, {self.get_status_display().lower()}"

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN

    @property
    def reference(self) -> str:
        """What the stock of its new prints is held under until they are the order's."""
        return f"{self.order.public_id}+{self.pk}"

    @property
    def named(self) -> str:
        return ", ".join(str(line) for line in self.lines.all())

    def more(self) -> Counter[int]:
        """How many of which variant (by its id) it adds."""
        return self._counted(1)

    def fewer(self) -> Counter[int]:
        """How many of which variant (by its id) it takes off."""
        return self._counted(-1)

    def _counted(self, sign: int) -> Counter[int]:
        counted: Counter[int] = Counter()
        for line in self.lines.all():
            if line.variant_id and line.quantity * sign > 0:
                counted[line.variant_id] += line.quantity * sign
        return counted


class OrderEditLine(models.Model):
    """What one line of the order loses, all of it below zero, or a line that it gains."""

    edit = models.ForeignKey(OrderEdit, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(
        "orders.OrderLine", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    variant = models.ForeignKey(Variant, null=True, on_delete=models.SET_NULL, related_name="+")
    sku = models.CharField("SKU", max_length=40)
    title = models.CharField(max_length=120)
    options = models.CharField(max_length=200, blank=True)
    unit_price = money_field()
    quantity = models.IntegerField()
    ahead = models.PositiveIntegerField(default=0)
    lead_days = models.PositiveSmallIntegerField(default=0)
    discount = money_field(default=0)
    tax_added = money_field(default=0)
    tax_percent = percent_field()
    tax = money_field()
    total = money_field()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=~Q(quantity=0), name="edit_line_changes_something"),
            models.CheckConstraint(
                condition=Q(total=sums_to(F("unit_price") * F("quantity") - F("discount") + F("tax_added"))),
                name="edit_line_total_is_the_sum_of_its_parts",
            ),
        ]

    def __str__(self) -> str:
        return f"{'−' if self.quantity < 0 else '+'}{abs(self.quantity)} × {self.title}"

    @property
    def gross(self) -> Money:
        return self.unit_price * self.quantity


def by_rate(lines: list[OrderEditLine]) -> dict[Decimal, tuple[Decimal, Decimal]]:
    """By percent of tax: what the lines come to, and how much of it is tax."""
    sums: dict[Decimal, tuple[Decimal, Decimal]] = {}
    for line in lines:
        percent = line.tax_percent.normalize()
        gross, tax = sums.get(percent, (Decimal(0), Decimal(0)))
        sums[percent] = (gross + line.total.amount, tax + line.tax.amount)
    return {percent: sums[percent] for percent in sorted(sums) if any(sums[percent])}
