"""What is for so many orders: how many there were, and that a limit never lies below them."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models


class Limited(models.Model):
    """`used` is counted where there is a `limit`, and only there; its redemptions are known of either."""

    limit = models.PositiveIntegerField(
        "orders in all", null=True, blank=True, help_text="Empty sets no limit."
    )
    redemptions: Any  # the manager of those of this row
    used = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        abstract = True

    def clean(self) -> None:
        """Looks at the orders and not at `used`, which says nothing of the time without a limit."""
        super().clean()
        if self.pk and self.limit is not None and self.limit < (used := self.orders_standing()):
            words = "1 order has" if used == 1 else f"{used} orders have"
            raise ValidationError({"limit": f"{words} used it already: no less than that, or no limit."})

    def orders_standing(self) -> int:
        """How many have used it and were not called off."""
        return self.redemptions.filter(given_back_at=None).count()

    @property
    def used_up(self) -> bool:
        return self.limit is not None and self.used >= self.limit
