"""The front page: what it shows, what it costs."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.db import transaction
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from notifications.inbox import mark_read
from notifications.services import notify
from tests.live import live_shop

MOST_BYTES = 100_000


def weight(page: Any) -> int:
    """HTML, styles and scripts in bytes as they are, before any compression."""
    paths = re.findall(r'(?:<script src|<link rel="stylesheet" href)="/static/([^"]+)"', page.text)
    assert paths
    files = {Path(finders.find(path)) for path in paths}
    return len(page.content) + sum(file.stat().st_size for file in files | modules(files))


def modules(files: set[Path]) -> set[Path]:
    """Those that these import, and so on."""
    names = {
        file.parent / name for file in files for name in re.findall(r' from "\./([^"]+)";', file.read_text())
    }
    return names | modules(names) if names else names


def test_the_front_page_hangs_the_first_print_large_and_all_series(client: Client, full_shelf: Any) -> None:
    page = client.get("/")

    assert 'alt="Ebb, seen from the pier"' in page.text
    assert page.text.count('fetchpriority="high"') == 1
    assert re.search(r'<a href="/categories/swell/">Swell</a></h3>', page.text)
    assert re.search(r'<a href="/categories/storm/">Storm</a></h3>', page.text)


def test_the_front_page_of_an_empty_shop_still_stands(client: Client, db: None) -> None:
    page = client.get("/")

    assert page.status_code == 200
    assert "The morning after the storm" in page.text


def test_a_print_that_is_not_out_yet_is_not_on_the_front_page(client: Client, full_shelf: Any) -> None:
    full_shelf.print("Next year", full_shelf.swell, visible_from=timezone.now() + timedelta(days=1))

    assert "Next year" not in client.get("/").text


def test_the_front_page_costs_at_most_thirteen_queries_and_100_kb(
    client: Client, full_shelf: Any, customer: Any, django_assert_max_num_queries: Any
) -> None:
    client.force_login(customer)
    with django_assert_max_num_queries(13):
        page = client.get("/")

    assert weight(page) <= MOST_BYTES


@pytest.mark.parametrize(
    "path", ["/delivery-and-returns/", "/terms/", "/about/", "/privacy/", "/contact/", "/accessibility/"]
)
def test_the_pages_of_the_house_can_be_read(client: Client, full_shelf: Any, path: str) -> None:
    page = client.get(path)

    assert page.status_code == 200
    assert page.text.count("<h1>") == 1


def test_the_delivery_page_names_our_own_ways_and_their_price(client: Client, full_shelf: Any) -> None:
    page = client.get("/delivery-and-returns/")

    assert "Tube by post" in page.text
    assert "€4.90" in page.text


def test_the_header_counts_what_is_in_the_cart(client: Client, full_shelf: Any) -> None:
    assert "Cart, 0 items" in client.get("/").text
    variant = full_shelf.swell.products.first().variants.first()
    client.post("/cart/add/", {"variant": variant.pk, "quantity": 2})

    assert "Cart, 2 items" in client.get("/").text


def test_the_sandbox_says_so_on_every_page_until_there_are_real_keys(
    client: Client, full_shelf: Any, settings: Any
) -> None:
    assert "no real card is charged" in client.get("/").text
    settings.SANDBOX = False

    assert "no real card is charged" not in client.get("/").text


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_bell_counts_what_arrives_while_the_page_is_open(
    open_page: Callable[..., Page], client: Client, customer: Any, settings: Any
) -> None:
    client.force_login(customer)
    with live_shop(SECRET_KEY=settings.SECRET_KEY) as shop:
        page = open_page(f"{shop.url}/", session=client.cookies["sessionid"].value)
        expect(page.get_by_role("link", name="Notifications, 0 unread")).to_be_visible()
        with transaction.atomic():
            notify(f"user:{customer.pk}", "order.paid", title="Your order is paid")
        expect(page.get_by_role("link", name="Notifications, 1 unread")).to_be_visible(timeout=15_000)
        with transaction.atomic():
            notify(f"user:{customer.pk}", "order.shipped", title="Your order is on its way")
        mark_read(customer, 1)
        expect(page.get_by_role("link", name="Notifications, 1 unread")).to_be_visible(timeout=15_000)
        mark_read(customer, 2)

        expect(page.get_by_role("link", name="Notifications, 0 unread")).to_be_visible(timeout=15_000)
        told = page.get_by_text("You were signed out.")
        expect(told).to_be_hidden()
        client.logout()
        expect(told).to_be_visible(timeout=15_000)
