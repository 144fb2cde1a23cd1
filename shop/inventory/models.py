"""How many there are of each variant, who holds some, and every change with its reason."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from shop.catalog.models import Variant

LOW = 3  # so few are to be looked after


class Stock(models.Model):
    """`on_hand` lie on the shelf; `reserved` of them belong to orders that have not left yet."""

    variant = models.OneToOneField(Variant, on_delete=models.CASCADE, primary_key=True, related_name="stock")
    on_hand = models.PositiveIntegerField(default=0)
    reserved = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "stock"
        constraints = [
            models.CheckConstraint(condition=Q(on_hand__gte=0), name="stock_on_hand_not_negative"),
            models.CheckConstraint(
                condition=Q(reserved__gte=0) & Q(reserved__lte=F("on_hand")),
                name="stock_reserved_within_on_hand",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.variant_id}: {self.available} available"

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


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
