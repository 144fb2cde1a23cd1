"""Ways to send a parcel: our own methods at a fixed price, and what carriers quoted."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django_countries.fields import CountryField
from djmoney.models.fields import MoneyField
from djmoney.money import Money


class ShippingMethodQuerySet(models.QuerySet["ShippingMethod"]):
    def serving(self, country: str, weight_g: int) -> list[ShippingMethod]:
        """Methods for a parcel of this weight to this country, the cheapest first."""
        fitting = self.filter(active=True).filter(Q(max_weight_g=None) | Q(max_weight_g__gte=weight_g))
        return [method for method in fitting if not method.countries or country in method.countries]

    def cheapest_parcel(self, country: str, weight_g: int, goods: Money) -> ShippingMethod | None:
        """The cheapest that brings it to the door."""
        brought = self.filter(collected=False).serving(country, weight_g)
        return min(brought, key=lambda method: method.price_for(goods).amount, default=None)


class ShippingMethod(models.Model):
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=160, blank=True)
    price = MoneyField(max_digits=12, decimal_places=3, default_currency=settings.DEFAULT_CURRENCY)
    free_from = models.DecimalField(
        max_digits=12,
        decimal_places=3,
        null=True,
        blank=True,
        help_text="Goods total from which it costs nothing.",
    )
    countries = CountryField(multiple=True, blank=True, help_text="Empty means everywhere.")
    max_weight_g = models.PositiveIntegerField("heaviest parcel in grams", null=True, blank=True)
    days_min = models.PositiveSmallIntegerField(default=2, validators=[MinValueValidator(1)])
    days_max = models.PositiveSmallIntegerField(default=4)
    collected = models.BooleanField(default=False, help_text="The buyer fetches it; no parcel is sent.")
    active = models.BooleanField(default=True)
    position = models.PositiveIntegerField(default=0)

    objects = ShippingMethodQuerySet.as_manager()

    class Meta:
        ordering = ["position", "price"]
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=0), name="shipping_price_not_negative"),
            models.CheckConstraint(condition=Q(days_max__gte=F("days_min")), name="shipping_days_in_order"),
        ]

    def __str__(self) -> str:
        return self.name

    def price_for(self, goods: Money) -> Money:
        if self.free_from is not None and goods.amount >= self.free_from:
            return Money(0, goods.currency)
        return self.price


class QuoteQuerySet(models.QuerySet["Quote"]):
    def valid_for(self, country: str, postal_code: str, weight_g: int) -> QuoteQuerySet:
        parcel = {"country": country, "postal_code": postal_code, "weight_g": weight_g}
        return self.filter(**parcel, expires_at__gt=timezone.now())


class Quote(models.Model):
    """A carrier's price for one parcel to one town, ours to honour until `expires_at`."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    carrier = models.CharField(max_length=40)
    service = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    price = MoneyField(max_digits=12, decimal_places=3, default_currency=settings.DEFAULT_CURRENCY)
    country = CountryField()
    postal_code = models.CharField(max_length=20, blank=True)
    weight_g = models.PositiveIntegerField()
    days_min = models.PositiveSmallIntegerField()
    days_max = models.PositiveSmallIntegerField()
    expires_at = models.DateTimeField()

    objects = QuoteQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["expires_at"])]
        constraints = [models.CheckConstraint(condition=Q(price__gte=0), name="quote_price_not_negative")]

    def __str__(self) -> str:
        return f"{self.name}: {self.price}"
