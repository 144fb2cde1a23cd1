"""The lines of an order, and the counts of what became of each."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q
from djmoney.money import Money

from shop.catalog.models import Variant
from shop.orders.fields import money_field, percent_field, sums_to


class OrderLine(models.Model):
    """A copy of what was bought as it was then; `variant` only leads back to it.

    `ahead` of them were not there yet, and were promised to leave `lead_days` after the order.
    """

    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="lines")
    variant = models.ForeignKey(Variant, null=True, on_delete=models.SET_NULL, related_name="order_lines")
    sku = models.CharField("SKU", max_length=40)
    title = models.CharField(max_length=120)
    options = models.CharField(max_length=200, blank=True)
    unit_price = money_field()
    quantity = models.PositiveIntegerField()
    shipped = models.PositiveIntegerField(default=0, editable=False)
    cancelled = models.PositiveIntegerField(default=0, editable=False)
    refunded = models.PositiveIntegerField(default=0, editable=False)
    ahead = models.PositiveIntegerField("made to order", default=0)
    lead_days = models.PositiveSmallIntegerField(default=0)
    returned = models.PositiveIntegerField("on the way back, or back", default=0, editable=False)
    discount = money_field()
    tax_added = money_field(default=0)
    tax_percent = percent_field()
    tax = money_field()
    total = money_field()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=1), name="order_line_quantity_positive"),
            models.CheckConstraint(
                condition=Q(total=sums_to(F("unit_price") * F("quantity") - F("discount") + F("tax_added"))),
                name="order_line_total_is_the_sum_of_its_parts",
            ),
            models.CheckConstraint(condition=Q(total__gte=0, tax__gte=0), name="order_line_not_negative"),
            models.CheckConstraint(
                condition=Q(quantity__gte=F("shipped") + F("cancelled")), name="no_more_shipped_than_ordered"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=F("refunded")), name="no_more_refunded_than_ordered"
            ),
            models.CheckConstraint(condition=Q(ahead__lte=F("quantity")), name="no_more_ahead_than_ordered"),
            models.CheckConstraint(
                condition=Q(returned__lte=F("shipped")), name="no_more_returned_than_shipped"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.title}"

    @property
    def gross(self) -> Money:
        return self.unit_price * self.quantity

    @property
    def to_ship(self) -> int:
        return self.quantity - self.cancelled - self.shipped

    @property
    def to_refund(self) -> int:
        return self.quantity - self.refunded

    @property
    def to_return(self) -> int:
        return self.shipped - self.returned

    # What happens to a line is counted by guarded updates: False, and nothing done, where not so many are left.

    def send(self, quantity: int) -> bool:
        return self._count("shipped", quantity, within=F("quantity") - F("cancelled"))

    def cancel(self, quantity: int) -> bool:
        return self._count("cancelled", quantity, within=F("quantity") - F("shipped"))

    def refund(self, quantity: int) -> bool:
        return self._count("refunded", quantity, within=F("quantity"))

    def claim(self, quantity: int) -> bool:
        """For a return; a negative quantity gives the claim up."""
        return self._count("returned", quantity, within=F("shipped"))

    def _count(self, name: str, quantity: int, within: Any) -> bool:
        left = OrderLine.objects.annotate(within=within).filter(pk=self.pk, within__gte=F(name) + quantity)
        return bool(left.update(**{name: F(name) + quantity}))
