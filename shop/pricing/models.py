"""Tax rates by country and class."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django_countries.fields import CountryField

from shop.catalog.models import TaxClass


class TaxRateQuerySet(models.QuerySet["TaxRate"]):
    def for_country(self, country: str) -> dict[str, Decimal]:
        """Percent by tax class. A class that is not listed is not taxed there."""
        return dict(self.filter(country=country).values_list("tax_class", "percent"))


class TaxRate(models.Model):
    country = CountryField()
    tax_class = models.CharField(max_length=10, choices=TaxClass, default=TaxClass.STANDARD)
    percent = models.DecimalField(
        max_digits=5, decimal_places=2, validators=[MinValueValidator(0), MaxValueValidator(100)]
    )

    objects = TaxRateQuerySet.as_manager()

    class Meta:
        ordering = ["country", "tax_class"]
        constraints = [
            models.UniqueConstraint(fields=["country", "tax_class"], name="one_rate_per_country_and_class"),
            models.CheckConstraint(
                condition=Q(percent__gte=0, percent__lte=100), name="tax_percent_0_to_100"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country} {self.tax_class}: {self.percent}%"
