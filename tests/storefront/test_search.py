"""Searching: what is found, in which order, and how much misspelling it forgives. Run by both engines."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from playwright.sync_api import Page, expect

from shop.catalog import change_log, search_index
from shop.catalog.models import Attribute, Category, Product, ProductAttribute
from shop.catalog.search import search, suggest


@pytest.fixture
def prints(shelf: Any) -> Any:
    lights = Category.objects.add_root({"name": "Lights", "slug": "lights"})
    shelf.print("Outer skerry", lights, story="A lighthouse in fog.", artist="Maren Solberg")
    shelf.print("Lighthouse keeper", lights, artist="Tomás Quill")
    shelf.print(
        "Squall line", shelf.storm, story="Rain over a lighthouse far away, and over the lighthouse keeper."
    )
    shelf.print("Ebb", shelf.swell, subtitle="Waves running out", story="Nothing but water and foam.")
    return shelf


def found(query: str) -> list[str]:
    return [product.title for product in search(query, Product.objects.visible())]


def test_a_word_in_the_title_counts_more_than_one_in_the_story(prints: Any) -> None:
    assert found("lighthouse")[0] == "Lighthouse keeper"
    assert set(found("lighthouse")) == {"Lighthouse keeper", "Outer skerry", "Squall line"}


def test_all_words_must_be_there(prints: Any) -> None:
    assert found("lighthouse fog") == ["Outer skerry"]


@pytest.mark.parametrize("query", ["lightho", "LIGHTHOUSES", "  lighthouse  "])
def test_beginnings_plurals_and_capitals_do_not_matter(prints: Any, query: str) -> None:
    assert found(query)[0] == "Lighthouse keeper"


@pytest.mark.parametrize("query", ["lighthuose", "lihgthouse", "lighthose", "lightouse keper", "lighthuo"])
def test_misspelt_words_are_understood(prints: Any, query: str) -> None:
    assert found(query)[0] == "Lighthouse keeper"


def test_short_words_may_be_misspelt_too(prints: Any) -> None:
    assert found("strom") == ["Squall line"]
    assert found("waevs") == ["Ebb"]


def test_artist_series_and_particulars_are_searched(prints: Any) -> None:
    technique = Attribute.objects.create(code="technique", name="Technique")
    Product.objects.get(slug="ebb").attributes.create(attribute=technique, text="Linocut")

    assert found("solberg") == ["Outer skerry"]
    assert found("storm") == ["Squall line"]
    assert found("linocut") == ["Ebb"]


@pytest.mark.parametrize("query", ["tomas", "Tomás", "tomás quill"])
def test_accents_do_not_matter(prints: Any, query: str) -> None:
    assert found(query) == ["Lighthouse keeper"]


def test_a_product_in_a_lower_category_is_found_under_the_upper_ones_name(prints: Any) -> None:
    below = Category.objects.add_child(prints.swell, {"name": "Night", "slug": "night"})
    prints.print("Moon road", below)

    assert set(found("swell")) == {"Ebb", "Moon road"}


@pytest.mark.parametrize(
    "query", ["", "   ", "!?*", "'\"", "-- ; DROP", "a" * 300, "(", "NEAR(", "lighthouse AND", "\\"]
)
def test_no_query_breaks_it(prints: Any, query: str) -> None:
    assert isinstance(found(query), list)


def test_only_what_the_public_may_see_is_found(prints: Any) -> None:
    Product.objects.filter(slug="ebb").update(
        visible_until="2020-01-01T00:00:00Z", visible_from="2019-01-01T00:00:00Z"
    )

    assert found("ebb") == []


def test_the_index_follows_bulk_changes_of_any_kind(prints: Any) -> None:
    ebb = Product.objects.get(slug="ebb")
    Product.objects.filter(pk=ebb.pk).update(title="Spring tide")
    assert found("spring") == ["Spring tide"]
    assert found("ebb") == []

    made = Product.objects.bulk_create(
        [Product(category=prints.swell, title=f"Gannet {n}", slug=f"g{n}") for n in "12"]
    )
    assert len(found("gannet")) == 2
    kind = Attribute.objects.create(code="bird", name="Bird")
    facts = ProductAttribute.objects.bulk_create(
        [ProductAttribute(product=made[0], attribute=kind, text="Cormorant")]
    )
    assert found("cormorant") == ["Gannet 1"]
    facts[0].delete()
    assert found("cormorant") == []

    Category.objects.filter(pk=prints.storm.pk).update(name="Tempest")
    assert found("tempest") == ["Squall line"]
    Product.objects.filter(slug__in=["g1", "g2"]).delete()
    assert found("gannet") == []


@pytest.mark.django_db(transaction=True)
def test_the_index_survives_a_migration_that_rebuilds_the_products_table(prints: Any) -> None:
    """SQLite rebuilds a table to change a column, and would refuse while a trigger elsewhere mentions it."""
    title = Product._meta.get_field("title")
    longer = title.clone()
    longer.max_length = 140
    longer.set_attributes_from_name("title")
    for old, new in ((title, longer), (longer, title)):
        for triggers in (search_index, change_log):
            triggers.take_down("default")
        with connection.schema_editor() as editor:
            editor.alter_field(Product, old, new)
        for triggers in (search_index, change_log):
            triggers.put_up("default")

    assert found("lighthouse")[0] == "Lighthouse keeper"
    Product.objects.filter(slug="ebb").update(title="Spring tide")
    assert found("spring") == ["Spring tide"]


def test_suggestions_name_series_first_and_lead_there(prints: Any) -> None:
    first, *others = suggest("light")

    assert (first.label, first.note, first.url) == ("Lights", "Series", "/categories/lights/")
    assert "Lighthouse keeper" in [one.label for one in others]
    assert suggest(" ") == []
    assert len(suggest("l", limit=2)) <= 2


def test_the_page_ranks_narrows_and_keeps_the_query(client: Client, prints: Any) -> None:
    page = client.get("/search/", {"q": "lighthouse", "category": "storm"})

    assert "Prints for “lighthouse”" in page.text
    assert "Squall line" in page.text
    assert "Outer skerry" not in page.text
    assert '<input type="hidden" name="q" value="lighthouse">' in page.text


def test_the_page_without_a_find_offers_a_way_on(client: Client, prints: Any) -> None:
    page = client.get("/search/", {"q": "zzzz<b>"})

    assert "Nothing in sight for “zzzz&lt;b&gt;”" in page.text
    assert ">See all prints</a>" in page.text


def test_the_page_costs_at_most_ten_queries_even_when_misspelt(
    client: Client, prints: Any, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(10):
        client.get("/search/", {"q": "lighthuose keper", "size": "30x40"})


@pytest.mark.browser
def test_suggestions_can_be_taken_by_keyboard(
    live_server: Any, prints: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/")
    field = page.get_by_role("combobox", name="Search the prints")
    field.press_sequentially("lighthuo")

    expect(page.get_by_role("option", name="Lighthouse keeper")).to_be_visible()
    field.press("ArrowDown")
    expect(page.get_by_role("option", selected=True)).to_have_count(1)
    field.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    field.fill("keeper")
    expect(page.get_by_role("option", name="Lighthouse keeper")).to_be_visible()
    field.press("ArrowDown")
    field.press("Enter")
    expect(page).to_have_url(f"{live_server.url}/products/lighthouse-keeper/")


@pytest.mark.browser
def test_a_list_that_was_closed_stays_closed_whatever_was_asked_before(
    live_server: Any, prints: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/")
    field = page.get_by_role("combobox", name="Search the prints")
    field.press_sequentially("light")
    expect(page.get_by_role("option", name="Lighthouse keeper")).to_be_visible()
    field.press_sequentially("h")
    field.press("Escape")
    page.wait_for_timeout(600)
    expect(page.get_by_role("listbox")).to_be_hidden()


@pytest.mark.browser
def test_the_field_is_a_plain_form_without_javascript(
    live_server: Any, prints: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/", script=False)
    page.get_by_label("Search the prints").fill("ebb")
    page.get_by_role("button", name="Search").click()

    expect(page.get_by_role("heading", name="Ebb", exact=True)).to_be_visible()
