"""Every page of browsing, looked over by axe in light and dark, on a phone and on a desk; and by keyboard."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/products/",
    "/products/?frame=oak&price=to-40",
    "/categories/storm/",
    "/search/?q=ebb",
    "/search/?q=zzzz",
    "/products/ebb/",
    "/products/ebb/?size=50x70&frame=oak",
    "/products/the-eye/",
    "/delivery-and-returns/",
    "/terms/",
    "/about/",
    "/privacy/",
    "/contact/",
    "/accessibility/",
    "/nowhere/",
]


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 390), ("light", 1280), ("dark", 390), ("dark", 1280)]
)
def test_axe_finds_nothing(
    live_server: Any, full_shelf: Any, open_page: Callable[..., Page], scheme: str, width: int
) -> None:
    page = open_page(f"{live_server.url}/", scheme=scheme, width=width)
    for path in PAGES:
        page.goto(f"{live_server.url}{path}")
        if width < 1000 and page.locator("summary").count():
            page.locator("summary").click()
        report = Axe().run(page)

        assert report.violations_count == 0, f"{path}\n{report.generate_report()}"


def test_no_page_is_wider_than_a_narrow_phone(
    live_server: Any, full_shelf: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/", width=320)
    for path in PAGES:
        page.goto(f"{live_server.url}{path}")

        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path


def test_nothing_moves_while_a_page_arrives(
    live_server: Any, full_shelf: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/")
    page.add_init_script(
        "window.moved = 0; new PerformanceObserver((list) => { for (const one of list.getEntries()) "
        "window.moved += one.value; }).observe({ type: 'layout-shift', buffered: true });"
    )
    for path in ("/", "/products/", "/products/ebb/"):
        page.goto(f"{live_server.url}{path}", wait_until="networkidle")

        assert page.evaluate("window.moved") < 0.01, path


def test_the_first_stop_of_the_keyboard_skips_to_the_content(
    live_server: Any, full_shelf: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/products/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.get_by_label("Sort by")).to_be_focused()


def test_suggestions_and_their_field_satisfy_axe(
    live_server: Any, full_shelf: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/")
    page.get_by_role("combobox").press_sequentially("strike")
    expect(page.get_by_role("option")).to_have_count(1)
    report = Axe().run(page)

    assert report.violations_count == 0, report.generate_report()
