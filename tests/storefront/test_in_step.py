"""One customer with several tabs and devices, in a real Chromium at a served shop: what one does, the others show."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from shop.cart.models import Cart
from shop.catalog.models import Variant
from shop.orders.models import Order
from tests.live import LiveShop, live_shop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
PATIENCE = 15_000
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def shop(django_db_setup: None, django_db_blocker: Any) -> Iterator[LiveShop]:
    # Its key is ours, so that it knows the sessions that tests begin.
    with django_db_blocker.unblock(), live_shop(SECRET_KEY=settings.SECRET_KEY) as shop:
        yield shop


@pytest.fixture
def open_tab(chromium: Browser, shop: LiveShop) -> Iterator[Callable[..., Page]]:
    """`open_tab(path)` in a browser of its own, `open_tab(path, beside=page)` in that page's."""
    contexts, complaints = [], []

    def opener(path: str, *, beside: Page | None = None, session: str = "") -> Page:
        context = beside.context if beside else chromium.new_context(base_url=shop.url, locale="en-GB")
        if session:
            context.add_cookies([{"name": "sessionid", "value": session, "url": shop.url}])
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield opener
    for context in contexts:
        context.close()
    assert complaints == []


def signed_in(user: User) -> str:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client.cookies["sessionid"].value


def in_cart(page: Page, count: int) -> None:
    expect(page.locator("#cart-link")).to_have_accessible_name(f"Cart, {count} item{'s' * (count != 1)}")


def test_the_tabs_of_a_guest_keep_in_step_and_nobody_is_disturbed(
    open_tab: Callable[..., Page], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(price="24.00", stock=10)
    other = open_tab("/about/")
    in_cart(other, 0)
    # Without a cart there is nothing to follow: a page that does holds a lock, and its worker another.
    assert other.evaluate("navigator.locks.query().then(({ held }) => held.length)") == 0

    shelf = open_tab(variant.product.get_absolute_url(), beside=other)
    shelf.get_by_role("button", name="Add to cart").click()
    in_cart(shelf, 1)
    in_cart(other, 1)  # a tab that knew of no cart hears of the first one
    shelf.get_by_role("button", name="Add to cart").click()
    in_cart(other, 2)
    assert other.evaluate("navigator.locks.query().then(({ held }) => held.length)") == 3

    shelf.goto("/cart/")
    other.goto("/cart/")
    field = shelf.get_by_label("Quantity", exact=True)
    shelf.get_by_role("button", name="One more").click()
    expect(other.get_by_label("Quantity", exact=True)).to_have_value("3")
    expect(other.locator("#cart .sums__total")).to_contain_text("€72.00")

    field.fill("7")  # still in the field
    other.get_by_role("button", name="One more").click()
    in_cart(shelf, 4)
    expect(field).to_have_value("7")
    expect(field).to_be_focused()
    field.press("Tab")
    expect(other.get_by_label("Quantity", exact=True)).to_have_value("7")
    in_cart(other, 7)


def test_the_devices_of_an_account_keep_in_step_and_a_guest_who_signs_in_joins_them(
    open_tab: Callable[..., Page],
    make_variant: Callable[..., Variant],
    make_cart: Callable[..., Cart],
    customer: User,
) -> None:
    customer.password = make_password(
        "a-long-passphrase", hasher="argon2"
    )  # the served shop takes no weaker one
    customer.save()
    variant = make_variant()
    make_cart(variant, user=customer)
    phone = open_tab("/checkout/", session=signed_in(customer))
    desk = open_tab(variant.product.get_absolute_url(), session=signed_in(customer))
    warning = phone.get_by_text("Your cart has changed in another window")
    expect(warning).to_be_hidden()
    desk.get_by_role("button", name="Add to cart").click()
    expect(warning).to_be_visible()
    in_cart(phone, 2)
    phone.get_by_role("link", name="Look at it again").click()
    expect(phone.get_by_text("2 × €24.00")).to_be_visible()
    expect(warning).to_be_hidden()

    tablet = open_tab(make_variant().product.get_absolute_url())
    tablet.get_by_role("button", name="Add to cart").click()
    in_cart(tablet, 1)
    second = open_tab("/about/", beside=tablet)
    in_cart(second, 1)
    tablet.evaluate("document.querySelector('#cart-link').dataset.kept = 1")
    second.goto("/accounts/login/")
    second.get_by_label("E-mail address").fill(customer.email)
    second.get_by_label("Password").fill("a-long-passphrase")
    second.get_by_role("button", name="Sign in").click()
    for page in (second, tablet, desk, phone):
        in_cart(page, 3)
    expect(warning).to_be_visible()

    desk.get_by_role("button", name="Add to cart").click()
    in_cart(tablet, 4)  # which still is the guest's page, with the session of who signed in beside it
    assert tablet.evaluate("document.querySelector('#cart-link').dataset.kept") == "1"


def test_the_time_that_prints_are_held_runs_down_and_what_follows_is_said(
    open_tab: Callable[..., Page], order: Order
) -> None:
    Order.objects.update(reserved_until=timezone.now() + timedelta(seconds=303))
    book = open_tab(order.get_absolute_url())
    expect(book.locator(".countdown__left")).to_have_text("5:00 left")
    expect(book.locator(".countdown")).not_to_have_class("countdown countdown--urgent")
    expect(book.locator(".countdown--urgent")).to_be_visible()
    expect(book.get_by_role("status").get_by_text(f"Order {order.number}: 5 minutes left.")).to_be_attached()

    Order.objects.update(reserved_until=timezone.now() + timedelta(seconds=3))
    book.reload()
    cart = open_tab("/cart/", beside=book)
    expect(cart.locator(".held-order")).to_contain_text(f"{order.number} still holds 2 prints for you until")
    expect(book.get_by_role("heading", level=1)).to_have_text("Cancelled", timeout=60_000)
    expect(book.get_by_text("and then put them back on the wall")).to_be_visible()
    expect(cart.locator(".held-order")).to_contain_text("its 2 prints went back on the wall for others")
    cart.get_by_role("button", name="Put them back in the cart").click()
    expect(cart.get_by_label("Quantity", exact=True)).to_have_value("2")
    expect(cart.locator(".held-order")).to_have_count(0)
