"""Example orders, made the way every order is: placed, paid over HTTP at the sandbox, packed, shipped.

So they need the shop to be open, and come in a moment after it is. Only their dates are invented.
"""

from __future__ import annotations

import logging
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connections, transaction
from django.db.models import F

from accounts.models import User
from notifications.inbox import inbox, mark_read
from shop.cart.models import Cart
from shop.cart.services import add_to_cart, apply_coupon
from shop.catalog.models import Variant
from shop.checkout.services import place_order
from shop.demo.seed import HOME
from shop.orders.models import Order
from shop.orders.services import deliver_order, pack_order, ship_order
from shop.payments import stripe_gateway as gateway
from shop.payments.cancellations import cancel_order
from shop.payments.services import refresh_payment, start_payment
from shop.waiting import refuse_to_wait_with_locks

logger = logging.getLogger(__name__)
Status = Order.Status
GUEST = HOME | {"name": "Tom Vance", "line1": "18 Mole Street", "city": "Galway", "postal_code": "H91 E2K4"}


@dataclass(frozen=True)
class Example:
    key: str
    skus: tuple[str, ...]
    becomes: str
    days_ago: int
    shipping: str = "method:tracked"
    coupon: str = ""
    guest: bool = False
    tracking: str = ""


EXAMPLES = (
    Example("demo-1", ("LIG01-3040-CR-OAK",), Status.CANCELLED, 41),
    Example(
        "demo-2", ("SWE01-4030-CR-UNF", "KNO01-3040-CR-UNF"), Status.DELIVERED, 26, tracking="TW4410927IE"
    ),
    Example("demo-3", ("ISO01-6045-CR-ASH",), Status.SHIPPED, 2, coupon="HARBOUR10", tracking="TW4418806IE"),
    Example("demo-4", ("SOU01-4030-CR-UNF",), Status.PACKED, 1, shipping="method:tube-post", guest=True),
    Example("demo-5", ("HAR01-4030-CR-WHI",), Status.PAID, 0),
)


def order_in_background() -> None:
    threading.Thread(target=_order_all, name="example-orders", daemon=True).start()


def _order_all() -> None:
    try:
        place_examples()
    except Exception:
        logger.exception("the example orders could not be made; the next start tries again")
    finally:
        connections.close_all()


def place_examples() -> None:
    """Makes those that are not there. One whose making was interrupted is taken up where it stopped."""
    for example in EXAMPLES:
        order = Order.objects.filter(checkout_key=example.key).first()
        if order is None:
            order = _place(example)
            _pay(order)
        elif order.status == Status.PENDING:
            _pay(order)
        else:
            continue
        _carry_on(order, example)
        _backdate(order, timedelta(days=example.days_ago, hours=3))
        if order.user and example.days_ago:
            # What happened days ago has been read.
            mark_read(order.user, inbox(order.user)[0].offset)


@transaction.atomic
def _place(example: Example) -> Order:
    user = None if example.guest else User.objects.get(email="customer@breakwater.example")
    cart = Cart.objects.create(checkout_key=example.key)
    for variant in Variant.objects.filter(sku__in=example.skus):
        add_to_cart(cart, variant)
    if example.coupon:
        apply_coupon(cart, example.coupon)
    order = place_order(
        cart=cart,
        key=example.key,
        user=user,
        email=user.email if user else "tom@vance.example",
        address=GUEST if example.guest else HOME,
        shipping_code=example.shipping,
    )
    cart.delete()
    return order


def _pay(order: Order) -> None:
    payment = gateway.ask(start_payment(order))
    fields = {"payment_method": "pm_card_visa", "return_url": settings.PUBLIC_URL}
    request = urllib.request.Request(
        f"{settings.STRIPE_API_BASE}/v1/payment_intents/{payment.intent_id}/confirm",
        data=urllib.parse.urlencode(fields).encode(),
        headers={"Authorization": f"Bearer {settings.STRIPE_SECRET_KEY}"},
    )
    refuse_to_wait_with_locks()
    try:
        urllib.request.urlopen(request, timeout=20).close()
    except urllib.error.HTTPError as refused:
        # An interrupted start may have paid already; what the provider says next decides.
        logger.info("confirming %s: %s", payment.intent_id, refused.code)
    deadline = time.monotonic() + 10
    while gateway.ask(refresh_payment(order)) != Status.PAID:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{order.number} was not paid in time.")
        time.sleep(0.2)


def _carry_on(order: Order, example: Example) -> None:
    staff = User.objects.get(email="fulfilment@breakwater.example")
    if example.becomes == Status.CANCELLED:
        cancel_order(order, by=order.user, why="Ordered by mistake.")
    if example.becomes in (Status.PACKED, Status.SHIPPED, Status.DELIVERED):
        pack_order(order, by=staff)
    if example.becomes in (Status.SHIPPED, Status.DELIVERED):
        ship_order(order, "Tideway", example.tracking, by=staff)
    if example.becomes == Status.DELIVERED:
        deliver_order(order, by=staff)


def _backdate(order: Order, age: timedelta) -> None:
    Order.objects.filter(pk=order.pk).update(placed_at=F("placed_at") - age)
    order.events.update(created_at=F("created_at") - age)
    order.shipments.update(shipped_at=F("shipped_at") - age, delivered_at=F("delivered_at") - age)
