"""Lists of products as every face shows them: their orders, what stands beside one, what a card tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from shop.catalog.models import Category, Product, ProductImage, ProductQuerySet, Variant

FEATURED = ("position", "id")
SORTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "featured": ("Featured", FEATURED),
    "newest": ("Newest", ("-visible_from", "-id")),
    "price": ("Price, low to high", ("price_from", *FEATURED)),
    "-price": ("Price, high to low", ("-price_from", *FEATURED)),
    "title": ("Title", ("title", "id")),
}
BESIDE = 4

# How many are left, what one costs, how many of them are here, and its price before a sale, if it is in one.
Glance = tuple[Any, ...]


def related(product: Product) -> ProductQuerySet:
    """The first few others of its series."""
    others = Product.objects.visible().filter(category=product.category_id).exclude(pk=product.pk)
    return others.hung().order_by(*FEATURED)[:BESIDE]


def glances(products: Sequence[Product]) -> defaultdict[int, dict[str, Glance]]:
    """By product and SKU, how many are left, what one costs, how many of them are here,
    and what it cost at least before, if a sale is on that makes it cost less than that. One query."""
    here = Coalesce(F("stock__on_hand") - F("stock__reserved"), 0)
    ahead = Coalesce(F("stock__backorder_limit"), 0)
    rows = Variant.objects.filter(product__in=products).values_list(
        "product", "sku", "price", here, ahead, "prior_price"
    )
    found: defaultdict[int, dict[str, Glance]] = defaultdict(dict)
    for product, sku, price, count, limit, prior in rows:
        was = () if prior is None or prior <= price else (f"{prior.normalize():f}",)
        found[product][sku] = (count + limit, f"{price.normalize():f}", max(0, count), *was)
    return found


def look_at(product: Any, variants: dict[str, Glance]) -> None:
    """Gives the product what its card says, all of it from one reading of its variants."""
    product.left = sum(left for left, *_ in variants.values())
    product.here = sum(here for _, _, here, *_ in variants.values())
    if variants:
        product.price_from = min(Decimal(price) for _, price, *_ in variants.values())
        cheapest = min(variants.values(), key=lambda one: Decimal(one[1]))
        product.prior_from = Decimal(cheapest[3]) if len(cheapest) == 4 else None


def with_pictures(categories: QuerySet[Category]) -> list[Category]:
    """Each with `picture`: the cover of the second visible product in it, or of its only one."""
    covers = ProductImage.objects.filter(
        product__in=Product.objects.visible(),
        product__category__path__startswith=OuterRef("path"),
        position=0,
    )
    ordered = covers.order_by("product__position", "product")
    found = list(
        categories.annotate(
            second=Subquery(ordered.values("pk")[1:2]), only=Subquery(ordered.values("pk")[:1])
        ).annotate(cover_id=Coalesce("second", "only"))
    )
    images = ProductImage.objects.in_bulk([one.cover_id for one in found if one.cover_id])
    for one in found:
        one.picture = images.get(one.cover_id)
    return found
