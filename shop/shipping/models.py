"""Ways to send a parcel: our own methods, priced by zone, weight and goods, and what carriers quoted."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Prefetch, Q
from django.utils import timezone
from django_countries.fields import CountryField
from djmoney.models.fields import MoneyField
from djmoney.money import Money

from shop.places import Destination, Place, PlaceQuerySet


class ShippingZoneQuerySet(models.QuerySet["ShippingZone"]):
    def around(self, destination: Destination) -> ShippingZone | None:
        """The one zone that the address lies in: that of the narrowest of our places around it."""
        place = ShippingPlace.objects.select_related("zone").closest(destination)
        return place.zone if place else None


class ShippingZone(models.Model):
    """Places that cost the same to send to."""

    name = models.CharField(max_length=80, unique=True)

    objects = ShippingZoneQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ShippingPlaceQuerySet(PlaceQuerySet["ShippingPlace"]):
    pass


class ShippingPlace(Place):
    """Belongs to one zone: an address never has two prices."""

    zone = models.ForeignKey(ShippingZone, on_delete=models.CASCADE, related_name="places")
    country = CountryField(blank=True, blank_label="Everywhere else")

    objects = ShippingPlaceQuerySet.as_manager()

    class Meta:
        ordering = ["country", "region", "postal_prefix"]
        constraints = [
            models.UniqueConstraint(
                fields=["country", "region", "postal_prefix"], name="one_shipping_zone_per_place"
            )
        ]

    def __str__(self) -> str:
        return self.place or "everywhere else"


@dataclass(frozen=True, slots=True)
class Offer:
    """A method for one parcel. `free_from` is the goods total from which that parcel would cost nothing."""

    method: ShippingMethod
    price: Money
    free_from: Decimal | None


class ShippingMethodQuerySet(models.QuerySet["ShippingMethod"]):
    def offers(self, destination: Destination, weight_g: int, goods: Money) -> list[Offer]:
        """What each method would cost there, those left out that carry nothing so heavy. Four queries at most.

        `goods` is what they come to after discounts.
        """
        zone = ShippingZone.objects.around(destination)
        serving = Q(everywhere=True)
        if zone:
            serving |= Q(pk__in=zone.methods.values("pk"))
        there = ShippingRate.objects.filter(zone=zone) if zone else ShippingRate.objects.none()
        ways = self.filter(serving, active=True)
        table = Prefetch("rates", there, to_attr="table")
        offers = [method.offer_for(weight_g, goods) for method in ways.prefetch_related(table)]
        return [offer for offer in offers if offer]

    def parcels(self, destination: Destination, weight_g: int, goods: Money) -> list[Offer]:
        """Those that bring it to the door, the cheapest first."""
        brought = self.filter(collected=False).offers(destination, weight_g, goods)
        return sorted(brought, key=lambda offer: offer.price.amount)


class ShippingMethod(models.Model):
    """Goes to its zones, or everywhere if it says so; one that has lost its zones goes nowhere."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=160, blank=True)
    everywhere = models.BooleanField(default=False, help_text="To any address; else to these zones alone.")
    zones = models.ManyToManyField(ShippingZone, blank=True, related_name="methods")
    price = MoneyField(
        max_digits=12,
        decimal_places=3,
        default_currency=settings.DEFAULT_CURRENCY,
        help_text="In zones that have no rates of their own below.",
    )
    free_from = models.DecimalField(
        max_digits=12,
        decimal_places=3,
        null=True,
        blank=True,
        help_text="Goods total after discounts from which it costs nothing, in those zones.",
    )
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

    def offer_for(self, weight_g: int, goods: Money) -> Offer | None:
        """Nothing where it is too heavy. Needs `table`, the rates of the parcel's zone, as `offers` loads them.

        Of the rates that carry the weight those of the lightest step count, and of them that of the highest goods
        total that is reached.
        """
        table: list[ShippingRate] = self.table  # type: ignore[attr-defined]
        if self.max_weight_g is not None and weight_g > self.max_weight_g:
            return None
        if not table:
            free = self.free_from is not None and goods.amount >= self.free_from
            return Offer(self, Money(0, goods.currency) if free else self.price, self.free_from)
        step = min((rate.max_weight_g for rate in table if rate.max_weight_g >= weight_g), default=None)
        rates = [rate for rate in table if rate.max_weight_g == step]
        reached = [rate for rate in rates if rate.goods_from <= goods.amount]
        if not reached:
            return None
        free_from = min((rate.goods_from for rate in rates if not rate.price.amount), default=None)
        return Offer(self, max(reached, key=lambda rate: rate.goods_from).price, free_from)


class ShippingRate(models.Model):
    """One line of a method's table for a zone: up to this weight, from goods of this much, it costs this."""

    method = models.ForeignKey(ShippingMethod, on_delete=models.CASCADE, related_name="rates")
    zone = models.ForeignKey(ShippingZone, on_delete=models.CASCADE, related_name="rates")
    max_weight_g = models.PositiveIntegerField("up to grams", validators=[MinValueValidator(1)])
    goods_from = models.DecimalField(
        "for goods from", max_digits=12, decimal_places=3, default=0, validators=[MinValueValidator(0)]
    )
    price = MoneyField(
        max_digits=12,
        decimal_places=3,
        default_currency=settings.DEFAULT_CURRENCY,
        help_text="0 makes it free from that much on.",
    )

    class Meta:
        ordering = ["zone", "max_weight_g", "goods_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["method", "zone", "max_weight_g", "goods_from"], name="one_shipping_rate_per_step"
            ),
            models.CheckConstraint(
                condition=Q(price__gte=0, goods_from__gte=0), name="shipping_rate_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.zone}, up to {self.max_weight_g} g: {self.price}"


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
