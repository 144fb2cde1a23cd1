"""What a refund is for: so many of an order's line, or a part of what its delivery cost."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from shop.orders.models import OrderLine, money_field


class RefundLine(models.Model):
    """Of delivery where `order_line` is None. One refund that two payments share keeps its lines with the first.

    `amount` is what so many came to: the refund may be of another amount, and they are settled by it all the same.
    """

    refund = models.ForeignKey("payments.Refund", on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(
        OrderLine, null=True, blank=True, on_delete=models.PROTECT, related_name="refund_lines"
    )
    quantity = models.PositiveIntegerField(default=1)
    amount = money_field()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=1), name="refund_line_quantity_positive"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="refund_line_amount_not_negative"),
            models.UniqueConstraint(fields=["refund", "order_line"], name="order_line_once_per_refund"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.order_line.title if self.order_line else 'delivery'}: {self.amount}"
