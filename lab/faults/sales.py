"""What a run asks of a process of the shop about orders: to sell, and what became of those who bought."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.crypto import get_random_string

from notifications.models import Event, Pending
from shop.cart.models import Cart
from shop.cart.services import add_to_cart
from shop.catalog.models import Variant
from shop.checkout.services import place_order
from shop.giftcards.services import gift_card_faults
from shop.inventory.audit import stock_faults
from shop.inventory.services import reserve
from shop.orders.holds import idle_holds
from shop.orders.models import Order, OrderEvent
from shop.payments.books import audit
from shop.payments.differences import inner_faults
from shop.payments.gift_cards import movement_faults
from shop.payments.models import GatewayEvent, Payment, Refund
from shop.payments.stripe_gateway import to_minor
from tests.buyer import ADDRESS

# Selling


def reserve_for(seconds: float, way: str, variants: list[int], threads: int) -> int:
    """How many reservations of one print so many threads made, each of any of these variants."""
    settings.STOCK_TAKING = f"shop.inventory.taking.{way}"
    until = time.monotonic() + seconds

    def buy() -> int:
        made = 0
        try:
            while time.monotonic() < until:
                reserve(get_random_string(16), {random.choice(variants): 1}, None)
                made += 1
        finally:
            connection.close()
        return made

    with ThreadPoolExecutor(threads) as pool:
        return sum(each.result() for each in [pool.submit(buy) for _ in range(threads)])


def sell(count: int, variant_id: int) -> list[dict[str, Any]]:
    """So many orders that wait for their money, each with an attempt that the provider has not answered yet."""
    variant, sold = Variant.objects.get(pk=variant_id), []
    for _ in range(count):
        cart = Cart.objects.create()
        add_to_cart(cart, variant)
        order = place_order(
            cart=cart,
            key=cart.checkout_key,
            user=None,
            email="nora@example.com",
            address=ADDRESS,
            shipping_code="method:tube",
        )
        payment = Payment.objects.create(order=order, amount=order.total)
        sold.append({"order": order.pk, "key": str(payment.idempotency_key), "amount": to_minor(order.total)})
    connection.close()
    return sold


def webhook_secret() -> str:
    return settings.STRIPE_WEBHOOK_SECRET


def paid_once(orders: list[int]) -> dict[str, int]:
    """Of these orders, how many are paid, and by how many events."""
    events = OrderEvent.objects.filter(order__in=orders, kind="paid")
    counts = {
        "paid": Order.objects.filter(pk__in=orders, status=Order.Status.PAID).count(),
        "paid_events": events.count(),
    }
    connection.close()
    return counts


def recorded(prefix: str) -> int:
    """How many of the provider's messages whose id begins so."""
    count = GatewayEvent.objects.filter(event_id__startswith=prefix).count()
    connection.close()
    return count


# What became of those who bought


def last_order() -> int:
    """The id."""
    order = Order.objects.first()
    connection.close()
    return order.pk if order else 0


def unsettled(since: int) -> int:
    """Orders after this id that are neither paid nor called off, refunds under way, events that wait for a number."""
    undone = Order.objects.filter(pk__gt=since, status=Order.Status.PENDING).count()
    owed = Refund.objects.filter(status__in=[Refund.Status.REQUESTED, Refund.Status.PENDING]).count()
    waiting = Pending.objects.count()
    connection.close()
    return undone + owed + waiting


def shelf_faults() -> list[str]:
    """As check_stock says them."""
    faults = [*stock_faults(), *idle_holds()]
    connection.close()
    return faults


def money_faults(since: int) -> list[str]:
    """Of the orders after this id, line by line as check_money says them, and of all gift cards.

    In a process of the shop that has the provider's books at hand.
    """
    differences = [one.words for one in audit().differences if one.order.pk > since]
    faults = [*differences, *gift_card_faults(), *movement_faults()]
    connection.close()
    return faults


def ledger_faults(since: int) -> list[str]:
    """Of the orders after this id, where our ledger does not say what their payments say; nobody is asked."""
    faults = [one.words for one in inner_faults() if one.order.pk > since]
    connection.close()
    return faults


def verdict(since: int) -> dict[str, Any]:
    """Of all orders after this id; `charged` are intents that we know to have succeeded, `known` of all orders."""
    orders = Order.objects.filter(pk__gt=since)
    paid = [order.pk for order in orders.filter(status=Order.Status.PAID)]
    payments = Payment.objects.filter(order__in=orders, status=Payment.Status.SUCCEEDED)
    kept: Counter[int] = Counter()
    for payment in payments.prefetch_related("refunds"):
        kept[payment.order_id] += payment.refundable.amount > 0
    told = set(
        Event.objects.filter(stream__name__startswith="order:").values_list("payload__event", flat=True)
    )
    figures = {
        "orders": orders.count(),
        "paid": len(paid),
        "released": orders.filter(status=Order.Status.CANCELLED).count(),
        "paid_without_money": sum(kept[pk] == 0 for pk in paid),
        "money_without_order": sum(count > 0 for pk, count in kept.items() if pk not in paid),
        "double_charges": sum(count > 1 for count in kept.values()),
        "lost_events": OrderEvent.objects.exclude(pk__in=told).count(),
        "stock_faults": len(shelf_faults()),
        "charged": [payment.intent_id for payment in payments],
        "known": list(
            Payment.objects.filter(status=Payment.Status.SUCCEEDED).values_list("intent_id", flat=True)
        ),
    }
    connection.close()
    return figures
