"""Rows to the database, in bulk: a fixed number of queries for every few hundred rows.

Runs in the caller's transaction, so that the stock counted beside it is in or out with the rest.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.text import slugify
from djmoney.money import Money

from shop.catalog.catalogue_file.cells import Choice
from shop.catalog.catalogue_file.faults import CatalogueFaults, Fault
from shop.catalog.catalogue_file.reading import Catalogue, ProductRow
from shop.catalog.models import (
    REPRICED,
    Attribute,
    Category,
    Option,
    OptionValue,
    Product,
    ProductAttribute,
    TaxClass,
    Variant,
)

BATCH = 500
WHEN_EMPTY = {
    "subtitle": "",
    "artist": "",
    "story": "",
    "orientation": Product.Orientation.PORTRAIT,
    "tax_class": TaxClass.STANDARD,
    "visible_until": None,
}


@dataclass
class Loaded:
    products: dict[str, Product]
    variants: dict[str, Variant]
    counts: dict[int, int] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)
    created: int = 0
    changed: int = 0


def load_rows(catalogue: Catalogue) -> Loaded:
    """Everything but pictures and stock. Raises CatalogueFaults for what contradicts the database."""
    slugs = [row.slug for row in catalogue.products]
    skus = [variant.sku for row in catalogue.products for variant in row.variants]
    loaded = Loaded(
        products=Product.objects.in_bulk(slugs, field_name="slug"),
        variants=Variant.objects.select_related("product").in_bulk(skus, field_name="sku"),
    )
    _check(catalogue, loaded)
    _load_products(catalogue, loaded)
    _load_facts(catalogue, loaded.products)
    _load_variants(catalogue, loaded)
    _load_choices(catalogue, loaded.variants)
    for row in catalogue.products:
        for variant in row.variants:
            pk = loaded.variants[variant.sku].pk
            loaded.lines[pk] = variant.line
            if (count := variant.values.get("stock")) is not None:
                loaded.counts[pk] = count
    return loaded


def _check(catalogue: Catalogue, loaded: Loaded) -> None:
    faults = []
    kinds = dict(Attribute.objects.values_list("code", "kind"))
    for column in catalogue.attributes:
        if kinds.get(column.code, column.kind) != column.kind:
            faults.append(
                Fault(1, column.name, f"is a {kinds[column.code]} in the shop, not a {column.kind}")
            )
    for row in catalogue.products:
        for variant in row.variants:
            found = loaded.variants.get(variant.sku)
            if found and found.product.slug != row.slug:
                faults.append(Fault(variant.line, "sku", f"{variant.sku} belongs to {found.product.slug}"))
    if faults:
        raise CatalogueFaults(faults)


def _load_products(catalogue: Catalogue, loaded: Loaded) -> None:
    categories = _Categories()
    position = Product.objects.aggregate(last=models.Max("position"))["last"] or 0
    new, changed, fields, faults = [], [], set[str](), []
    for row in catalogue.products:
        values = _product_values(row) | {"category_id": categories.at(row.values["category"]).pk}
        product = loaded.products.get(row.slug)
        if product is None:
            position += 1
            product = Product(slug=row.slug, **{"position": position, **values})
            loaded.products[row.slug] = product
            new.append(product)
        elif differing := _set(product, values):
            product.updated_at = timezone.now()
            fields |= differing | {"updated_at"}
            changed.append(product)
        if product.visible_until and product.visible_until <= product.visible_from:
            faults.append(Fault(row.line, "visible_until", f"is not after {product.visible_from:%Y-%m-%d}"))
    if faults:
        raise CatalogueFaults(faults)
    Product.objects.bulk_create(new, batch_size=BATCH)
    if changed:
        Product.objects.bulk_update(changed, sorted(fields), batch_size=BATCH)
    loaded.created += len(new)
    loaded.changed += len(changed)


def _product_values(row: ProductRow) -> dict[str, Any]:
    values = {name: value for name, value in row.values.items() if name != "category"}
    kept = {name: value for name, value in values.items() if value is not None}
    return {name: empty for name, empty in WHEN_EMPTY.items() if name in values} | kept


def _load_variants(catalogue: Catalogue, loaded: Loaded) -> None:
    new, changed, fields = [], [], set[str]()
    for row in catalogue.products:
        for position, line in enumerate(row.variants):
            price = Money(line.values["price"], line.values.get("currency") or settings.DEFAULT_CURRENCY)
            values = {"weight_g": line.values["weight_g"], "position": position}
            variant = loaded.variants.get(line.sku)
            if variant is None:
                loaded.variants[line.sku] = variant = Variant(
                    product=loaded.products[row.slug], sku=line.sku, price=price, **values
                )
                new.append(variant)
            elif differing := _set(variant, values) | _reprice(variant, price):
                fields |= differing
                changed.append(variant)
    Variant.objects.bulk_create(new, batch_size=BATCH)
    if changed:
        Variant.objects.bulk_update(changed, sorted(fields), batch_size=BATCH)
    loaded.created += len(new)
    loaded.changed += len(changed)


def _set(row: models.Model, values: dict[str, Any]) -> set[str]:
    """Sets what differs; the names of those fields."""
    differing = {name for name, value in values.items() if getattr(row, name) != value}
    for name in differing:
        setattr(row, name, values[name])
    return {row._meta.get_field(name).name for name in differing}


def _reprice(variant: Variant, price: Money) -> set[str]:
    """The file's prices are the regular ones: a sale goes on from the new one."""
    if variant.regular_price == price:
        return set()
    variant.reprice(price, variant.sale_percent)
    return set(REPRICED)


