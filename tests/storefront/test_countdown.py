"""How long an unpaid order is held, on every page that says so: right at once, right after a sleep, and still."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from shop.orders.models import Order
from tests.live import live_shop

# The sum of what moved by itself on the page, as browsers count it.
SHIFTS = """() => new Promise((tell) => {
  let sum = 0;
  const watch = new PerformanceObserver((list) => list.getEntries().forEach((one) => (sum += one.value)));
  watch.observe({ type: "layout-shift", buffered: true });
  setTimeout(() => tell(sum), 1500);
})"""


def test_the_page_says_it_without_a_script_and_is_never_kept(client: Client, order: Order) -> None:
    Order.objects.update(reserved_until=timezone.now() + timedelta(minutes=12))
    for path in (order.get_absolute_url(), "/cart/"):
        page = client.get(path)
        assert f'<time datetime="{Order.objects.get().reserved_until.isoformat()}">' in page.text
        assert re.search(r'data-left aria-hidden="true">1[12]:\d\d left<', page.text)
        assert "no-store" in page.headers["Cache-Control"]


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_it_moves_nothing_and_is_right_when_a_sleeping_page_wakes(
    open_page: Callable[..., Page], order: Order
) -> None:
    Order.objects.update(reserved_until=timezone.now() + timedelta(minutes=20))
    with live_shop() as shop:
        still = open_page(shop.url + order.get_absolute_url(), width=390)
        for path in (order.get_absolute_url(), "/cart/"):
            still.goto(shop.url + path)
            expect(still.locator(".countdown__left")).to_be_visible()
            assert still.evaluate(SHIFTS) < 0.01  # a font that comes late is 0.002, a line of text 0.02

        page = open_page(shop.url + order.get_absolute_url(), width=390)
        page.clock.install()
        for path in (order.get_absolute_url(), f"/checkout/{order.public_id}/pay/", "/cart/"):
            Order.objects.update(reserved_until=timezone.now() + timedelta(minutes=20))
            page.goto(shop.url + path)
            left = page.locator(".countdown__left")
            assert left.inner_text().startswith(("20:00", "19:5"))
            page.clock.fast_forward(16 * 60_000)  # as when the lid was closed: timers fire once
            assert left.inner_text().startswith(("3:", "4:00"))
            expect(page.locator(".countdown--urgent")).to_be_visible()
            expect(page.get_by_role("status").get_by_text("4 minutes left.")).to_be_attached()
