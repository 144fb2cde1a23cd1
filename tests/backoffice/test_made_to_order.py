"""What staff see and do of prints that were sold before they are there."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from shop.cart.models import Cart
from shop.catalog.models import Variant
from shop.inventory.models import Stock
from shop.inventory.services import allow_backorders, receive
from shop.orders.models import Order
from shop.orders.services import mark_paid, pack_order, tell_arrived
from shop.payments.cancellations import cancel_order

pytestmark = pytest.mark.django_db
WAITING = "/admin/inventory/reservation/?stock=awaited"


@pytest.fixture
def made(make_variant: Callable[..., Variant]) -> Variant:
    variant = make_variant(stock=1, title="Ebb")
    allow_backorders(variant, 6, 10)
    return Variant.objects.get(pk=variant.pk)


@pytest.fixture
def sell(
    made: Variant, make_cart: Callable[..., Cart], place: Callable[..., Order]
) -> Callable[[int], Order]:
    def call(quantity: int) -> Order:
        order = place(make_cart(Variant.objects.get(pk=made.pk), quantity))
        mark_paid(order)
        return order

    return call


def step(client: Client, order: Order, name: str, **data: str) -> str:
    answer = client.post(reverse("admin:orders_order_step", args=[order.pk, name]), data, follow=True)
    order.refresh_from_db()
    return answer.text


def log(order: Order) -> list[str]:
    return list(order.events.values_list("kind", flat=True))


def test_an_order_leaves_once_its_stock_is_there_and_says_until_then_what_it_lacks(
    packer: Client, made: Variant, sell: Callable[[int], Order]
) -> None:
    order = sell(2)
    page = packer.get(reverse("admin:orders_order_change", args=[order.pk])).text
    assert "1 of 2 made to order, ships in 10 days" in page
    assert "1 not on the shelf yet" in page
    pack_order(order)
    parcel = {"carrier": "Gannet", "tracking_number": "GN 1"}
    assert f"Not on the shelf yet, or meant for orders before this one: 1 × {made.sku}." in step(
        packer, order, "ship", **parcel
    )
    assert order.status == "packed"
    assert not order.shipments.exists()
    receive(made, 1)
    assert "shipped" in step(packer, order, "ship", **parcel)
    assert order.status == "shipped"
    assert Stock.objects.get(variant=made).on_hand == 0


def test_nothing_is_packed_of_an_order_of_which_nothing_is_there(
    packer: Client, sell: Callable[[int], Order]
) -> None:
    first, second = sell(1), sell(1)
    assert "Nothing of it is on the shelf yet." in step(packer, second, "pack")
    assert second.status == "paid"
    step(packer, first, "pack")
    assert first.status == "packed"


def test_what_waits_is_listed_in_the_order_of_time_with_how_many(
    packer: Client, owner: Client, made: Variant, sell: Callable[[int], Order]
) -> None:
    here, partly, wholly = sell(1), sell(2), sell(1)
    listed = owner.get(WAITING).text
    assert here.public_id not in listed
    assert partly.public_id in listed
    assert wholly.public_id in listed
    page = packer.get(reverse("admin:inventory_stock_change", args=[made.pk])).text
    assert (page.count("2 awaited"), page.count("1 awaited")) == (1, 1)
    assert "Sold ahead" in page
    assert "2 order lines wait for stock" in owner.get("/admin/").text
    assert "1 order line waits for stock" in (receive(made, 2), owner.get("/admin/").text)[1]


def test_staff_say_how_many_may_be_sold_ahead_and_hear_why_not(
    packer: Client, made: Variant, sell: Callable[[int], Order]
) -> None:
    url = reverse("admin:inventory_stock_change", args=[made.pk])
    said = packer.post(url, {"backorder_limit": "3", "lead_days": "21"}, follow=True).text
    assert "3 may be sold ahead, each to leave in 21 days" in said
    sell(3)
    assert (
        "2 are already sold beyond"
        in packer.post(url, {"backorder_limit": "1", "lead_days": "21"}, follow=True).text
    )
    assert packer.post(url, {"backorder_limit": "3", "lead_days": "0"}).status_code == 422
    stock = Stock.objects.get(variant=made)
    assert (stock.backorder_limit, stock.lead_days, stock.owed) == (3, 21, 2)


def test_a_buyer_is_told_once_when_all_is_there_whatever_brought_it(
    made: Variant, sell: Callable[[int], Order]
) -> None:
    first, second, third = sell(2), sell(1), sell(2)
    assert tell_arrived() == 0
    receive(made, 1)
    assert tell_arrived() == 1
    cancel_order(first)
    assert tell_arrived() == 1
    receive(made, 1)
    assert tell_arrived() == 1
    assert tell_arrived() == 0
    assert log(first) == ["placed", "paid", "stock_arrived", "cancelled"]
    assert log(second) == log(third) == ["placed", "paid", "stock_arrived"]


def test_an_order_that_was_there_from_the_start_is_told_nothing(sell: Callable[[int], Order]) -> None:
    sell(1)
    assert tell_arrived() == 0
