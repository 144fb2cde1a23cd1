"""Who an account is at the provider: where the cards lie that its owner keeps. Nothing of a card is kept here."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import models

from shop.orders.models import Order
from shop.payments import stripe_gateway as gateway

if TYPE_CHECKING:
    from accounts.models import User


class ProviderCustomer(models.Model):
    """Kept before the provider is asked: after a crash the same question gets the same customer."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="provider_customer"
    )
    idempotency_key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    customer_id = models.CharField(max_length=120, unique=True, null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.customer_id}"


async def customer_of(user: User) -> str:
    """The account's id at the provider, made at the first call. Raises GatewayUnavailable."""
    row, _ = await ProviderCustomer.objects.aget_or_create(user=user)
    if row.customer_id is None:
        row.customer_id = await gateway.create_customer(row.idempotency_key, user.email)
        await ProviderCustomer.objects.filter(pk=row.pk).aupdate(customer_id=row.customer_id)
    return row.customer_id


async def customer_for(order: Order) -> str:
    """Empty for a guest, and where accounts keep no cards."""
    if not settings.SAVED_CARDS or order.user_id is None:
        return ""
    return await customer_of(await sync_to_async(lambda: order.user)())  # type: ignore[arg-type]
