"""What left in which parcel. An order may leave in several; each has its number, its contents and its arrival."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Shipment(models.Model):
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="shipments")
    carrier = models.CharField(max_length=80)
    tracking_number = models.CharField(max_length=80)
    shipped_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["carrier", "tracking_number"], name="tracking_number_once_per_carrier"
            )
        ]

    def __str__(self) -> str:
        return f"{self.carrier} {self.tracking_number}"

    @property
    def tracking_url(self) -> str:
        """The carrier's own page about this parcel; empty where TRACKING_URLS names none."""
        page = settings.TRACKING_URLS.get(self.carrier.casefold(), "")
        return page.replace("{number}", quote(self.tracking_number, safe=""))

    def mark_delivered(self, at: datetime | None = None) -> bool:
        """Returns whether it was this call that did."""
        under_way = Shipment.objects.filter(pk=self.pk, delivered_at=None)
        self.delivered_at = at or timezone.now()
        return bool(under_way.update(delivered_at=self.delivered_at))


class ShipmentLine(models.Model):
    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey("orders.OrderLine", on_delete=models.CASCADE, related_name="shipped_in")
    quantity = models.PositiveIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["shipment", "order_line"], name="order_line_once_per_shipment"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="shipment_line_quantity_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.order_line.title}"
