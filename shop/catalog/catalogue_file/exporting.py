"""The shop's catalogue as the file that `load_catalogue` reads: loading it again changes nothing."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import IO, Any

from django.db.models import Prefetch

from shop.catalog.catalogue_file import cells
from shop.catalog.catalogue_file.columns import FIXED, attribute_header
from shop.catalog.models import Attribute, Category, Option, Product, Variant
from shop.catalog.pictures import file_of

CHUNK = 200


def export_catalogue(file: IO[str]) -> int:
    """Writes every product that has variants; returns the number of rows."""
    headers = [column.name for column in FIXED]
    at = headers.index("sku")
    facts = {
        attribute.pk: attribute_header(attribute.code, attribute.kind, attribute.unit)
        for attribute in Attribute.objects.all()
    }
    options = {option.pk: f"option:{option.code}" for option in Option.objects.all()}
    writer = csv.DictWriter(file, [*headers[:at], *facts.values(), *headers[at:], *options.values()])
    writer.writeheader()
    rows = 0
    for row in _rows(facts, options):
        writer.writerow({name: str(value).strip() for name, value in row.items()})
        rows += 1
    return rows


def _rows(facts: dict[int, str], options: dict[int, str]) -> Iterator[dict[str, Any]]:
    ways = _category_ways()
    variants = Variant.objects.with_options().select_related("stock")  # type: ignore[attr-defined]
    products = Product.objects.order_by("position", "id").prefetch_related(
        "images", "attributes", Prefetch("variants", queryset=variants)
    )
    for product in products.iterator(chunk_size=CHUNK):
        first = _product_cells(product, ways, facts)
        for variant in product.variants.all():
            yield {"product": product.slug} | first | _variant_cells(variant, options)
            first = {}


def _product_cells(product: Product, ways: dict[int, str], facts: dict[int, str]) -> dict[str, Any]:
    images = product.images.all()
    row = {
        "title": product.title,
        "subtitle": product.subtitle,
        "artist": product.artist,
        "category": ways[product.category_id],
        "orientation": product.orientation,
        "tax_class": product.tax_class,
        "visible_from": cells.write_moment(product.visible_from),
        "visible_until": cells.write_moment(product.visible_until),
        "position": product.position,
        "story": product.story,
        "images": cells.write_list(file_of(image.picture.name) for image in images),
        "alts": cells.write_list(image.alt for image in images),
    }
    return row | {facts[fact.attribute_id]: _fact(fact) for fact in product.attributes.all()}


def _fact(fact: Any) -> str:
    if fact.boolean is not None:
        return "yes" if fact.boolean else "no"
    return fact.text if fact.number is None else f"{fact.number.normalize():f}"


def _variant_cells(variant: Variant, options: dict[int, str]) -> dict[str, Any]:
    price = variant.regular_price
    currency = str(price.currency)
    stock = getattr(variant, "stock", None)
    row = {
        "sku": variant.sku,
        "price": f"{price.amount:.{cells.price_places(currency)}f}",
        "currency": currency,
        "weight_g": variant.weight_g,
        "stock": stock.on_hand if stock else 0,
    }
    return row | {
        options[value.option_id]: cells.write_choice(value.label, value.swatch)
        for value in variant.option_values
    }


def _category_ways() -> dict[int, str]:
    ways: dict[int, str] = {}
    names: dict[str, str] = {}
    for category in Category.objects.order_by("path"):
        above = names.get(category.path[: -Category.steplen])
        names[category.path] = f"{above} > {category.name}" if above else category.name
        ways[category.pk] = names[category.path]
    return ways
