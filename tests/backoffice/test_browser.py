"""The back office in a real Chromium: nothing is blocked by its content policy, and lists are live."""

import contextlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psutil
import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.db.models import F
from django.utils.crypto import get_random_string
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from shop.cart.models import Cart
from shop.catalog.models import Variant
from shop.desk.models import Presence
from shop.inventory.services import receive
from shop.orders.models import Order
from shop.orders.services import mark_paid
from shop.payments.models import Payment
from tests.browser import FLAGS, browser_path, chromium
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


@pytest.fixture(scope="module")
def shop(django_db_setup: None, django_db_blocker: Any) -> Iterator[LiveShop]:
    with django_db_blocker.unblock(), live_shop() as shop:
        yield shop


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, chromium() as browser:
        # Its driver keeps a loop in this thread; Django would take the fixtures beside it for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield browser


@pytest.fixture
def complaints() -> list[str]:
    """What the browser wrote to its console, blocked or could not fetch."""
    return []


@pytest.fixture
def page(
    browser: Browser, shop: LiveShop, paid_order: Order, complaints: list[str], aside: Aside
) -> Iterator[Page]:
    """The owner's; Maren is there too, with the same password."""
    aside(add_staff)
    context = browser.new_context(base_url=shop.url, viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    sign_in(page, "owner@example.com")
    yield page
    context.close()


def add_staff() -> None:
    password = make_password("a-long-passphrase", hasher="argon2")  # the served shop takes no weaker ones
    for name in ("Owner", "Maren"):
        email = f"{name.lower()}@example.com"
        User.objects.create(email=email, first_name=name, password=password, is_staff=True, is_superuser=True)


def sign_in(page: Page, email: str) -> None:
    page.goto("/admin/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill("a-long-passphrase")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_title(re.compile("Today"))


def is_browser(process: psutil.Process, mark: str) -> bool:
    """Whether it is the one that was started with this mark; what it starts by itself may carry the mark too."""
    with contextlib.suppress(psutil.Error):
        return mark in process.cmdline() and not any("--type=" in word for word in process.cmdline())
    return False


@pytest.fixture
def colleague(page: Page, shop: LiveShop) -> Iterator[tuple[Page, Callable[[], None]]]:
    """Maren's page in a browser of her own, and what kills that browser."""
    mark = f"--of-{get_random_string(12)}"
    browser = page.context.browser.browser_type.launch(executable_path=browser_path(), args=[*FLAGS, mark])
    # By the mark: other processes of the run begin and end beside it. What it starts looks like it for a moment.
    marked = [one for one in psutil.Process().children(recursive=True) if is_browser(one, mark)]
    hers = next(one for one in marked if one.parent() not in marked)

    def kill() -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in [*hers.children(recursive=True), hers]:
                process.kill()

    maren = browser.new_context(base_url=shop.url, locale="en-GB").new_page()
    maren.set_default_timeout(PATIENCE)
    sign_in(maren, "maren@example.com")
    yield maren, kill
    kill()


def test_every_kind_of_page_works_under_the_content_policy(
    page: Page, complaints: list[str], paid_order: Order, aside: Aside
) -> None:
    line = aside(paid_order.lines.select_related("variant").get)
    for path in (
        "/admin/",
        "/admin/feed/",
        "/admin/live/",
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
    steps.locator("summary", has_text="Refund an amount").click()
    form = steps.locator("details[open]")
    form.get_by_label("Amount").fill("1000")
    form.get_by_label("Reason").fill("A torn corner")
    form.get_by_role("button", name="Refund an amount").click()
    expect(steps).to_contain_text("Only €52.90 can still be given back.")
    form.get_by_label("Amount").fill("12.40")
    form.get_by_role("button", name="Refund an amount").click()
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


def test_colleagues_see_each_other_on_an_order_until_they_leave_or_die(
    page: Page,
    colleague: tuple[Page, Callable[[], None]],
    complaints: list[str],
    paid_order: Order,
    aside: Aside,
) -> None:
    maren, kill = colleague
    path = f"/admin/orders/order/{paid_order.pk}/change/"
    desk, marks = page.locator("#order-desk"), page.locator("#result_list .bo-initials")
    page.goto(path)
    expect(desk).to_be_hidden()
    maren.goto(path)
    expect(desk).to_contain_text(re.compile(r"Maren is on this order too, since \d\d:\d\d\."))
    expect(maren.locator("#order-desk")).to_contain_text("Owner is on this order too")

    page.goto("/admin/orders/order/")
    expect(marks).to_have_text(["M"])
    maren.goto("/admin/orders/order/")
    expect(marks).to_have_count(0, timeout=5000)  # at once, not when her time has run out
    maren.goto(path)
    expect(marks).to_have_text(["M"])

    page.goto(path)
    expect(desk).to_contain_text("Maren")
    kill()
    assert aside(Presence.objects.now().filter(user__first_name="Maren").count) == 1  # nobody said goodbye
    sooner = F("expires_at") - timedelta(seconds=24)
    aside(lambda: Presence.objects.filter(user__first_name="Maren").update(expires_at=sooner))
    expect(desk).to_be_hidden()
    assert complaints == []


def test_what_happens_comes_into_the_feed_by_itself(
    page: Page, complaints: list[str], paid_order: Order, make_variant: Callable[..., Variant], aside: Aside
) -> None:
    """In this order; between them may stand what the shop's own audit says."""
    variant = aside(lambda: make_variant(stock=4, title="Bell buoy"))
    page.goto("/admin/feed/")
    page.evaluate("window.same = true")
    feed = page.locator("#feed li")
    back, packed = f"Bell buoy can be had again. {variant.sku}, 4 left", f"{paid_order.number} was packed."
    low = f"Bell buoy runs low. {variant.sku}, 2 left"
    expect(feed).to_contain_text([back])
    aside(lambda: paid_order.move_to("packed"))
    expect(feed).to_contain_text([packed, back])
    aside(lambda: receive(variant, -2, "adjusted"))
    expect(feed).to_contain_text([low, packed, back])
    expect(page.get_by_role("status")).to_contain_text("Bell buoy low.")
    assert page.evaluate("window.same"), "the page was loaded again"
    assert complaints == []


def test_the_live_page_follows_what_sockets_do(page: Page, complaints: list[str]) -> None:
    page.goto("/admin/live/")
    row = page.locator("#processes tbody tr")
    expect(row.locator("[data-figure=sockets]")).to_have_text("0")
    page.evaluate(
        """window.held = [1, 2, 3].map(() => {
          const socket = new WebSocket(`ws://${location.host}/ws/notifications/`, "shop-notify.v1");
          socket.onopen = () => socket.send('{"t":"hello"}');
          return socket;
        })"""
    )
    expect(row).to_have_count(1)
    expect(row.locator("[data-figure=sockets]")).to_have_text("3")
    expect(row.locator("[data-figure=doors]")).to_have_text("3 by channels")
    expect(page.get_by_role("img", name=re.compile("^Open sockets: 3 now, at most 3 "))).to_be_visible()
    page.evaluate("window.held[0].send('nonsense'); window.held[1].close()")
    ends = re.compile(r"4506\s*not a frame of this protocol\s*1\s*gone")  # gone: also the page before
    expect(page.locator("#closes tbody")).to_have_text(ends)
    expect(row.locator("[data-figure=sockets]")).to_have_text("1")
    assert complaints == []
