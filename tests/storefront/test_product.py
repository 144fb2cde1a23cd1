"""A print's page: which variant is meant, what is left of it, with and without JavaScript, live."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from djmoney.money import Money
from playwright.sync_api import Page, expect

from shop.catalog.models import Attribute, Product, Variant
from shop.inventory.services import reserve
from shop.shipping.models import ShippingMethod
from shop.storefront.product import working_days_after
from tests.live import live_shop
from tests.storefront.test_home import MOST_BYTES, weight


@pytest.fixture
def ebb(shelf: Any) -> Any:
    """Small 30, large 50, oak 40 more; the large one in oak is gone, the small one in oak nearly."""
    product = shelf.print(
        "Ebb", shelf.swell, stock={"30x40/none": 9, "30x40/oak": 2, "50x70/none": 4, "50x70/oak": 0}
    )
    shelf.picture(product)
    return product


def chosen(page: Any) -> list[str]:
    return re.findall(r'value="([^"]+)" data-label="[^"]*" checked', page.text)


def test_the_first_that_can_be_bought_is_chosen(client: Client, shelf: Any) -> None:
    shelf.print("Ebb", shelf.swell, stock={"30x40/none": 0, "50x70/oak": 3})
    page = client.get("/products/ebb/")

    assert chosen(page) == ["50x70", "oak"]
    assert "€90.00" in page.text


def test_choices_in_the_address_choose_the_variant(client: Client, ebb: Any) -> None:
    page = client.get("/products/ebb/?size=30x40&frame=oak")
    variant = Variant.objects.get(sku="ebb-30x40-oak")

    assert chosen(page) == ["30x40", "oak"]
    assert "€70.00" in page.text
    assert "Only 2 left" in page.text
    assert f'name="variant" value="{variant.pk}"' in page.text
    assert 'data-frame="#b98d54"' in page.text


def test_nonsense_in_the_address_is_ignored(client: Client, ebb: Any) -> None:
    assert chosen(client.get("/products/ebb/?size=9x9&frame=gold&x=%00")) == ["30x40", "none"]


def test_a_combination_that_is_gone_can_be_seen_and_not_bought(client: Client, ebb: Any) -> None:
    page = client.get("/products/ebb/?size=50x70&frame=oak")

    assert "Sold out in this combination" in page.text
    assert re.search(r"<button[^>]* disabled>Sold out</button>", page.text)
    assert "All of this edition is gone" not in page.text


def test_a_print_that_is_wholly_gone_says_so_and_leads_on(client: Client, shelf: Any) -> None:
    shelf.print("Ebb", shelf.swell, stock={"30x40/none": 0})
    page = client.get("/products/ebb/")

    assert "All of this edition is gone" in page.text
    assert 'href="/categories/swell/">See others in Swell</a>' in page.text


def test_the_stock_line_tells_what_orders_hold(client: Client, ebb: Any) -> None:
    variant = Variant.objects.get(sku="ebb-30x40-none")
    with transaction.atomic():
        reserve("an-order", {variant.pk: 2}, timezone.now() + timedelta(minutes=30))

    assert "7 left, 2 set aside for orders" in client.get("/products/ebb/").text


def test_the_wall_shows_the_print_at_its_true_size(client: Client, ebb: Any) -> None:
    page = client.get("/products/ebb/?size=50x70&frame=none")

    assert re.search(r'<image [^>]*x="191" y="39" width="50" height="70"', page.text)
    assert "50 × 70 cm" in page.text


def test_story_and_particulars_are_told(client: Client, shelf: Any) -> None:
    product = shelf.print("Ebb", shelf.swell, story="The wind went round.\n\nThen it stopped.")
    year = Attribute.objects.create(code="year", name="Year", kind="number")
    product.attributes.create(attribute=year, number=2024)
    page = client.get("/products/ebb/")

    assert "<p>Then it stopped.</p>" in page.text
    assert "<dt>Year</dt><dd>2024</dd>" in page.text


def test_what_is_not_out_yet_is_not_found(client: Client, shelf: Any) -> None:
    shelf.print("Next year", shelf.swell, visible_from=timezone.now() + timedelta(days=1))

    assert client.get("/products/next-year/").status_code == 404
    assert client.get("/products/never/").status_code == 404


def test_delivery_counts_working_days() -> None:
    friday = date(2026, 3, 13)

    assert working_days_after(friday, 1) == date(2026, 3, 16)
    assert working_days_after(friday, 6) == date(2026, 3, 23)


def test_delivery_is_dated_and_priced(client: Client, full_shelf: Any) -> None:
    page = client.get("/products/ebb/?size=30x40&frame=none")

    assert "if ordered today" in page.text
    assert 'from <span class="money">€4.90</span>' in page.text
    assert "free of charge" in client.get("/products/ebb/?size=50x70&frame=oak").text


def test_what_is_fetched_is_no_delivery(client: Client, full_shelf: Any) -> None:
    ShippingMethod.objects.create(
        code="collect", name="Click & collect", price=Money(0, "EUR"), collected=True, everywhere=True
    )

    assert 'from <span class="money">€4.90</span>' in client.get("/products/ebb/?size=30x40&frame=none").text


@pytest.mark.parametrize("signed_in", [False, True])
def test_a_print_costs_at_most_fourteen_queries_and_100_kb(
    client: Client, full_shelf: Any, customer: Any, signed_in: bool, django_assert_max_num_queries: Any
) -> None:
    """With a cart, particulars, neighbours; the sections in the page's frame are remembered for a minute."""
    ebb = Product.objects.get(slug="ebb")
    for code in ("technique", "colours"):
        ebb.attributes.create(attribute=Attribute.objects.create(code=code, name=code), text="Plain")
    full_shelf.picture(ebb)
    if signed_in:
        client.force_login(customer)
    client.post("/cart/add/", {"variant": Variant.objects.first().pk, "quantity": 1})
    client.get("/products/first-light/")
    with django_assert_max_num_queries(14):
        page = client.get("/products/ebb/")

    assert "Cart, 1 item<" in page.text
    assert weight(page) <= MOST_BYTES


