"""The control of `hangup`: an order placed as asynchronous views often do it, one awaited step after another.

No transaction spans the steps, since Django's do not reach over an `await`; a buyer who hangs up ends the view
between two of them, and most easily where it waits for another machine.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from shop.cart.models import Cart
from shop.cart.services import empty_cart
from shop.inventory.services import reserve
from shop.orders.models import Order
from shop.storefront.cart import current_cart
from shop.storefront.checkout import draft_of

ANOTHER_MACHINE_SECONDS = 0.3


async def place(request: HttpRequest) -> HttpResponse:
    cart, order, variant_id = await sync_to_async(_write)(request)
    await asyncio.sleep(ANOTHER_MACHINE_SECONDS)
    await sync_to_async(empty_cart)(cart)
    await sync_to_async(_record)(order)
    await sync_to_async(reserve)(order.public_id, {variant_id: 1}, order.reserved_until)
    return redirect("storefront:pay", order.public_id)


def _write(request: HttpRequest) -> tuple[Cart, Order, int]:
    """An order of one print at its plain price: what is right about it is not the question."""
    cart, draft = current_cart(request), draft_of(request)
    assert cart is not None
    variant = cart.lines.get().variant
    order = Order.objects.create(
        checkout_key=cart.checkout_key,
        email=draft["email"],
        **draft["address"],
        reserved_until=timezone.now() + timedelta(minutes=1),
        shipping_days_min=1,
        shipping_days_max=1,
        subtotal=variant.price,
        discount=0,
        shipping=0,
        tax=0,
        total=variant.price,
    )
    figures = {"unit_price": variant.price, "discount": 0, "tax": 0, "total": variant.price}
    order.lines.create(variant=variant, sku=variant.sku, title=variant.sku, quantity=1, **figures)
    return cart, order, variant.pk


@transaction.atomic
def _record(order: Order) -> None:
    order.record("placed")
