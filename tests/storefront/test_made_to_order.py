"""A print that is not there and can be made: every page, the mail and the API say when it leaves, before it is paid."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from shop.cart.models import CartLine
from shop.catalog.models import Variant
from shop.checkout.services import CartChanged
from shop.inventory.services import allow_backorders, receive, reserve
from shop.orders.models import Order
from shop.orders.services import mark_paid
from shop.shipping.models import ShippingMethod
from shop.storefront.product import working_days_after
from tests.live import live_shop
from tests.storefront.test_checkout import DELIVERY, order_form, to_delivery
from tests.tasks import work_off_tasks

SOON = 10_000
WORDS = "Made to order, ships in 10 days"


@pytest.fixture(autouse=True)
def no_carriers(settings: Any, delivery: ShippingMethod) -> None:
    settings.CARRIERS = {}


@pytest.fixture
def made(make_variant: Callable[..., Variant]) -> Variant:
    variant = make_variant(price="24.00", stock=0, slug="ebb", title="Ebb")
    allow_backorders(variant, 8, 10)
    return Variant.objects.select_related("product", "stock").get(pk=variant.pk)


def add(client: Client, variant: Variant, quantity: int = 1) -> Any:
    return client.post(
        "/cart/add/", {"variant": variant.pk, "quantity": quantity}, headers={"HX-Request": "true"}
    )


def click(client: Client, page: str) -> str:
    """Where the click on the delivery page leads."""
    return client.post(DELIVERY, order_form(page)).headers["Location"]


def test_from_the_print_s_page_to_the_order_s_it_says_when_it_leaves(client: Client, made: Variant) -> None:
    page = client.get("/products/ebb/").text
    assert WORDS in page
    arrives = working_days_after(timezone.localdate() + timedelta(days=10), 2)
    assert f">between {arrives:%a} {arrives.day}" in page
    assert "Made to order" in client.get("/products/").text
    assert "Made to order: ships in 10 days." in add(client, made, 2).text
    assert WORDS in client.get("/cart/").text
    page = to_delivery(client).text
    assert WORDS in page
    assert "the parcel leaves in 10 days" in page
    assert click(client, page).endswith("/pay/")
    order = Order.objects.get()
    line = order.lines.get()
    assert (line.ahead, line.lead_days) == (2, 10)
    assert order.ships_by == timezone.localdate(order.placed_at) + timedelta(days=10)
    page = client.get(order.get_absolute_url()).text
    assert WORDS in page
    assert f"By {order.ships_by.day} {order.ships_by:%B}" in page


def test_of_some_that_are_here_and_some_that_are_made_both_are_told(client: Client, made: Variant) -> None:
    receive(made, 2)
    page = client.get("/products/ebb/").text
    assert "Only 2 left; more made to order in 10 days" in page
    assert "Made to order" not in client.get("/products/").text
    add(client, made, 3)
    assert "1 of 3 made to order, ships in 10 days" in client.get("/cart/").text
    click(client, to_delivery(client).text)
    assert Order.objects.get().lines.get().ahead == 1


def test_the_mail_and_the_api_say_it_too(client: Client, made: Variant, place, make_cart, customer) -> None:
    order = place(make_cart(made, 2, user=customer), user=customer)
    mark_paid(order)
    work_off_tasks()
    (letter,) = mail.outbox
    assert WORDS in letter.body
    assert f"leaves by {order.ships_by.day} {order.ships_by:%B}" in letter.body
    assert WORDS in letter.alternatives[0].content
    client.force_login(customer, "django.contrib.auth.backends.ModelBackend")
    (line,) = client.get(f"/api/v1/orders/{order.public_id}/").json()["lines"]
    assert (line["ahead"], line["lead_days"]) == (2, 10)
    (variant,) = client.get("/api/v1/products/ebb/").json()["variants"]
    assert (variant["available"], variant["in_stock"], variant["lead_days"]) == (6, 0, 10)


def test_one_that_went_while_somebody_looked_is_told_before_it_is_paid(client: Client, made: Variant) -> None:
    receive(made, 1)
    add(client, made)
    page = to_delivery(client).text
    assert "ade to order" not in page
    with transaction.atomic():
        reserve("somebody else's", {made.pk: 1}, None)
    assert click(client, page) == DELIVERY
    assert not Order.objects.exists()
    page = client.get(DELIVERY).text
    assert "“Ebb” is made to order now and ships in 10 days." in page
    assert click(client, page).endswith("/pay/")


@pytest.mark.django_db(transaction=True)
def test_one_that_goes_in_the_instant_of_the_order_stops_it(
    made: Variant, place, make_cart, settings: Any
) -> None:
    """Between the look at the cart and the taking: the look saw one here, and it was taken from under it."""
    receive(made, 1)
    cart = make_cart(Variant.objects.get(pk=made.pk))
    settings.STOCK_TAKING = "tests.storefront.test_made_to_order.take_after_somebody_else"
    with pytest.raises(CartChanged, match="just become one that is made to order"):
        place(cart)
    assert cart.count() == 1
    assert not Order.objects.exists()


def take_after_somebody_else(variant_id: int, quantity: int) -> bool:
    from shop.inventory.taking import guarded

    return guarded(variant_id, 1) and guarded(variant_id, quantity)


def test_that_it_leaves_sooner_than_told_stops_nobody(client: Client, made: Variant) -> None:
    add(client, made)
    page = to_delivery(client).text
    receive(made, 5)
    assert click(client, page).endswith("/pay/")
    assert Order.objects.get().lines.get().ahead == 0
    assert CartLine.objects.count() == 0


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_print_s_page_and_its_card_follow_the_shelf(
    made: Variant, open_page: Callable[..., Page]
) -> None:
    receive(made, 2)
    with live_shop() as shop:
        own, listing = open_page(f"{shop.url}/products/ebb/"), open_page(f"{shop.url}/products/")
        line, mark = own.locator("[data-stock]"), listing.locator(".card [data-mark]")
        expect(line).to_have_text("Only 2 left; more made to order in 10 days")
        expect(mark).to_have_text("Few left")
        soon = own.locator("[data-arrives]").inner_text()

        reserve("an-order", {made.pk: 3}, None)
        expect(line).to_have_text(WORDS, timeout=SOON)
        expect(mark).to_have_text("Made to order", timeout=SOON)
        expect(own.locator("[data-arrives]")).not_to_have_text(soon)
        expect(own.get_by_role("button", name="Add to cart")).to_be_enabled()
        expect(own.get_by_label("Tell me when it is back")).to_be_visible()

        allow_backorders(made, 7, 1)
        expect(line).to_have_text("Made to order, ships in 1 day", timeout=SOON)
        reserve("another", {made.pk: 6}, None)
        expect(own.get_by_role("button", name="Sold out")).to_be_disabled(timeout=SOON)
        receive(made, 9)
        expect(line).to_have_text(
            "Only 2 left, 9 set aside for orders; more made to order in 1 day", timeout=SOON
        )
