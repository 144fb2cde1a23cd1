from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from djmoney.money import Money

from notifications.log import position
from notifications.services import relay
from shop.catalog.models import Attribute, Category, Product, ProductImage, Variant
from shop.inventory.services import receive, reserve

pytestmark = pytest.mark.django_db
PRODUCTS = "/api/v1/products/"


def slugs(client: Client, query: str = "") -> list[str]:
    return [product["slug"] for product in client.get(PRODUCTS + query).json()["results"]]


def test_the_root_says_where_everything_is(client: Client) -> None:
    shown = client.get("/api/v1/").json()
    assert shown["products"] == "http://testserver/api/v1/products/"
    answers = {name: client.get(url).status_code for name, url in shown.items()}
    assert set(answers.values()) <= {200, 400, 401, 405}  # some want a question, somebody, or something sent
    assert {name for name, status in answers.items() if status == 200} >= {
        "products",
        "cart",
        "drops",
        "docs",
    }


def test_a_product_in_the_list(client: Client, make_variant: Callable[..., Variant]) -> None:
    product = make_variant(title="Long fetch", slug="long-fetch", price="24.00").product
    product.variants.create(sku="LF-2", price=Money("19.50", "EUR"), weight_g=300)
    ProductImage.objects.create(
        product=product,
        picture="products/long-fetch.webp",
        width=2400,
        height=3000,
        alt="Waves",
        tone="#1f4e5f",
    )
    (shown,) = client.get(PRODUCTS).json()["results"]
    assert shown["url"] == "http://testserver/api/v1/products/long-fetch/"
    assert shown["price_from"] == {"amount": "19.50", "currency": "EUR"}
    assert (shown["title"], shown["artist"], shown["category"]) == ("Long fetch", "Ines Holm", "swell")
    assert (shown["cover"]["alt"], shown["cover"]["width"], shown["cover"]["height"]) == ("Waves", 2400, 3000)
    assert all(
        file["url"].startswith("http://testserver/media/products/") for file in shown["cover"]["files"]
    )
    assert shown["cover"]["files"]


