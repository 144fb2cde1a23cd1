"""The control of `hangup`: an order placed as asynchronous views often do it, one awaited step after another.

No transaction spans the steps, since Django's do not reach over an `await`; a buyer who hangs up ends the view
between two of them.
"""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from shop.cart.models import Cart
from shop.cart.review import Review, review
from shop.cart.services import empty_cart
from shop.checkout import services
from shop.inventory.services import reserve
from shop.orders.models import Order
from shop.storefront.cart import current_cart
from shop.storefront.checkout import draft_of


async def place(request: HttpRequest) -> HttpResponse:
    cart, order, seen = await sync_to_async(_write)(request)
    await sync_to_async(empty_cart)(cart)
    await sync_to_async(_record)(order)
    quantities = {line.variant.pk: line.quantity for line in seen.lines}
    await sync_to_async(reserve)(order.public_id, quantities, order.reserved_until)
    return redirect("storefront:pay", order.public_id)


def _write(request: HttpRequest) -> tuple[Cart, Order, Review]:
    cart, draft = current_cart(request), draft_of(request)
    assert cart is not None
    seen = review(cart)
    choice = services._choice(seen, draft["address"], request.POST["shipping"])
    totals = seen.totals(draft["address"]["country"], choice.price)
    key = cart.checkout_key
    order = services._write_order(cart, key, None, draft["email"], draft["address"], choice, totals)
    services._write_lines(order, seen, totals)
    return cart, order, seen


@transaction.atomic
def _record(order: Order) -> None:
    order.record("placed")
