"""How many there are of each variant, who holds some, and every change with its reason."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Least

from shop.catalog.models import Variant

LOW = 3  # so few are to be looked after


class StockQuerySet(models.QuerySet["Stock"]):
    def to_sell(self) -> StockQuerySet:
        """Of which one more can be sold, be it made to order."""
        return self.filter(on_hand__gt=F("reserved") - F("backorder_limit"))

    def on_shelf(self) -> StockQuerySet:
        """Of which one more can leave today."""
        return self.filter(on_hand__gt=F("reserved"))

    def owing(self) -> StockQuerySet:
        """Of which more are sold than are there."""
        return self.filter(on_hand__lt=F("reserved"))


class Stock(models.Model):
    """`on_hand` lie on the shelf; `reserved` belong to orders that have not left yet, and may go beyond what is there
    by `backorder_limit`: those are made to order, and leave `lead_days` after they were ordered.
    """

    variant = models.OneToOneField(Variant, on_delete=models.CASCADE, primary_key=True, related_name="stock")
    on_hand = models.PositiveIntegerField(default=0)
    reserved = models.PositiveIntegerField(default=0)
    backorder_limit = models.PositiveIntegerField(
        default=0, help_text="How many may be sold beyond what is there; 0 for none."
    )
    lead_days = models.PositiveSmallIntegerField(
        default=14,
        validators=[MinValueValidator(1)],
        help_text="Days until one that is made to order leaves.",
    )

    objects = StockQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "stock"
        constraints = [
            models.CheckConstraint(condition=Q(on_hand__gte=0), name="stock_on_hand_not_negative"),
            models.CheckConstraint(
                condition=Q(reserved__gte=0) & Q(reserved__lte=F("on_hand") + F("backorder_limit")),
                name="stock_reserved_within_reach",
            ),
            models.CheckConstraint(condition=Q(lead_days__gte=1), name="stock_lead_takes_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.variant_id}: {self.available} available"

    @property
    def available(self) -> int:
        """How many can be sold, those made to order among them."""
        return self.on_hand + self.backorder_limit - self.reserved

    @property
    def here(self) -> int:
        """How many can leave today: on the shelf, and nobody's."""
        return max(0, self.on_hand - self.reserved)

    @property
    def owed(self) -> int:
        """How many are sold and not there yet."""
        return max(0, self.reserved - self.on_hand)

    def ahead(self, quantity: int) -> int:
        """How many of so many would have to be made."""
        return max(0, quantity - self.here)

    def lead_for(self, quantity: int) -> int:
        """In how many days so many leave together; 0 where all are here."""
        return self.lead_days if self.ahead(quantity) else 0


def stock_of(variant: Variant) -> Stock:
    """Of one that nobody has counted there is none."""
    return variant.stock if hasattr(variant, "stock") else Stock(variant=variant)


class ReservationQuerySet(models.QuerySet["Reservation"]):
    def held(self) -> ReservationQuerySet:
        return self.filter(state=Reservation.State.HELD)

    def waiting(self) -> ReservationQuerySet:
        """Those that the shelf cannot serve yet, each with `missing`, how many it lacks.

        Nothing is dealt out in advance: the shelf serves who reserved first, and so whatever is received, given back
        or lost moves everybody behind it by itself.
        """
        up_to_it = Reservation.objects.held().filter(variant=OuterRef("variant"), pk__lte=OuterRef("pk"))
        wanted = up_to_it.order_by().values("variant").annotate(sum=Sum("quantity")).values("sum")
        on_hand = F("variant__stock__on_hand")
        owed: Any = self.held().filter(variant__stock__reserved__gt=on_hand)
        missing = Least(F("quantity"), Subquery(wanted, output_field=models.IntegerField()) - on_hand)
        return owed.annotate(missing=missing).filter(missing__gt=0)


class Reservation(models.Model):
    """Stock that one `reference` (an order's public id) holds: until `expires_at`, or for good once it is None."""

    class State(models.TextChoices):
        HELD = "held"
        RELEASED = "released"
        SHIPPED = "shipped"

    reference = models.CharField(max_length=64)
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="reservations")
    quantity = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.HELD)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ReservationQuerySet.as_manager()

    # Of `waiting()`
    missing: int

    class Meta:
        indexes = [models.Index(fields=["state", "expires_at"])]
        constraints = [
            models.UniqueConstraint(fields=["reference", "variant"], name="reservation_once_per_reference"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="reservation_quantity_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.variant_id} for {self.reference} ({self.state})"


class StockMovement(models.Model):
    """The ledger: `on_hand` is always the sum of a variant's movements."""

    class Reason(models.TextChoices):
        RECEIVED = "received"
        SHIPPED = "shipped"
        RETURNED = "returned"
        ADJUSTED = "adjusted"

    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="movements")
    quantity = models.IntegerField(help_text="Positive comes in, negative goes out.")
    reason = models.CharField(max_length=10, choices=Reason)
    reference = models.CharField(max_length=64, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=~Q(quantity=0), name="movement_moves_something")]

    def __str__(self) -> str:
        return f"{self.quantity:+d} {self.reason}"
