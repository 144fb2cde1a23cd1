"""What an answer shows of products: members chosen by the client, details, variants, others of the series, words."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from djmoney.money import Money

from shop.catalog.models import Attribute, Category, Product, ProductImage, Variant
from shop.drops.models import Drop
from shop.inventory.services import allow_backorders, receive
from shop.pricing.models import Sale
from shop.pricing.sales import apply_sales

pytestmark = pytest.mark.django_db
PRODUCTS = "/api/v1/products/"


def with_picture(product: Product, position: int = 0) -> ProductImage:
    return ProductImage.objects.create(
        product=product, picture="products/p.webp", width=2400, height=3000, alt="Waves", position=position
    )


def euros(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def test_a_client_names_the_members_it_wants(client: Client, make_variant: Callable[..., Variant]) -> None:
    make_variant(slug="ebb", title="Ebb")
    answer = client.get(PRODUCTS + "?fields=slug,title,price_from")
    assert answer.json()["results"] == [{"slug": "ebb", "title": "Ebb", "price_from": euros("24.00")}]


def test_a_client_adds_what_a_list_leaves_out(client: Client, make_variant: Callable[..., Variant]) -> None:
    variant = make_variant(slug="ebb", story="A morning.")
    inks = Attribute.objects.create(code="inks", name="Inks", kind="number")
    variant.product.attributes.create(attribute=inks, number=4)
    with_picture(variant.product)
    with_picture(variant.product, 1)
    (plain,) = client.get(PRODUCTS).json()["results"]
    assert not {"variants", "images", "attributes", "story"} & plain.keys()
    (full,) = client.get(PRODUCTS + "?include=variants,images,attributes,story").json()["results"]
    assert plain.items() <= full.items()
    assert [one["sku"] for one in full["variants"]] == [variant.sku]
    assert (len(full["images"]), full["attributes"][0]["value"], full["story"]) == (2, "4", "A morning.")
    (few,) = client.get(PRODUCTS + "?fields=slug&include=attributes").json()["results"]
    assert few.keys() == {"slug", "attributes"}


@pytest.mark.parametrize(
    "query", ["?fields=slug,secret", "?fields=variants", "?include=orders", "?include=title"]
)
def test_members_that_there_are_not_are_refused(client: Client, query: str) -> None:
    answer = client.get(PRODUCTS + query)
    assert answer.status_code == 400
    assert [one["code"] for one in answer.json()["errors"]] == ["invalid_choice"]


def test_each_kind_of_member_takes_one_query_for_all_rows(
    client: Client, make_variant: Callable[..., Variant], django_assert_num_queries: Callable[..., Any]
) -> None:
    client.get(PRODUCTS)  # the first of all makes the log's epoch
    for wanted in (3, 30):
        for _ in range(Product.objects.count(), wanted):
            with_picture(make_variant().product)
        with django_assert_num_queries(3):  # the log's epoch and place, rows
            client.get(PRODUCTS + "?limit=100&fields=slug,title")
        with django_assert_num_queries(
            8
        ):  # the log's epoch and place, rows, covers, variants with stock, options, pictures, facts
            shown = client.get(PRODUCTS + "?limit=100&include=variants,images,attributes,story").json()
        assert len(shown["results"]) == wanted


def test_a_picture_comes_in_sizes_with_both_measures(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    picture = with_picture(make_variant(slug="ebb").product)
    (shown,) = client.get(PRODUCTS + "ebb/").json()["images"]
    assert (shown["id"], shown["width"], shown["height"]) == (picture.pk, 2400, 3000)
    assert shown["url"] == "http://testserver/media/products/p.webp"
    assert [(file["type"], file["width"], file["height"]) for file in shown["files"]][:2] == [
        ("image/avif", 320, 400),
        ("image/avif", 640, 800),
    ]


def test_a_sale_shows_both_other_prices(client: Client, make_variant: Callable[..., Variant]) -> None:
    variant = make_variant(slug="ebb", price="40.00")
    dear = variant.product.variants.create(sku="EBB-L", price=Money(90, "EUR"), weight_g=900)
    Sale.objects.create(name="Autumn", percent=25)
    apply_sales()
    shown = client.get(PRODUCTS + "ebb/").json()
    (first, second) = shown["variants"]
    assert (first["price"], first["full_price"], first["prior_price"]) == (
        euros("30.00"),
        euros("40.00"),
        euros("40.00"),
    )
    assert (shown["price_from"], shown["prior_price_from"]) == (euros("30.00"), euros("40.00"))
    assert second["sku"] == dear.sku
    (card,) = client.get(PRODUCTS).json()["results"]
    assert card.items() <= shown.items()


def test_what_is_made_to_order_says_when_it_leaves(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(slug="ebb", stock=2)
    allow_backorders(variant, 5, 21)
    shown = client.get(PRODUCTS + "ebb/").json()
    assert [(one["available"], one["in_stock"], one["lead_days"]) for one in shown["variants"]] == [
        (7, 2, 21)
    ]
    assert (shown["available"], shown["in_stock"]) == (7, 2)


def test_a_drop_that_guards_it_is_named_until_it_is_over(
    client: Client, make_variant: Callable[..., Variant], make_drop: Callable[..., Drop]
) -> None:
    drop = make_drop(make_variant(slug="ebb"), slug="night", title="Night", opens_in=60)
    (shown,) = client.get(PRODUCTS + "ebb/").json()["drops"]
    assert (shown["slug"], shown["title"], shown["closes_at"]) == ("night", "Night", None)
    opened, closed = timezone.now() - timedelta(hours=2), timezone.now() - timedelta(hours=1)
    Drop.objects.filter(pk=drop.pk).update(opens_at=opened, closes_at=closed)
    assert client.get(PRODUCTS + "ebb/").json()["drops"] == []


def test_what_cannot_be_bought_is_not_there(client: Client, category: Category) -> None:
    Product.objects.create(category=category, title="Bare", slug="bare")
    assert client.get(PRODUCTS).json()["results"] == []
    assert client.get(PRODUCTS + "bare/").status_code == 404
    (shown,) = client.get("/api/v1/categories/").json()
    assert shown["products"] == 0
    assert client.get("/api/v1/suggestions/?q=bare").json() == []


def test_variants_are_found_by_sku(client: Client, make_variant: Callable[..., Variant]) -> None:
    one, other = make_variant(slug="ebb", title="Ebb"), make_variant()
    hidden = make_variant(visible_from=timezone.now() + timedelta(days=1))
    shown = client.get(f"/api/v1/variants/?sku={other.sku},{one.sku},{hidden.sku},NONE").json()
    assert [variant["sku"] for variant in shown] == [one.sku, other.sku]
    single = client.get(f"/api/v1/variants/{one.sku}/").json()
    assert single == shown[0]
    assert (single["product"], single["title"], single["available"]) == ("ebb", "Ebb", 10)
    for gone in (hidden.sku, "NONE"):
        answer = client.get(f"/api/v1/variants/{gone}/")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert client.get("/api/v1/variants/").json()["errors"][0]["code"] == "required"


def test_variants_by_sku_take_two_queries(
    client: Client, make_variant: Callable[..., Variant], django_assert_num_queries: Callable[..., Any]
) -> None:
    for wanted in (2, 20):
        skus = ",".join(make_variant().sku for _ in range(wanted))
        with django_assert_num_queries(2):  # rows, options
            assert len(client.get(f"/api/v1/variants/?sku={skus}").json()) == wanted
    with django_assert_num_queries(2):
        client.get(f"/api/v1/variants/{skus.partition(',')[0]}/")


def test_others_of_the_series_stand_beside_a_product(
    client: Client, make_variant: Callable[..., Variant], django_assert_num_queries: Callable[..., Any]
) -> None:
    for number in range(6):
        make_variant(slug=f"swell-no-{number}", position=number)
    with django_assert_num_queries(5):  # the product, its drops, others, covers, prices and stock
        shown = client.get(PRODUCTS + "swell-no-2/related/").json()
    assert [one["slug"] for one in shown] == ["swell-no-0", "swell-no-1", "swell-no-3", "swell-no-4"]
    few = client.get(PRODUCTS + "swell-no-2/related/?fields=slug").json()
    assert few == [{"slug": one["slug"]} for one in shown]
    assert client.get(PRODUCTS + "nothing/related/").status_code == 404


def test_suggestions_name_series_then_products(
    client: Client, make_variant: Callable[..., Variant], django_assert_max_num_queries: Callable[..., Any]
) -> None:
    make_variant(slug="swell-first", title="Swell at first light")
    with django_assert_max_num_queries(3):
        shown = client.get("/api/v1/suggestions/?q=swe").json()
    assert [(one["kind"], one["slug"], one["label"], one["note"]) for one in shown] == [
        ("category", "swell", "Swell", "Series"),
        ("product", "swell-first", "Swell at first light", "Swell"),
    ]
    assert client.get("/api/v1/suggestions/?q=").json() == []
    assert client.get("/api/v1/suggestions/").status_code == 400


def test_a_category_has_a_count_and_a_picture(
    client: Client, category: Category, make_variant: Callable[..., Variant]
) -> None:
    below = Category.objects.add_child(category, {"name": "Long swell", "slug": "long-swell"})
    product = make_variant(slug="ebb").product
    Product.objects.filter(pk=product.pk).update(category=below)
    make_variant(visible_from=timezone.now() + timedelta(days=1))
    picture = with_picture(product)
    shown = client.get("/api/v1/categories/").json()
    assert [(one["slug"], one["parent"], one["products"]) for one in shown] == [
        ("swell", None, 1),
        ("long-swell", "swell", 1),
    ]
    assert [one["picture"]["id"] for one in shown] == [picture.pk] * 2


def test_several_values_may_be_repeated_and_one_may_not(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    """Not every generated client can put commas between them."""
    make_variant(slug="ebb")
    (card,) = client.get(PRODUCTS + "?fields=slug&fields=title,artist&include=story").json()["results"]
    assert card.keys() == {"slug", "title", "artist", "story"}
    refused = client.get(PRODUCTS + "?fields=slug&fields=secret")
    assert [error["path"] for error in refused.json()["errors"]] == ["fields"]
    twice = client.get(PRODUCTS + "?sort=price&sort=title")
    assert (twice.status_code, [error["path"] for error in twice.json()["errors"]]) == (400, ["sort"])


def test_all_of_it_is_public_and_asked_about_each_time(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(slug="ebb")
    paths = [
        *("products/", "products/ebb/", "products/ebb/related/", "facets/", "categories/"),
        *(f"variants/{variant.sku}/", f"variants/?sku={variant.sku}", "suggestions/?q=ebb"),
    ]
    for path in paths:
        answer = client.get(f"/api/v1/{path}")
        assert answer.headers["Cache-Control"] == "public, no-cache", path
        again = client.get(f"/api/v1/{path}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b""), path
    before = client.get("/api/v1/products/").headers["ETag"]
    receive(variant, 1)
    assert client.get("/api/v1/products/", headers={"If-None-Match": before}).status_code == 200
