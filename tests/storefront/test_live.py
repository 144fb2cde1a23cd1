"""Pages that show a product follow it: its price and stock on its own page, and on cards while they are in view."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from djmoney.money import Money
from playwright.sync_api import Locator, Page, expect

from notifications.services import relay
from shop.catalog.models import Product, Variant
from shop.inventory.services import receive, release, reserve
from tests.live import live_shop

SOON = 15_000


def test_a_card_says_where_its_product_stands_and_what_it_knows_of_it(client: Client, shelf: Any) -> None:
    ebb = shelf.print("Ebb's <end>", shelf.swell, slug="ebb", stock={"30x40/none": 3, "50x70/none": 9})
    reserve("an-order", {ebb.variants.first().pk: 1}, None)
    relay()
    page = client.get("/products/")

    assert 'data-stream="product:ebb"' in page.text
    assert 'data-offset="1" data-follow="in-view"' in page.text
    assert """data-variants='{"ebb-30x40-none":[2,"30",2],"ebb-50x70-none":[9,"50",9]}'""" in page.text


def test_what_a_card_knows_cannot_leave_its_attribute(client: Client, shelf: Any) -> None:
    variant = shelf.print("Ebb", shelf.swell, stock={"30x40/none": 3}).variants.get()
    Variant.objects.filter(pk=variant.pk).update(sku="""A'B"<c>&""")

    assert (
        r"""data-variants='{"A\u0027B\"\u003cc\u003e\u0026":[3,"30",3]}'""" in client.get("/products/").text
    )


def until(page: Page, true: Callable[[], bool]) -> None:
    for _ in range(SOON // 50):
        if true():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it never became true")


def card(page: Page, title: str) -> Locator:
    return page.locator(".card", has=page.get_by_role("heading", name=title))


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_price_and_stock_change_on_a_list_and_on_the_print_s_page(
    open_page: Callable[..., Page], shelf: Any
) -> None:
    ebb = shelf.print("Ebb", shelf.swell, stock={"30x40/none": 6, "50x70/none": 6})
    small, large = ebb.variants.order_by("price")
    with live_shop() as shop:
        own, listing = open_page(f"{shop.url}/products/ebb/"), open_page(f"{shop.url}/products/")
        on_card, note = card(listing, "Ebb"), own.locator("[data-repriced]")
        expect(on_card).to_contain_text("from €30.00")
        expect(note).to_have_text("")

        small.price = Money("54.50", "EUR")
        small.save()
        expect(own.locator("[data-price]")).to_have_text("€54.50", timeout=SOON)
        expect(note).to_have_text("The price changed just now. It was €30.00, it is €54.50.")
        # Now the other one is the cheapest, which no event has told.
        expect(on_card).to_contain_text("from €50.00", timeout=SOON)

        reserve("an-order", {small.pk: 4, large.pk: 3}, None)
        expect(own.locator("[data-stock]")).to_have_text("Only 2 left, 4 set aside for orders", timeout=SOON)
        expect(on_card).to_contain_text("Few left", timeout=SOON)
        reserve("another", {small.pk: 2, large.pk: 3}, None)
        expect(on_card).to_contain_text("Sold out", timeout=SOON)
        expect(own.get_by_role("button", name="Sold out")).to_be_disabled(timeout=SOON)

        receive(small, 40)
        Product.objects.filter(pk=ebb.pk).update(visible_until=timezone.now())
        expect(on_card).to_contain_text("No longer for sale", timeout=SOON)
        expect(own.get_by_role("button", name="Not for sale")).to_be_disabled(timeout=SOON)
        Product.objects.filter(pk=ebb.pk).update(visible_until=None)
        expect(own.get_by_role("button", name="Add to cart")).to_be_enabled(timeout=SOON)
        expect(on_card).to_contain_text("from €50.00")
        expect(on_card.locator("[data-mark]")).to_have_text("")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_card_out_of_view_asks_for_nothing_and_catches_up_when_it_comes(
    open_page: Callable[..., Page], shelf: Any
) -> None:
    prints = [shelf.print(f"No {number}", shelf.swell, stock={"30x40/none": 20}) for number in range(24)]
    last = prints[-1].variants.get()
    with live_shop() as shop:
        page, said = open_page(f"{shop.url}/about/"), []
        page.add_init_script("delete globalThis.SharedWorker")  # so that the page itself holds the socket
        page.on("websocket", lambda socket: socket.on("framesent", lambda frame: said.append(str(frame))))
        page.goto(f"{shop.url}/products/")
        on_last = card(page, "No 23")
        Variant.objects.filter(pk=prints[0].variants.get().pk).update(price=12)
        reserve("all", {last.pk: 20}, None)
        expect(card(page, "No 0")).to_contain_text("from €12.00", timeout=SOON)
        assert any("product:no-0" in frame for frame in said)
        assert not any("product:no-23" in frame for frame in said)

        on_last.scroll_into_view_if_needed()
        expect(on_last).to_contain_text("Sold out", timeout=SOON)
        page.evaluate("scrollTo(0, 0)")
        until(page, lambda: any("unsub" in frame and "product:no-23" in frame for frame in said))
        release("all")
        on_last.scroll_into_view_if_needed()
        expect(on_last.locator("[data-mark]")).to_have_text("", timeout=SOON)
        asked = [frame for frame in said if '"sub"' in frame and "product:no-23" in frame]
        assert len(asked) == 2
        assert '"o":0' in asked[0]
        assert '"o":0' not in asked[1], "it went on from where it stopped"