def test_a_print_opens_with_its_whole_and_offers_details_and_the_wall(
    client: Client, full_shelf: Any
) -> None:
    full_shelf.picture(Product.objects.get(slug="ebb"), size=(80, 80))
    page = client.get("/products/ebb/")
    picks = re.findall(r'<input type="radio" name="picture"[^>]*?( checked)?>', page.text)

    assert picks == [" checked", "", ""]
    assert page.text.count("data-framed") == 1


@pytest.mark.browser
def test_a_choice_shows_price_stock_and_frame_at_once(
    live_server: Any, ebb: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/products/ebb/")
    page.get_by_role("radio", name="Oak").check()

    expect(page.get_by_text("€70.00")).to_be_visible()
    expect(page.get_by_text("Only 2 left")).to_be_visible()
    expect(page.locator("[data-image]")).to_have_css("--frame", "rgb(185, 141, 84)")
    expect(page.get_by_role("radio", name="50 × 70 cm (sold out)")).to_be_visible()
    page.get_by_role("radio", name="50 × 70 cm").check()
    expect(page.get_by_role("button", name="Sold out")).to_be_disabled()
    expect(page.locator("image")).to_have_attribute("width", "50")
    assert page.url.endswith("?size=50x70&frame=oak")


@pytest.mark.browser
def test_choosing_and_adding_work_without_javascript(
    live_server: Any, ebb: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/products/ebb/", script=False)
    page.get_by_role("radio", name="Oak").check()
    page.get_by_role("button", name="Show this combination").click()
    expect(page.get_by_text("€70.00")).to_be_visible()
    page.get_by_role("button", name="Add to cart").click()

    expect(page).to_have_url(f"{live_server.url}/cart/")
    expect(page.get_by_text("Oak").first).to_be_visible()


@pytest.mark.browser
def test_adding_says_so_and_counts_without_leaving_the_page(
    live_server: Any, ebb: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/products/ebb/")
    page.get_by_label("Quantity").select_option("3")
    page.get_by_role("button", name="Add to cart").click()

    expect(page.get_by_role("link", name="See your cart")).to_be_visible()
    expect(page.get_by_role("link", name="Cart, 3 items")).to_be_visible()
    assert page.url.endswith("/products/ebb/")


@pytest.mark.browser
def test_the_print_can_be_looked_at_closely_by_keyboard(
    live_server: Any, ebb: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/products/ebb/")
    page.get_by_role("link", name="Look closer").press("Enter")

    close = page.get_by_role("dialog")
    expect(close.get_by_role("img", name="Ebb, seen from the pier")).to_be_visible()
    page.keyboard.press("Escape")
    expect(close).to_be_hidden()
    expect(page.get_by_role("link", name="Look closer")).to_be_focused()


@pytest.mark.browser
@pytest.mark.parametrize("script", [True, False])
def test_pictures_are_picked_by_keyboard_with_and_without_javascript(
    live_server: Any, ebb: Any, shelf: Any, open_page: Callable[..., Page], script: bool
) -> None:
    detail = shelf.picture(ebb, alt="Foam, up close", position=1)
    page = open_page(f"{live_server.url}/products/ebb/", script=script)
    stages, pictures = page.locator(".stage"), page.get_by_role("group", name="Pictures of this print")
    expect(stages.get_by_role("img")).to_have_accessible_name("Ebb, seen from the pier")
    pictures.get_by_role("radio", name="The whole print").focus()
    page.keyboard.press("ArrowRight")

    expect(stages.get_by_role("img")).to_have_accessible_name("Foam, up close")
    expect(page.get_by_role("link", name="Look closer")).to_have_attribute("href", detail.picture.url)
    page.keyboard.press("ArrowRight")
    expect(stages.get_by_role("img")).to_have_accessible_name(re.compile("on a wall at its true size"))
    expect(page.get_by_role("link", name="Look closer")).to_have_count(0)


@pytest.mark.browser
def test_a_variant_with_a_picture_of_its_own_shows_it(
    live_server: Any, ebb: Any, shelf: Any, open_page: Callable[..., Page]
) -> None:
    own = shelf.picture(ebb, alt="Ebb in oak", position=1)
    shelf.picture(ebb, alt="Foam, up close", position=2)
    Variant.objects.filter(sku="ebb-30x40-oak").update(image=own)
    page = open_page(f"{live_server.url}/products/ebb/")
    seen = page.locator(".stage").get_by_role("img")
    page.get_by_role("radio", name="Oak", exact=True).check()
    expect(seen).to_have_accessible_name("Ebb in oak")
    page.get_by_role("radio", name="Unframed").check()
    expect(seen).to_have_accessible_name("Ebb, seen from the pier")

    page.get_by_role("radio", name="Foam, up close").check()
    page.get_by_role("radio", name="50 × 70 cm").check()
    expect(seen).to_have_accessible_name("Foam, up close")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_stock_follows_what_others_buy(open_page: Callable[..., Page], ebb: Any) -> None:
    variant = Variant.objects.get(sku="ebb-30x40-none")
    with live_shop() as shop:
        page = open_page(f"{shop.url}/products/ebb/")
        expect(page.locator("[data-stock]")).to_have_text("9 left")
        other = open_page(f"{shop.url}/products/ebb/", script=False)
        other.get_by_role("button", name="Add to cart").click()
        reserve("an-order", {variant.pk: 6}, timezone.now() + timedelta(minutes=30))

        expect(page.locator("[data-stock]")).to_have_text(
            "Only 3 left, 6 set aside for orders", timeout=15_000
        )
