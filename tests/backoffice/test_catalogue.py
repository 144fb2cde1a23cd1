from collections.abc import Callable
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from shop.catalog.models import Category, Option, OptionValue, Product, Variant
from shop.inventory.models import Stock
from tests.backoffice.conftest import as_posted

pytestmark = pytest.mark.django_db


def page(product: Product) -> str:
    return reverse("admin:catalog_product_change", args=[product.pk])


@pytest.fixture
def sizes() -> list[OptionValue]:
    size = Option.objects.create(code="size", name="Size")
    labels = {"30x40": "30 × 40 cm", "50x70": "50 × 70 cm"}
    return [size.values.create(code=code, label=label) for code, label in labels.items()]


def test_a_page_saved_untouched_changes_nothing(
    owner: Client, sizes: list[OptionValue], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(stock=5, visible_from=timezone.now().replace(microsecond=0))
    variant.values.set(sizes[:1])
    before = Product.objects.values().get()
    response = owner.post(page(variant.product), as_posted(owner.get(page(variant.product))))
    assert response.status_code == 302
    after = Product.objects.values().get()
    assert {key for key in before if before[key] != after[key]} == {"updated_at"}
    kept = Variant.objects.get()
    assert (kept.price, kept.weight_g, list(kept.values.all())) == (variant.price, 420, sizes[:1])
    assert kept.stock.on_hand == 5


def test_a_variant_is_added_with_one_value_of_each_option(
    owner: Client, sizes: list[OptionValue], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant()
    variant.values.set(sizes[:1])
    data = as_posted(owner.get(page(variant.product))) | {
        "variants-TOTAL_FORMS": "2",
        "variants-1-sku": "NEW-1",
        "variants-1-option_size": str(sizes[1].pk),
        "variants-1-price_0": "48.50",
        "variants-1-price_1": "EUR",
        "variants-1-weight_g": "600",
        "variants-1-position": "1",
        "variants-1-product": str(variant.product_id),
    }
    assert owner.post(page(variant.product), data).status_code == 302
    added = Variant.objects.get(sku="NEW-1")
    assert (str(added.price.amount), list(added.values.all())) == ("48.500", sizes[1:])
    assert Stock.objects.get(variant=added).on_hand == 0


def test_two_variants_that_a_buyer_could_not_tell_apart_are_refused(
    owner: Client, sizes: list[OptionValue], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant()
    variant.values.set(sizes[:1])
    twin = variant.product.variants.create(sku="TWIN", price=variant.price, weight_g=1)
    twin.values.set(sizes[1:])
    data = as_posted(owner.get(page(variant.product))) | {"variants-1-option_size": str(sizes[0].pk)}
    response = owner.post(page(variant.product), data)
    assert "a buyer could not tell them apart" in response.content.decode()
    assert list(twin.values.all()) == sizes[1:]


def test_a_picture_is_kept_with_its_size(owner: Client, make_variant: Callable[..., Variant]) -> None:
    product = make_variant().product
    file = BytesIO()
    Image.new("RGB", (640, 480), "#1f4e5f").save(file, "PNG")
    data = as_posted(owner.get(page(product))) | {
        "images-TOTAL_FORMS": "1",
        "images-0-picture": SimpleUploadedFile("sea.png", file.getvalue(), "image/png"),
        "images-0-alt": "A calm sea",
        "images-0-tone": "#1f4e5f",
        "images-0-position": "0",
        "images-0-product": str(product.pk),
    }
    assert owner.post(page(product), data).status_code == 302
    image = product.images.get()
    assert (image.width, image.height, image.alt) == (640, 480, "A calm sea")
    assert "bo-thumb" in owner.get("/admin/catalog/product/").content.decode()


def test_the_list_says_from_which_price_and_how_many_are_left(
    owner: Client, make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(price="24.00", stock=5)
    other = variant.product.variants.create(sku="OTHER", price=variant.price / 2, weight_g=1)
    Stock.objects.create(variant=other, on_hand=4, reserved=1)
    row = (
        owner.get("/admin/catalog/product/").content.decode().partition("<tbody")[2].partition("</tbody>")[0]
    )
    for part in ("€12.00", ">8<", ">2<", "Swell"):
        assert part in row, part


def test_a_category_moves_by_its_form(owner: Client, category: Category) -> None:
    charts = Category.objects.add_root({"name": "Charts", "slug": "charts"})
    data = {
        "name": "Charts of storms",
        "slug": "charts",
        "description": "",
        "treebeard_position": "first-child",
        "treebeard_ref_node": str(category.pk),
    }
    response = owner.post(reverse("admin:catalog_category_change", args=[charts.pk]), data)
    assert response.status_code == 302
    charts.refresh_from_db()
    assert (charts.name, charts.depth) == ("Charts of storms", 2)
    data = {
        "name": "Knots",
        "slug": "knots",
        "treebeard_position": "right",
        "treebeard_ref_node": str(category.pk),
    }
    assert owner.post(reverse("admin:catalog_category_add"), data).status_code == 302
    assert [one.slug for one in Category.objects.order_by("path")] == ["swell", "charts", "knots"]


def test_a_category_with_others_below_it_cannot_be_deleted(owner: Client, category: Category) -> None:
    below = Category.objects.add_child(category, {"name": "Long swell", "slug": "long-swell"})
    assert (
        owner.post(reverse("admin:catalog_category_delete", args=[category.pk]), {"post": "yes"}).status_code
        == 403
    )
    owner.post(reverse("admin:catalog_category_delete", args=[below.pk]), {"post": "yes"})
    assert list(Category.objects.all()) == [category]
