"""Fifty buyers want ten prints at the same instant, over real HTTP, from several server processes."""

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connection

from shop.catalog.models import Variant
from shop.inventory.audit import stock_faults
from shop.inventory.models import Reservation, Stock
from shop.orders.models import Order
from shop.shipping.models import ShippingMethod
from tests.buyer import Buyer
from tests.live import LiveShop, live_shop

pytestmark = pytest.mark.django_db(transaction=True)
BUYERS, UNITS = 50, 10


async def rush(shop: LiveShop, variant: Variant) -> Counter[str]:
    """All go through the shop at their own pace, wait for one another, and click at once; where did it lead?"""
    ready = asyncio.Barrier(BUYERS)
    # A person takes a minute from the print to the click; a burst of page views is another test's subject.
    browsing = asyncio.Semaphore(8)

    async def buy(number: int) -> str:
        async with Buyer(shop.urls[number % len(shop.urls)], f"buyer{number}@example.com") as buyer:
            async with browsing:
                await buyer.fill_cart(variant.product.slug, variant.pk)
                await buyer.go_to_delivery()
            await ready.wait()
            status, location = await buyer.place_order()
            return "order" if location.endswith("/pay/") else f"{status} {location}"

    return Counter(await asyncio.gather(*(buy(number) for number in range(BUYERS))))


def sold(variant: Variant) -> int:
    return sum(Order.objects.filter(lines__variant=variant).values_list("lines__quantity", flat=True))


def test_exactly_as_many_orders_as_prints(
    make_variant: Callable[..., Variant], delivery: ShippingMethod
) -> None:
    variant = make_variant(stock=UNITS)
    with live_shop(processes=2) as shop:
        outcomes = asyncio.run(rush(shop, variant))
    assert outcomes == {"order": UNITS, "302 /cart/": BUYERS - UNITS}
    assert sold(variant) == UNITS
    stock = Stock.objects.get(variant=variant)
    assert (stock.on_hand, stock.reserved) == (UNITS, UNITS)
    assert Reservation.objects.filter(variant=variant).count() == UNITS
    assert stock_faults() == []


def test_without_the_guard_the_same_rush_oversells(
    make_variant: Callable[..., Variant], delivery: ShippingMethod
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one transaction write at a time, so there is no race to show")
    variant = make_variant(stock=UNITS)
    with live_shop(processes=2, STOCK_TAKING="tests.checkout.unguarded.take") as shop:
        outcomes = asyncio.run(rush(shop, variant))
    assert outcomes["order"] > UNITS
    assert sold(variant) > UNITS
