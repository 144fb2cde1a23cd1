"""What things cost before. A reduction must be shown beside the lowest price of the 30 days before it.

Article 6a of Directive 98/6/EC. Written by every way that writes a price, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils import timezone
from djmoney.models.fields import MoneyField

if TYPE_CHECKING:
    from djmoney.money import Money

    from shop.catalog.models import Variant

LOOKED_BACK = timedelta(days=30)


class PastPriceQuerySet(models.QuerySet["PastPrice"]):
    def lowest(self, variants: Iterable[Variant]) -> dict[int, Money]:
        """Of each that had another price within the last 30 days, by id, the lowest of those."""
        found: dict[int, Money] = {}
        for past in self.filter(variant__in=variants, until__gt=timezone.now() - LOOKED_BACK):
            found[past.variant_id] = min(past.price, found.get(past.variant_id, past.price))
        return found


class PastPrice(models.Model):
    """`price` is what the variant cost until that moment; what it costs since is the next row's, or its own."""

    variant = models.ForeignKey("catalog.Variant", on_delete=models.CASCADE, related_name="past_prices")
    price = MoneyField(max_digits=12, decimal_places=3, default_currency=settings.DEFAULT_CURRENCY)
    until = models.DateTimeField(default=timezone.now)

    objects = PastPriceQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["variant", "until"])]

    def __str__(self) -> str:
        return f"{self.price} until {self.until:%Y-%m-%d %H:%M}"
