"""Who an account is at the provider: where the cards lie that its owner keeps. Nothing of a card is kept here."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import models

from shop.orders.models import Order
from shop.payments import stripe_gateway as gateway
from shop.payments.stripe_gateway import GatewayRefused, GatewayUnavailable

if TYPE_CHECKING:
    from accounts.models import User

logger = logging.getLogger(__name__)
AT_ONCE = 100


class ProviderCustomer(models.Model):
    """Kept before the provider is asked: after a crash the same question gets the same customer.

    It outlives its account, until the provider has forgotten it too.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="provider_customer"
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


async def as_customer[Answer](user: User, ask: Callable[[str], Awaitable[Answer]]) -> Answer:
    """Asks with the account's id. One that somebody deleted at the provider is forgotten, and another made, once."""
    customer_id = await customer_of(user)
    try:
        return await ask(customer_id)
    except GatewayRefused as refusal:
        if not refusal.customer_is_gone:
            raise
        logger.warning("customer %s is gone at the provider", customer_id)
    gone = ProviderCustomer.objects.filter(user=user, customer_id=customer_id)
    # The old key would bring the old customer back, as its answer is kept for a day.
    await gone.aupdate(customer_id=None, idempotency_key=uuid.uuid4())
    return await ask(await customer_of(user))


async def as_buyer_of[Answer](order: Order, ask: Callable[[str], Awaitable[Answer]]) -> Answer:
    """Asks as above; with nothing for a guest, and where accounts keep no cards."""
    if not settings.SAVED_CARDS or order.user_id is None:
        return await ask("")
    return await as_customer(await sync_to_async(lambda: order.user)(), ask)  # type: ignore[arg-type]


def forget_customers() -> int:
    """Deletes at the provider who has no account here any more; returns how many.

    Read from what the accounts left behind, so that a provider that is away only puts it off.
    """
    forgotten = 0
    for row in ProviderCustomer.objects.filter(user=None).order_by("pk")[:AT_ONCE]:
        try:
            if row.customer_id:
                gateway.ask(gateway.delete_customer(row.customer_id))
        except GatewayUnavailable:
            logger.warning("the payment provider is away; forgetting customers later")
            break
        except GatewayRefused as refusal:
            if not refusal.customer_is_gone:
                logger.error("customer %s could not be deleted: %s", row.customer_id, refusal.message)
                continue
        forgotten += row.delete()[0]
    return forgotten
