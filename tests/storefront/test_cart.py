"""The cart's page: plain forms answer with redirects, htmx with parts, and what changed is told."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from djmoney.money import Money

from accounts.models import User
from notifications.log import position
from shop.cart.models import Cart, CartLine
from shop.cart.services import add_to_cart, open_cart
from shop.catalog.models import Variant
from tests.offers import make_coupon

CART = "/cart/"
HTMX = {"HX-Request": "true"}


def add(client: Client, variant: Variant, quantity: int = 1, **extra: Any) -> Any:
    return client.post("/cart/add/", {"variant": variant.pk, "quantity": quantity}, **extra)


def only_line() -> CartLine:
    return CartLine.objects.get()


def change(client: Client, line: CartLine, **fields: Any) -> Any:
    fields = {"quantity": line.quantity, **fields}
    return client.post(reverse("storefront:cart_line", args=[line.pk]), fields)


def test_looking_at_an_empty_cart_makes_none(client: Client, db: None) -> None:
    page = client.get(CART)

    assert "Your cart is empty" in page.text
    assert not Cart.objects.exists()


def test_a_guest_adds_a_print_without_javascript(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(price="24.00", title="Bell buoy")

    answer = add(client, variant, 2, follow=True)

    assert answer.redirect_chain == [(CART, 302)]
    assert "Bell buoy" in answer.text
    assert "€48.00" in answer.text
    assert Cart.objects.get().token == client.session["cart"]


def test_htmx_gets_a_panel_and_the_new_count(client: Client, make_variant: Callable[..., Variant]) -> None:
    answer = add(client, make_variant(title="Bell buoy"), 3, headers=HTMX)

    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert 'role="status"' in answer.text
    assert 'id="cart-count" hx-swap-oob="true"' in answer.text
    assert "Cart, 3 items" in answer.text


def test_more_than_there_are_is_refused_in_words(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(stock=2)

    assert "only 2 left" in add(client, variant, 3, headers=HTMX).text
    refused = add(client, variant, 3)

    assert refused.headers["Location"] == variant.product.get_absolute_url()
    assert not CartLine.objects.exists()


def test_no_variant_chosen_says_what_to_do(client: Client, db: None) -> None:
    answer = client.post("/cart/add/", {}, headers=HTMX)

    assert "choose a size" in answer.text


@pytest.mark.parametrize(
    ("sent", "quantity"), [({"step": "1"}, 3), ({"step": "-1"}, 1), ({"quantity": "5"}, 5), ({}, 2)]
)
def test_the_stepper_is_a_form(
    client: Client, make_variant: Callable[..., Variant], sent: dict[str, str], quantity: int
) -> None:
    add(client, make_variant(), 2)

    answer = change(client, only_line(), **sent)

    assert answer.headers["Location"] == CART
    assert only_line().quantity == quantity


def test_removing_the_last_line_leaves_an_empty_cart(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    add(client, make_variant())

    change(client, only_line(), remove="1")

    assert "Your cart is empty" in client.get(CART).text


def test_a_refused_quantity_is_told_at_its_line(client: Client, make_variant: Callable[..., Variant]) -> None:
    add(client, make_variant(stock=2), 2)
    line = only_line()

    answer = client.post(reverse("storefront:cart_line", args=[line.pk]), {"quantity": 9}, headers=HTMX)

    assert f'id="line-{line.pk}-trouble" role="alert"' in answer.text
    assert "only 2 left" in answer.text
    assert only_line().quantity == 2


def test_nobody_changes_a_line_of_another_cart(
    client: Client, make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    foreign = make_cart(quantity=2).lines.get()
    add(client, make_variant())

    answer = client.post(reverse("storefront:cart_line", args=[foreign.pk]), {"quantity": 7}, follow=True)

    assert "no longer in your cart" in answer.text
    foreign.refresh_from_db()
    assert foreign.quantity == 2


def test_a_changed_price_is_told_and_counts(client: Client, make_variant: Callable[..., Variant]) -> None:
    variant = make_variant(price="24.00", title="Bell buoy")
    add(client, variant)
    Variant.objects.filter(pk=variant.pk).update(price=Money("26.50", "EUR"))

    page = client.get(CART).text

    assert "The price of “Bell buoy” changed" in page
    assert "€26.50" in page
    assert "changed" not in client.get(CART).text


def test_what_sold_out_blocks_the_way_and_says_so(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(stock=2)
    add(client, variant, 2)
    variant.stock.on_hand = 1
    variant.stock.save()

    page = client.get(CART).text

    assert "Only 1 left" in page
    assert "Something above must be changed" in page
    assert client.get("/checkout/").headers["Location"] == CART


def test_a_voucher_is_applied_and_taken_off_again(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    make_coupon("HARBOUR10", percent=10)
    add(client, make_variant(price="24.99"), 3)

    client.post("/cart/coupon/", {"code": "harbour10"})
    page = client.get(CART)
    assert "gives 10 % off" in page.text
    totals = page.context["totals"]
    assert totals.subtotal - totals.discount == totals.total == Money("67.47", "EUR")

    client.post("/cart/coupon/", {"remove": "1"})
    assert "HARBOUR10" not in client.get(CART).text


def test_an_unknown_voucher_is_told_at_the_field(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    add(client, make_variant())

    answer = client.post("/cart/coupon/", {"code": "nope"}, headers=HTMX)

    assert 'id="coupon-error"' in answer.text
    assert "We do not know this code" in answer.text
    assert 'value="nope"' in answer.text


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/checkout/delivery/", "/checkout/delivery/"),
        ("https://evil.example/", CART),
        ("//evil.example/", CART),
    ],
)
def test_a_voucher_form_leads_back_within_the_shop_only(
    client: Client, db: None, wanted: str, leads_to: str
) -> None:
    assert client.post("/cart/coupon/", {"code": "x", "next": wanted}).headers["Location"] == leads_to


def test_signing_in_brings_the_guest_cart_along(
    client: Client, make_variant: Callable[..., Variant], customer: User
) -> None:
    shared, mine = make_variant(), make_variant()
    cart = open_cart(customer, None)
    add_to_cart(cart, shared, 1)
    add(client, shared, 3)
    add(client, mine, 1)

    client.post("/accounts/login/", {"login": customer.email, "password": "a-long-passphrase"})

    assert {line.variant_id: line.quantity for line in cart.lines.all()} == {shared.pk: 3, mine.pk: 1}
    assert "cart" not in client.session
    assert not Cart.objects.filter(user=None).exists()


def test_who_has_no_cart_follows_nothing_and_who_has_one_follows_it_without_its_secret(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    page = client.get("/about/").text
    assert 'notifications.js" type' not in page
    assert 'id="cart-count" data-stream=""' in page

    add(client, make_variant(), 2)
    cart = Cart.objects.get()
    epoch, offset = position(cart.stream)
    for path in ("/about/", CART, "/cart/count/", "/checkout/"):
        page = client.get(path).text
        assert f'data-stream="{cart.stream}" data-epoch="{epoch}" data-offset="{offset}"' in page
        assert cart.token not in page
    assert 'notifications.js" type' in page


def test_the_answer_to_a_change_follows_from_after_it(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    add(client, make_variant(), 2)
    answer = client.post(
        reverse("storefront:cart_line", args=[only_line().pk]), {"quantity": 3}, headers=HTMX
    )
    here = position(Cart.objects.get().stream)
    assert here.offset == 2
    assert answer.text.count('data-offset="2"') == 2  # the part's and the number's