def test_a_product_with_variants_stock_facts_and_where_its_stream_stands(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(slug="long-fetch", story="A morning after wind.", stock=6)
    inks = Attribute.objects.create(code="inks", name="Inks", kind="number")
    variant.product.attributes.create(attribute=inks, number=4)
    reserve("somebody", {variant.pk: 2}, None)
    relay()
    here = position("product:long-fetch")
    shown = client.get(PRODUCTS + "long-fetch/").json()
    assert shown["story"] == "A morning after wind."
    assert shown["attributes"] == [{"code": "inks", "name": "Inks", "value": "4"}]
    assert shown["variants"] == [
        {
            "sku": variant.sku,
            "price": {"amount": "24.00", "currency": "EUR"},
            "full_price": None,
            "prior_price": None,
            "weight_g": 420,
            "options": [
                {"option": "size", "name": "Size", "value": "30x40", "label": "30 × 40 cm", "swatch": ""}
            ],
            "image": None,
            "available": 4,
            "in_stock": 4,
            "lead_days": None,
        }
    ]
    assert here.offset > 0
    assert shown["stream"] == {"name": "product:long-fetch", "epoch": here.epoch, "offset": here.offset}


def test_what_is_not_for_the_public_is_not_there(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    make_variant(slug="later", visible_from=timezone.now() + timedelta(days=1))
    assert slugs(client) == []
    answer = client.get(PRODUCTS + "later/")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_a_category_holds_what_lies_below_it(
    client: Client, category: Category, make_variant: Callable[..., Variant]
) -> None:
    below = Category.objects.add_child(category, {"name": "Long swell", "slug": "long-swell"})
    other = Category.objects.add_root({"name": "Knots", "slug": "knots"})
    make_variant(slug="above")
    for slug, owner in (("below", below), ("other", other)):
        Product.objects.filter(pk=make_variant(slug=slug).product_id).update(category=owner)
    assert set(slugs(client, "?category=swell")) == {"above", "below"}
    assert slugs(client, "?category=long-swell") == ["below"]
    answer = client.get(PRODUCTS + "?category=nowhere")
    assert answer.status_code == 422
    assert [(one["in"], one["path"]) for one in answer.json()["errors"]] == [("query", "category")]


def test_words_find_products(client: Client, make_variant: Callable[..., Variant]) -> None:
    make_variant(title="Lantern room", slug="lantern-room")
    make_variant(title="Long fetch", slug="long-fetch")
    assert slugs(client, "?q=lantern") == ["lantern-room"]
    assert slugs(client, "?q=zeppelin") == []


def test_pages_follow_one_another_without_repeating(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    made = [make_variant().product.slug for _ in range(5)]
    first = client.get(PRODUCTS + "?limit=3").json()
    second = client.get(first["next"]).json()
    assert [p["slug"] for p in first["results"] + second["results"]] == made
    assert second["next"] is None
    assert client.get(PRODUCTS + "?cursor=none").json()["errors"][0]["code"] == "bad_cursor"


def test_categories_come_as_a_tree_in_its_order(client: Client, category: Category) -> None:
    Category.objects.add_root({"name": "Knots", "slug": "knots"})
    Category.objects.add_child(category, {"name": "Long swell", "slug": "long-swell"})
    shown = [(one["slug"], one["depth"], one["parent"]) for one in client.get("/api/v1/categories/").json()]
    assert shown == [("swell", 1, None), ("long-swell", 2, "swell"), ("knots", 1, None)]


def test_nothing_can_be_written(client: Client, make_variant: Callable[..., Variant]) -> None:
    make_variant(slug="long-fetch")
    for path in (PRODUCTS, PRODUCTS + "long-fetch/", "/api/v1/categories/"):
        for method in (client.post, client.put, client.delete):
            assert method(path).status_code in (403, 405)
    assert Product.objects.count() == 1


def test_fifty_rows_take_as_many_queries_as_five(
    client: Client, make_variant: Callable[..., Variant], django_assert_num_queries: Callable
) -> None:
    def grow(count: int) -> None:
        for _ in range(count):
            variant = make_variant()
            ProductImage.objects.create(
                product=variant.product, picture="p.webp", width=90, height=90, alt="Waves"
            )
            number = Category.objects.add_root({"name": variant.sku, "slug": f"c-{variant.pk}"}).pk
            Product.objects.filter(pk=variant.product_id).update(category_id=number)

    grow(5)
    client.get(PRODUCTS)  # the first of all makes the log's epoch
    for wanted in (5, 50):
        grow(wanted - Product.objects.count())
        with django_assert_num_queries(5):  # the log's epoch and place, rows, covers, prices and stock
            assert len(client.get(PRODUCTS + "?limit=100").json()["results"]) == wanted
        with django_assert_num_queries(3):  # the tree, pictures, counts
            assert len(client.get("/api/v1/categories/").json()) == wanted + 1


def test_fifty_variants_take_as_many_queries_as_five(
    client: Client, make_variant: Callable[..., Variant], django_assert_num_queries: Callable
) -> None:
    product = make_variant(slug="long-fetch").product
    values = list(product.variants.get().values.all())
    for wanted in (5, 50):
        for number in range(product.variants.count(), wanted):
            variant = product.variants.create(sku=f"LF-{number}", price=Money("9", "EUR"), weight_g=10)
            variant.values.set(values)
            receive(variant, 3)
            ProductImage.objects.create(
                product=product, picture=f"{number}.webp", width=90, height=90, alt="Waves"
            )
        with django_assert_num_queries(
            8
        ):  # stream, product, drops, cover, variants, their options, pictures, facts
            assert len(client.get(PRODUCTS + "long-fetch/").json()["variants"]) == wanted
