"""Which orders lie open on the desks of the staff."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from shop.orders.models import Order


class PresenceQuerySet(models.QuerySet["Presence"]):
    def now(self) -> PresenceQuerySet:
        return self.filter(expires_at__gt=timezone.now())

    def overdue(self) -> PresenceQuerySet:
        return self.filter(expires_at__lte=timezone.now())


class Presence(models.Model):
    """A page of an order that somebody has open, for as long as the page goes on saying so.

    A page that is killed says nothing any more; its row runs out. `page` tells apart two tabs of one person.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="presences")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    page = models.CharField(max_length=32)
    since = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    objects = PresenceQuerySet.as_manager()

    class Meta:
        ordering = ["since", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["order", "user", "page"], name="one_presence_for_each_page")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} on order {self.order_id} since {self.since:%H:%M}"