class _Categories:
    """The tree by the names on the way to a category, made where it is missing."""

    def __init__(self) -> None:
        self.slugs: set[str] = set()
        self.found: dict[tuple[str, ...], Category] = {}
        names: dict[str, tuple[str, ...]] = {"": ()}
        for category in Category.objects.order_by("path"):
            way = (*names[category.path[: -Category.steplen]], category.name)
            names[category.path] = way
            self.found.setdefault(way, category)
            self.slugs.add(category.slug)

    def at(self, way: tuple[str, ...]) -> Category:
        if way not in self.found:
            category = Category(name=way[-1], slug=free_code(way[-1], self.slugs, 80))
            self.slugs.add(category.slug)
            if len(way) == 1:
                self.found[way] = Category.objects.add_root(instance=category)
            else:
                self.found[way] = Category.objects.add_child(self.at(way[:-1]), instance=category)
        return self.found[way]


def free_code(name: str, taken: Iterable[str], longest: int) -> str:
    """A slug for a name that nothing else has."""
    base = slugify(name)[: longest - 6] or f"x{zlib.crc32(name.encode()):08x}"
    code, number = base, 2
    while code in taken:
        code, number = f"{base}-{number}", number + 1
    return code


def _load_facts(catalogue: Catalogue, products: dict[str, Product]) -> None:
    if not catalogue.attributes:
        return
    attributes = {attribute.code: attribute for attribute in Attribute.objects.all()}
    for position, column in enumerate(catalogue.attributes, start=len(attributes)):
        if column.code not in attributes:
            attributes[column.code] = Attribute.objects.create(
                code=column.code,
                name=_name(column.code),
                kind=column.kind,
                unit=column.unit,
                position=position,
            )
        elif _set(attributes[column.code], {"unit": column.unit}):
            attributes[column.code].save(update_fields=["unit"])
    kinds = {attributes[column.code].pk: column.kind for column in catalogue.attributes}
    ids = {attributes[column.code].pk: column.code for column in catalogue.attributes}
    found: dict[tuple[int, int], ProductAttribute] = {}
    for batch in _batches([product.pk for product in products.values()]):
        facts = ProductAttribute.objects.filter(product__in=batch, attribute__in=ids)
        found |= {(fact.product_id, fact.attribute_id): fact for fact in facts}
    new: list[ProductAttribute] = []
    changed: list[ProductAttribute] = []
    gone: list[int] = []
    for row in catalogue.products:
        for pk, code in ids.items():
            value, fact = row.facts[code], found.get((products[row.slug].pk, pk))
            if value is None:
                gone += [fact.pk] if fact else []
            elif fact is None:
                new.append(
                    ProductAttribute(product=products[row.slug], attribute_id=pk, **{kinds[pk]: value})
                )
            elif _set(fact, {kinds[pk]: value}):
                changed.append(fact)
    for batch in _batches(gone):
        ProductAttribute.objects.filter(pk__in=batch).delete()
    ProductAttribute.objects.bulk_create(new, batch_size=BATCH)
    if changed:
        ProductAttribute.objects.bulk_update(changed, ["text", "number", "boolean"], batch_size=BATCH)


def _load_choices(catalogue: Catalogue, variants: dict[str, Variant]) -> None:
    if not catalogue.options:
        return
    values = _Values([column.code for column in catalogue.options])
    link = Variant.values.through
    found: dict[int, dict[int, int]] = {}
    for batch in _batches([variant.pk for variant in variants.values()]):
        links = link.objects.filter(variant__in=batch, optionvalue__option__code__in=values.options)
        for pk, variant_id, value_id in links.values_list("pk", "variant_id", "optionvalue_id"):
            found.setdefault(variant_id, {})[value_id] = pk
    new, gone = [], []
    for row in catalogue.products:
        for line in row.variants:
            variant_id = variants[line.sku].pk
            wanted = {values.at(code, choice).pk for code, choice in line.choices.items()}
            had = found.get(variant_id, {})
            new += [link(variant_id=variant_id, optionvalue_id=value_id) for value_id in wanted - had.keys()]
            gone += [had[value_id] for value_id in had.keys() - wanted]
    for batch in _batches(gone):
        link.objects.filter(pk__in=batch).delete()
    link.objects.bulk_create(new, batch_size=BATCH)


class _Values:
    """The values of options by their labels, made where they are missing."""

    def __init__(self, codes: list[str]) -> None:
        self.options = {option.code: option for option in Option.objects.all()}
        for position, code in enumerate(codes, start=len(self.options)):
            if code not in self.options:
                self.options[code] = Option.objects.create(code=code, name=_name(code), position=position)
        self.options = {code: self.options[code] for code in codes}
        self.found: dict[tuple[str, str], OptionValue] = {}
        self.codes: dict[str, set[str]] = {code: set() for code in codes}
        for value in OptionValue.objects.filter(option__code__in=codes).select_related("option"):
            self.found.setdefault((value.option.code, value.label), value)
            self.codes[value.option.code].add(value.code)

    def at(self, option: str, choice: Choice) -> OptionValue:
        if (value := self.found.get((option, choice.label))) is None:
            code = free_code(choice.label, self.codes[option], 60)
            value = OptionValue.objects.create(
                option=self.options[option],
                code=code,
                label=choice.label,
                swatch=choice.swatch,
                position=len(self.codes[option]),
            )
            self.codes[option].add(code)
            self.found[option, choice.label] = value
        elif _set(value, {"swatch": choice.swatch}):
            value.save(update_fields=["swatch"])
        return value


def _name(code: str) -> str:
    return code.replace("-", " ").replace("_", " ").capitalize()


def _batches(items: list[Any]) -> Iterable[list[Any]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
