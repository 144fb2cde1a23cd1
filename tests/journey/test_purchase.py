"""Somebody buys a print while staff pack and ship it, each in a browser of their own."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from shop.catalog.models import Variant
from shop.shipping.models import ShippingMethod
from tests.browser import chromium
from tests.live import LiveShop, live_shop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
GOOD, DECLINED, CHALLENGED = "4242424242424242", "4000000000000002", "4000002760003184"
PATIENCE = 15_000
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def shop(django_db_setup: None, django_db_blocker: Any) -> Iterator[LiveShop]:
    with django_db_blocker.unblock(), live_shop(SAVED_CARDS="true") as shop:
        yield shop


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, chromium() as browser:
        # Its driver keeps a loop in this thread; Django would take the fixtures beside it for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield browser


@pytest.fixture(autouse=True)
def on_sale(make_variant: Callable[..., Variant], delivery: ShippingMethod) -> None:
    make_variant(title="Long fetch", slug="long-fetch", price="48.00", stock=6)
    owner = User.objects.create_superuser("owner@example.com")
    owner.password = make_password("a-long-passphrase", hasher="argon2")
    owner.save()


def new_page(browser: Browser, shop: LiveShop) -> Page:
    page = browser.new_context(base_url=shop.url, locale="en-GB").new_page()
    page.set_default_timeout(PATIENCE)
    return page


def order_a_print(page: Page) -> None:
    """From the front page to the card form, as a guest."""
    page.goto("/")
    page.get_by_role("link", name="Long fetch").first.click()
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_text("Added")).to_be_visible()
    page.goto("/cart/")
    page.get_by_role("link", name="Check out").click()
    page.get_by_label("E-mail address").fill("nora@example.com")
    page.get_by_label("Full name").fill("Nora Byrne")
    page.get_by_label("Street and house number").fill("4 Harbour Row")
    page.get_by_label("Town").or_(page.get_by_label("City")).first.fill("Howth")
    page.get_by_label("Eircode").fill("D13 F6K7")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("Tube by post")).to_be_checked()
    page.get_by_role("button", name="Continue to payment").click()
    expect(page.get_by_label("Card number")).to_be_visible()


def fill_card(page: Page, card: str) -> None:
    page.get_by_label("Card number").fill(card)
    page.get_by_label("Expiration date").fill("12 / 34")
    page.get_by_label("Security code").fill("123")


def pay(page: Page, card: str) -> None:
    fill_card(page, card)
    page.get_by_role("button", name=re.compile("^Pay ")).click()


def log(page: Page) -> list[str]:
    return page.locator(".log__entry h3").all_inner_texts()


def sign_in(page: Page, path: str) -> None:
    """As the owner, who may buy too."""
    page.goto(path)
    page.get_by_label("E-mail address").fill("owner@example.com")
    page.get_by_label("Password").fill("a-long-passphrase")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(f"{path}$"))


def open_as_staff(browser: Browser, shop: LiveShop, number: str) -> Page:
    staff = new_page(browser, shop)
    sign_in(staff, "/admin/")
    staff.goto("/admin/orders/order/")
    staff.get_by_role("link", name=number).click()
    return staff


def ship(staff: Page, tracking: str) -> None:
    staff.locator("summary", has_text="Ship").click()
    staff.get_by_label("Carrier").fill("Gannet")
    staff.get_by_label("Tracking number").fill(tracking)
    staff.get_by_role("button", name=re.compile("^Ship")).click()


def test_a_guest_pays_and_watches_staff_pack_and_ship(browser: Browser, shop: LiveShop) -> None:
    buyer = new_page(browser, shop)
    order_a_print(buyer)
    pay(buyer, GOOD)
    buyer.wait_for_url("**/orders/**")
    expect(buyer.locator(".log__entry--paid")).to_be_visible()
    assert log(buyer) == ["Paid", "Order placed"]
    buyer.evaluate("window.sameDocument = true")

    number = re.search(r"BW-\d+", buyer.title())[0]
    staff = open_as_staff(browser, shop, number)
    staff.get_by_role("button", name="Mark as packed").click()
    expect(buyer.locator(".log__entry--packed")).to_be_visible()
    ship(staff, "GN 4711")
    expect(buyer.locator(".log__entry--shipped")).to_be_visible()
    expect(buyer.locator(".tracking__number")).to_have_text("GN 4711")
    assert log(buyer) == ["On its way", "Packed", "Paid", "Order placed"]
    assert buyer.evaluate("window.sameDocument"), "the page was loaded again"


def test_after_a_decline_a_good_card_pays_on_the_same_page(browser: Browser, shop: LiveShop) -> None:
    buyer = new_page(browser, shop)
    order_a_print(buyer)
    pay(buyer, DECLINED)
    expect(buyer.get_by_role("alert").filter(has_text="declined")).to_be_visible()
    pay(buyer, GOOD)
    buyer.wait_for_url("**/orders/**")
    expect(buyer.locator(".log__entry--paid")).to_be_visible()
    assert log(buyer) == ["Paid", "Payment declined", "Order placed"]


def test_a_bank_that_asks_back_is_answered(browser: Browser, shop: LiveShop) -> None:
    buyer = new_page(browser, shop)
    order_a_print(buyer)
    pay(buyer, CHALLENGED)
    challenge = buyer.frame_locator("dialog iframe")
    challenge.get_by_role("button", name="Complete").click()
    buyer.wait_for_url("**/orders/**")
    expect(buyer.locator(".log__entry--paid")).to_be_visible()


def test_a_page_that_slept_offline_catches_up(browser: Browser, shop: LiveShop) -> None:
    buyer = new_page(browser, shop)
    order_a_print(buyer)
    pay(buyer, GOOD)
    buyer.wait_for_url("**/orders/**")
    expect(buyer.locator(".log__entry--paid")).to_be_visible()
    staff = open_as_staff(browser, shop, re.search(r"BW-\d+", buyer.title())[0])
    buyer.context.set_offline(True)
    buyer.wait_for_timeout(500)  # until the worker that holds its socket has heard
    staff.get_by_role("button", name="Mark as packed").click()
    ship(staff, "GN 4712")
    expect(staff.get_by_text("GN 4712").first).to_be_visible()
    assert log(buyer) == ["Paid", "Order placed"]
    buyer.context.set_offline(False)
    expect(buyer.locator(".log__entry--shipped")).to_be_visible(timeout=40_000)
    assert log(buyer) == ["On its way", "Packed", "Paid", "Order placed"]


def test_a_card_that_was_kept_pays_without_its_number(browser: Browser, shop: LiveShop) -> None:
    buyer = new_page(browser, shop)
    sign_in(buyer, "/account/cards/")
    expect(buyer.get_by_text("No card kept.")).to_be_visible()
    buyer.get_by_role("link", name="Add a card").click()
    fill_card(buyer, GOOD)
    buyer.get_by_role("button", name="Keep this card").click()
    expect(buyer.locator("main strong").get_by_text("4242")).to_be_visible()

    order_a_print(buyer)
    expect(buyer.get_by_role("radio", name=re.compile("4242"))).to_be_checked()
    buyer.get_by_role("button", name=re.compile("^Pay .* with it$")).click()
    buyer.wait_for_url("**/orders/**")
    expect(buyer.locator(".log__entry--paid")).to_be_visible()
    assert log(buyer) == ["Paid", "Order placed"]

    buyer.goto("/account/cards/")
    buyer.get_by_role("button", name="Remove").click()
    expect(buyer.get_by_text("No card kept.")).to_be_visible()
