"""Where which tax is due: zones, and in each the rates by class and time."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Prefetch, Q
from django.utils import timezone

from shop.catalog.models import TaxClass
from shop.places import Place, PlaceQuerySet
from shop.pricing.sale_rows import Sale

__all__ = ["Sale", "TaxRate", "TaxZone"]

LONG_AGO = date(2000, 1, 1)


class TaxZoneQuerySet(PlaceQuerySet["TaxZone"]):
    def with_rates(self, on: date | None = None) -> TaxZoneQuerySet:
        """Each with `rates_then`: those of that day, or of today."""
        return self.prefetch_related(Prefetch("rates", TaxRate.objects.valid(on), to_attr="rates_then"))


class TaxZone(Place):
    """A country or a part of it, and what its law makes of our prices. Without rates nothing is taxed there."""

    class Prices(models.TextChoices):
        INCLUDED = "included", "Include the tax"
        ADDED = "added", "Tax is added to them"

    name = models.CharField(max_length=80)
    prices = models.CharField("listed prices", max_length=10, choices=Prices, default=Prices.INCLUDED)
    taxes_shipping = models.BooleanField("shipping is taxed", default=True)
    in_vat_union = models.BooleanField(
        "in the EU's VAT area",
        default=False,
        help_text="Businesses there, outside our own country, account for the tax themselves.",
    )

    objects = TaxZoneQuerySet.as_manager()

    class Meta:
        ordering = ["country", "region", "postal_prefix"]
        constraints = [
            models.UniqueConstraint(
                fields=["country", "region", "postal_prefix"], name="one_tax_zone_per_place"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def percents(self) -> dict[str, Decimal]:
        """By tax class; needs `with_rates`. A later rate takes the place of an earlier one that has not ended."""
        rates: list[TaxRate] = self.rates_then  # type: ignore[attr-defined]
        return {rate.tax_class: rate.percent for rate in rates}


class TaxRateQuerySet(models.QuerySet["TaxRate"]):
    def valid(self, on: date | None = None) -> TaxRateQuerySet:
        day = on or timezone.localdate()
        begun = self.filter(Q(valid_until=None) | Q(valid_until__gte=day), valid_from__lte=day)
        return begun.order_by("valid_from")


class TaxRate(models.Model):
    # A zone that is gone taxes nothing, so it goes only after its rates.
    zone = models.ForeignKey(TaxZone, on_delete=models.PROTECT, related_name="rates")
    tax_class = models.CharField(max_length=10, choices=TaxClass, default=TaxClass.STANDARD)
    percent = models.DecimalField(
        max_digits=6, decimal_places=3, validators=[MinValueValidator(0), MaxValueValidator(100)]
    )
    valid_from = models.DateField(
        default=LONG_AGO,
        help_text="From then it takes the place of the one before; enter a change beforehand.",
    )
    valid_until = models.DateField(null=True, blank=True, help_text="Only for one that ends without another.")

    objects = TaxRateQuerySet.as_manager()

    class Meta:
        ordering = ["zone", "tax_class", "valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["zone", "tax_class", "valid_from"], name="one_rate_per_zone_class_and_day"
            ),
            models.CheckConstraint(
                condition=Q(percent__gte=0, percent__lte=100), name="tax_percent_0_to_100"
            ),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from")),
                name="tax_rate_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.zone} {self.tax_class}: {self.percent}%"
