"""The back office in a real Chromium: nothing is blocked by its content policy, and lists are live."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection
from playwright.sync_api import Page, expect

from accounts.models import User
from shop.cart.models import Cart
from shop.catalog.models import Variant
from shop.orders.models import Order
from shop.orders.services import mark_paid
from shop.payments.models import Payment
from tests.browser import chromium
from tests.live import LiveShop, live_shop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
PATIENCE = 15_000
expect.set_options(timeout=PATIENCE)

Aside = Callable[..., Any]


@pytest.fixture
def aside() -> Iterator[Aside]:
    """Runs database work in a thread: the browser's driver keeps an event loop in this one."""
    with ThreadPoolExecutor(1) as pool:

        def run(work: Callable[..., Any], *args: Any) -> Any:
            return pool.submit(work, *args).result(20)

        yield run
        run(lambda: connection.close())


@pytest.fixture
def shop(paid_order: Order) -> Iterator[LiveShop]:
    password = make_password("a-long-passphrase", hasher="argon2")  # the served shop takes no weaker ones
    User.objects.create(email="owner@example.com", password=password, is_staff=True, is_superuser=True)
    with live_shop() as shop:
        yield shop


@pytest.fixture
def complaints() -> list[str]:
    """What the browser wrote to its console, blocked or could not fetch."""
    return []


@pytest.fixture
def page(shop: LiveShop, complaints: list[str]) -> Iterator[Page]:
    with chromium() as browser:
        context = browser.new_context(
            base_url=shop.url, viewport={"width": 1440, "height": 900}, locale="en-GB"
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/admin/")
        page.get_by_label("E-mail address").fill("owner@example.com")
        page.get_by_label("Password").fill("a-long-passphrase")
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_title(re.compile("Today"))
        yield page


def test_every_kind_of_page_works_under_the_content_policy(
    page: Page, complaints: list[str], paid_order: Order, aside: Aside
) -> None:
    line = aside(paid_order.lines.select_related("variant").get)
    for path in (
        "/admin/",
        "/admin/orders/order/",
        f"/admin/orders/order/{paid_order.pk}/change/",
        "/admin/inventory/stock/",
        f"/admin/inventory/stock/{line.variant_id}/change/",
        "/admin/catalog/product/",
        f"/admin/catalog/product/{line.variant.product_id}/change/",
        "/admin/catalog/category/add/",
        "/admin/shipping/shippingmethod/add/",
        "/admin/accounts/user/add/",
        "/admin/auth/group/add/",
    ):
        for width in (1440, 820):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(path)
            expect(page.locator("#main")).to_be_visible()
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} is {wide} px wide on a screen of {width}"
            assert complaints == [], path


def test_a_new_order_comes_into_the_list_by_itself(
    page: Page,
    complaints: list[str],
    aside: Aside,
    paid_order: Order,
    place: Callable[..., Order],
    make_cart: Callable[..., Cart],
    make_variant: Callable[..., Variant],
) -> None:
    page.goto("/admin/orders/order/")
    expect(page.locator("#result_list tbody")).to_have_count(1)
    page.evaluate("window.same = true")
    order = aside(lambda: place(make_cart(make_variant()), email="ada@example.com"))
    new = page.locator("#result_list tbody", has_text=order.number)
    expect(new).to_contain_text("Awaiting payment")
    expect(page.get_by_role("status")).to_contain_text(f"{order.number} placed.")

    aside(mark_paid, order)
    expect(new).to_contain_text("Paid")
    new.locator(".action-select").check()
    expect(page.locator("#changelist-actions")).to_be_visible()  # rows that came later can be selected too
    aside(lambda: place(make_cart(make_variant())))
    page.wait_for_timeout(1500)
    expect(new.locator(".action-select")).to_be_checked()  # nothing is exchanged under somebody's hands
    new.locator(".action-select").uncheck()
    expect(page.locator("#result_list tbody")).to_have_count(3)
    expect(new.locator(".action-select")).to_be_focused()
    assert page.evaluate("window.same"), "the page was loaded again"
    assert complaints == []


def test_an_order_is_packed_shipped_and_refunded_on_its_page(
    page: Page, paid_order: Order, aside: Aside
) -> None:
    page.goto(f"/admin/orders/order/{paid_order.pk}/change/")
    page.get_by_role("button", name="Mark as packed").click()
    expect(page.get_by_text(f"{paid_order.number}: packed.")).to_be_visible()
    steps = page.locator("#order-steps")
    steps.locator("summary", has_text="Ship").click()
    steps.get_by_label("Carrier").fill("Gannet")
    steps.get_by_label("Tracking number").fill("GN 4711")
    steps.get_by_role("button", name="Ship").click()
    expect(page.locator("#order-facts")).to_contain_text("GN 4711")
    steps.locator("summary", has_text="Refund").click()
    steps.get_by_label("Amount").fill("1000")
    steps.get_by_label("Reason").fill("A torn corner")
    steps.get_by_role("button", name="Refund").click()
    expect(steps).to_contain_text("Only €52.90 can still be given back.")
    steps.get_by_label("Amount").fill("12.40")
    steps.get_by_role("button", name="Refund").click()
    expect(page.locator("#order-log")).to_contain_text("A torn corner")
    refund = aside(lambda: Payment.objects.get().refunds.get())
    assert str(refund.amount) == "€12.40"


def test_what_others_do_to_an_order_shows_while_it_is_open(
    page: Page, paid_order: Order, aside: Aside
) -> None:
    page.goto(f"/admin/orders/order/{paid_order.pk}/change/")
    page.locator("summary", has_text="Cancel order").click()
    page.get_by_label("Reason").last.fill("Ordered twice")
    aside(lambda: Order.objects.get(pk=paid_order.pk).move_to("packed", why="by a colleague"))
    expect(page.locator("#order-log")).to_contain_text("by a colleague")
    expect(page.get_by_label("Reason").last).to_have_value("Ordered twice")
