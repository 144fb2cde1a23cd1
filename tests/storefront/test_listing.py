"""Lists of prints: narrowing, counting, sorting, turning pages; by plain links and live."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from shop.catalog.models import Category


def titles(page: Any) -> list[str]:
    return re.findall(r'class="card__title"><a [^>]*>([^<]+)</a>', page.text)


def counts(page: Any, facet: str) -> dict[str, int]:
    found = re.findall(rf'name="{facet}" value="([^"]+)".*?</span>(\d+)<span', page.text, re.DOTALL)
    return {code: int(count) for code, count in found}


@pytest.fixture
def mixed(shelf: Any) -> Any:
    """Prices: small 30, large 50; oak adds 40."""
    shelf.print("Ebb", shelf.swell, stock={"30x40/none": 3, "50x70/none": 0})
    shelf.print("First light", shelf.swell, stock={"30x40/oak": 3})
    shelf.print("Strike", shelf.storm, stock={"50x70/oak": 3})
    shelf.print("Waterspout", shelf.storm, stock={"30x40/none": 0})
    return shelf


def test_a_list_shows_each_print_with_its_lowest_price(client: Client, mixed: Any) -> None:
    page = client.get("/products/")

    assert titles(page) == ["Ebb", "First light", "Strike", "Waterspout"]
    assert "€30.00" in page.text
    assert "4 prints" in page.text


def test_a_list_marks_what_is_nearly_or_wholly_gone(client: Client, shelf: Any) -> None:
    shelf.print("Plenty", shelf.swell, stock={"30x40/none": 40})
    assert "Few left" not in client.get("/products/").text
    shelf.print("Scarce", shelf.swell, stock={"30x40/none": 2})
    shelf.print("Gone", shelf.swell, stock={"30x40/none": 0})
    page = client.get("/products/")

    assert page.text.count("Few left") == 1
    assert page.text.count(">Sold out<") == 1


def test_choices_of_one_facet_widen_and_of_two_facets_narrow(client: Client, mixed: Any) -> None:
    assert titles(client.get("/products/?size=30x40")) == ["Ebb", "First light", "Waterspout"]
    assert titles(client.get("/products/?size=30x40&size=50x70")) == [
        "Ebb",
        "First light",
        "Strike",
        "Waterspout",
    ]
    assert titles(client.get("/products/?size=30x40&frame=oak")) == ["First light"]
    assert titles(client.get("/products/?size=30x40&category=storm")) == ["Waterspout"]


def test_what_is_chosen_must_be_one_variant_not_several(client: Client, mixed: Any) -> None:
    """Ebb exists large and exists in stock, but not large in stock."""
    assert titles(client.get("/products/?size=50x70&stock=in")) == ["Strike"]
    assert titles(client.get("/products/?price=50-90&stock=in")) == ["First light"]


def test_counts_ignore_the_facets_own_choice_and_heed_all_others(client: Client, mixed: Any) -> None:
    page = client.get("/products/?size=30x40&frame=none")

    assert titles(page) == ["Ebb", "Waterspout"]
    assert counts(page, "size") == {"30x40": 2, "50x70": 1}
    assert counts(page, "frame") == {"none": 2, "oak": 1}
    assert counts(page, "category") == {"swell": 1, "storm": 1}
    assert counts(page, "stock") == {"in": 1}
    assert counts(page, "price") == {"to-50": 2, "50-90": 0, "90-150": 0, "from-150": 0}


def test_each_count_is_what_choosing_it_gives(client: Client, mixed: Any) -> None:
    page = client.get("/products/?frame=oak")
    for facet in ("size", "category", "price", "stock"):
        for code, count in counts(page, facet).items():
            assert len(titles(client.get(f"/products/?frame=oak&{facet}={code}"))) == count


def test_a_print_nobody_can_buy_is_not_listed(client: Client, shelf: Any) -> None:
    shelf.print("Drawn only", shelf.swell, stock={})
    page = client.get("/products/")

    assert titles(page) == []
    assert "Nothing in sight" in page.text


def test_sorting(client: Client, mixed: Any) -> None:
    assert titles(client.get("/products/?sort=price"))[-1] == "Strike"
    assert titles(client.get("/products/?sort=-price"))[0] == "Strike"
    assert titles(client.get("/products/?sort=title")) == ["Ebb", "First light", "Strike", "Waterspout"]
    assert titles(client.get("/products/?sort=newest")) == ["Waterspout", "Strike", "First light", "Ebb"]


@pytest.mark.parametrize(
    "query", ["sort=;drop", "page=x", "page=99", "size=9x9", "price=%00", "category=nope", "stock=1"]
)
def test_what_makes_no_sense_is_ignored(client: Client, mixed: Any, query: str) -> None:
    assert len(titles(client.get(f"/products/?{query}"))) == 4


def test_pages_keep_the_choices(client: Client, shelf: Any) -> None:
    for number in range(30):
        shelf.print(f"No {number}", shelf.swell, stock={"30x40/none": 1})
    first = client.get("/products/?size=30x40&sort=title")

    assert len(titles(first)) == 24
    assert 'href="?size=30x40&amp;sort=title&amp;page=2"' in first.text
    assert len(titles(client.get("/products/?size=30x40&sort=title&page=2"))) == 6


def test_a_list_costs_the_same_few_queries_whatever_its_length(
    client: Client,
    shelf: Any,
    customer: Any,
    django_assert_max_num_queries: Any,
    django_assert_num_queries: Any,
) -> None:
    client.force_login(customer)
    shelf.picture(shelf.print("Ebb", shelf.swell))
    with django_assert_max_num_queries(11) as few:
        client.get("/products/?size=30x40&price=to-50&stock=in&category=swell")
    for number in range(30):
        shelf.picture(shelf.print(f"No {number}", shelf.swell))
    with django_assert_num_queries(len(few)):
        client.get("/products/?size=30x40&price=to-50&stock=in&category=swell")


def test_a_category_shows_its_own_and_what_is_below_it(client: Client, shelf: Any) -> None:
    night = Category.objects.add_child(shelf.swell, {"name": "Night swell", "slug": "night-swell"})
    shelf.print("Ebb", shelf.swell)
    shelf.print("Moon road", night)
    shelf.print("Strike", shelf.storm)
    page = client.get("/categories/swell/")

    assert titles(page) == ["Ebb", "Moon road"]
    assert counts(page, "category") == {"night-swell": 1}
    assert titles(client.get("/categories/swell/?category=night-swell")) == ["Moon road"]
    assert titles(client.get("/categories/night-swell/")) == ["Moon road"]
    assert client.get("/categories/nowhere/").status_code == 404


def test_a_category_costs_at_most_eleven_queries(
    client: Client, full_shelf: Any, customer: Any, django_assert_max_num_queries: Any
) -> None:
    client.force_login(customer)
    with django_assert_max_num_queries(11):
        client.get("/categories/storm/")


def test_nothing_fits_offers_to_clear_the_choices(client: Client, mixed: Any) -> None:
    page = client.get("/products/?frame=oak&price=to-50")

    assert "No print is all of that at once" in page.text
    assert '<a class="button button--solid" href="/products/">Clear the choices</a>' in page.text


@pytest.mark.browser
def test_a_choice_narrows_the_list_at_once_and_back_undoes_it(
    live_server: Any, mixed: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/products/")
    page.get_by_label("Storm").focus()
    page.keyboard.press("Space")

    expect(page.get_by_role("status").filter(has_text="2 prints")).to_be_visible()
    expect(page.get_by_role("heading", name="Ebb")).to_have_count(0)
    expect(page.get_by_label("Storm")).to_be_focused()
    assert "category=storm" in page.url
    page.go_back()
    expect(page.get_by_role("heading", name="Ebb")).to_be_visible()
    expect(page.get_by_label("Storm")).not_to_be_checked()


@pytest.mark.browser
def test_narrowing_works_without_javascript(
    live_server: Any, mixed: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/products/", script=False)
    page.get_by_label("Storm").check()
    page.get_by_role("button", name="Show these prints").click()

    expect(page.get_by_role("status").filter(has_text="2 prints")).to_be_visible()
    assert "category=storm" in page.url
