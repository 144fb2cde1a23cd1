"""Narrowing, sorting and counting, as the storefront's lists do."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from djmoney.money import Money

from shop.catalog.models import Category, Option, OptionValue, Product, Variant
from shop.inventory.services import receive

pytestmark = pytest.mark.django_db
PRODUCTS, FACETS = "/api/v1/products/", "/api/v1/facets/"


@pytest.fixture
def prints(category: Category, make_variant: Callable[..., Variant]) -> dict[str, Product]:
    """Small and large ones; the large cost 20 more. `strike` is in another series, `waterspout` is gone."""
    storm = Category.objects.add_root({"name": "Storm", "slug": "storm"})
    made = {}
    for slug, price, stock in (
        ("ebb", 30, 3),
        ("long-fetch", 60, 3),
        ("strike", 140, 3),
        ("waterspout", 30, 0),
    ):
        made[slug] = make_variant(slug=slug, title=slug.title(), price=str(price), stock=stock).product
    Product.objects.filter(slug__in=["strike", "waterspout"]).update(category=storm)
    size = Option.objects.get(code="size")
    large = OptionValue.objects.create(option=size, code="50x70", label="50 × 70 cm")
    bigger = made["ebb"].variants.create(sku="EBB-L", price=Money(50, "EUR"), weight_g=900)
    bigger.values.add(large)
    receive(bigger, 1)
    receive(bigger, -1, "adjusted")
    return made


def slugs(client: Client, query: str = "") -> list[str]:
    answer = client.get(PRODUCTS + query)
    assert answer.status_code == 200, answer.content
    return [product["slug"] for product in answer.json()["results"]]


def counts(client: Client, query: str = "") -> dict[str, dict[str, int]]:
    shown = client.get(FACETS + query).json()["facets"]
    return {facet["code"]: {one["value"]: one["count"] for one in facet["choices"]} for facet in shown}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?options=size:50x70", {"ebb"}),
        ("?options=size:50x70,size:30x40", {"ebb", "long-fetch", "strike", "waterspout"}),
        ("?options=size:50x70&stock=in", set()),  # one variant has all that is chosen
        ("?category=storm", {"strike", "waterspout"}),
        ("?category=storm,swell&stock=in", {"ebb", "long-fetch", "strike"}),
        ("?price=50-90", {"ebb", "long-fetch"}),
        ("?price=50-90,90-150", {"ebb", "long-fetch", "strike"}),
        ("?price_min=60&price_max=140.00", {"long-fetch", "strike"}),
        ("?price_max=29.99", set()),
        ("?q=strike&category=storm", {"strike"}),
        ("?q=strike&category=swell", set()),
        ("?q=%00%20", {"ebb", "long-fetch", "strike", "waterspout"}),
    ],
)
def test_what_is_chosen_narrows(
    client: Client, prints: dict[str, Product], query: str, expected: set[str]
) -> None:
    assert set(slugs(client, query)) == expected
    assert client.get(FACETS + query).json()["total"] == len(expected)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("featured", ["ebb", "long-fetch", "strike", "waterspout"]),
        ("newest", ["waterspout", "strike", "long-fetch", "ebb"]),
        ("price", ["ebb", "waterspout", "long-fetch", "strike"]),
        ("-price", ["strike", "long-fetch", "ebb", "waterspout"]),
        ("title", ["ebb", "long-fetch", "strike", "waterspout"]),
    ],
)
def test_every_order_of_the_storefront_goes_on_over_pages(
    client: Client, prints: dict[str, Product], sort: str, expected: list[str]
) -> None:
    assert slugs(client, f"?sort={sort}") == expected
    first = client.get(f"{PRODUCTS}?sort={sort}&limit=3").json()
    second = client.get(first["next"]).json()
    assert [one["slug"] for one in first["results"] + second["results"]] == expected
    assert second["next"] is None


def test_counts_ignore_a_facets_own_choices_and_heed_the_others(
    client: Client, prints: dict[str, Product]
) -> None:
    found = counts(client, "?options=size:30x40&category=storm&price_max=50")
    assert found["size"] == {"size:30x40": 1, "size:50x70": 0}
    assert found["category"] == {"swell": 1, "storm": 1}
    assert found["price"] == {"to-50": 1, "50-90": 0, "90-150": 1, "from-150": 0}
    assert found["stock"] == {"in": 0}


def test_a_facet_says_all_that_a_filter_shows(client: Client, prints: dict[str, Product]) -> None:
    shown = client.get(FACETS + "?price=to-50").json()
    size = next(facet for facet in shown["facets"] if facet["code"] == "size")
    assert (size["name"], size["parameter"]) == ("Size", "options")
    assert size["choices"][0]["label"] == "30 × 40 cm"
    bands = next(facet for facet in shown["facets"] if facet["code"] == "price")["choices"]
    assert [(one["low"], one["high"], one["chosen"]) for one in bands[:2]] == [
        (None, {"amount": "50.00", "currency": "EUR"}, True),
        ({"amount": "50.00", "currency": "EUR"}, {"amount": "90.00", "currency": "EUR"}, False),
    ]


def test_of_a_category_with_others_below_these_are_the_choices(
    client: Client, category: Category, prints: dict[str, Product]
) -> None:
    Category.objects.add_child(
        Category.objects.get(pk=category.pk), {"name": "Long swell", "slug": "long-swell"}
    )
    Product.objects.filter(slug="ebb").update(category=Category.objects.get(slug="long-swell"))
    assert counts(client, "?category=swell")["category"] == {"long-swell": 1}
    assert counts(client)["category"] == {"swell": 2, "storm": 2}


@pytest.mark.parametrize(
    ("query", "status", "where", "code"),
    [
        ("?colour=red", 400, "colour", "unknown_field"),
        ("?sort=cheapest", 400, "sort", "invalid_choice"),
        ("?price=cheap", 400, "price", "invalid_choice"),
        ("?price_min=-1", 400, "price_min", "invalid"),
        ("?price_min=1e9", 400, "price_min", "invalid"),
        ("?stock=out", 400, "stock", "invalid_choice"),
        ("?stock=in&stock=in", 400, "stock", "invalid"),
        ("?category=", 400, "category", "blank"),
        ("?options=size", 400, "options", "invalid"),
        ("?options=size:9x9", 422, "options", "unknown"),
        ("?category=nowhere", 422, "category", "unknown"),
        (f"?q={'x' * 101}", 400, "q", "max_length"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    client: Client, prints: dict[str, Product], query: str, status: int, where: str, code: str
) -> None:
    for path in (PRODUCTS, FACETS):
        if path == FACETS and where == "sort":
            continue
        answer = client.get(path + query)
        told = [(one["in"], one["path"], one["code"]) for one in answer.json()["errors"]]
        assert (answer.status_code, told) == (status, [("query", where, code)])


def test_categories_given_together_have_one_parent(
    client: Client, category: Category, prints: dict[str, Product]
) -> None:
    Category.objects.add_child(
        Category.objects.get(pk=category.pk), {"name": "Long swell", "slug": "long-swell"}
    )
    answer = client.get(PRODUCTS + "?category=storm,long-swell")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "not_siblings")


def test_facets_take_three_queries(
    client: Client, prints: dict[str, Product], django_assert_num_queries: Callable[..., Any]
) -> None:
    for query in ("", "?options=size:30x40&category=storm&price=to-50&stock=in"):
        with django_assert_num_queries(3):  # the tree, options, all counts at once
            client.get(FACETS + query)
