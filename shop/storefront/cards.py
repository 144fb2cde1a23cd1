"""Prints as cards: what they show, and what lets them follow their product while somebody looks at them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce

from notifications.log import positions
from shop.catalog.models import Product, ProductQuerySet, Variant

FEW = 8


def hung(products: ProductQuerySet) -> ProductQuerySet:
    """Those that can be bought, with cover and lowest price. The model's own order is lost with the grouping."""
    return products.for_cards().filter(price_from__isnull=False)  # type: ignore[misc]  # annotated there


def follow(products: Sequence[Any]) -> None:
    """Gives each `following`, its place in its stream, and read after it `variants_now`, from which cards.js keeps the
    card true: neither the lowest price nor whether any is left can be told from one event. Two queries for all.
    """
    places = positions(*(_stream(product) for product in products))
    variants = _variants(products)
    for product in products:
        product.following = {_stream(product): places[_stream(product)]}
        product.variants_now = now = variants[product.pk]
        product.left = sum(left for left, *_ in now.values())
        product.here = sum(here for _, _, here, *_ in now.values())
        if now:
            product.price_from = min(Decimal(price) for _, price, *_ in now.values())
            cheapest = min(now.values(), key=lambda one: Decimal(one[1]))
            product.prior_from = Decimal(cheapest[3]) if len(cheapest) == 4 else None


def _stream(product: Product) -> str:
    return f"product:{product.slug}"


def _variants(products: Sequence[Product]) -> defaultdict[int, dict[str, tuple[Any, ...]]]:
    """By product and SKU, how many are left, what one costs, how many of them are here,
    and what it cost at least before, if a sale is on that makes it cost less than that."""
    here = Coalesce(F("stock__on_hand") - F("stock__reserved"), 0)
    ahead = Coalesce(F("stock__backorder_limit"), 0)
    rows = Variant.objects.filter(product__in=products).values_list(
        "product", "sku", "price", here, ahead, "prior_price"
    )
    found: defaultdict[int, dict[str, tuple[Any, ...]]] = defaultdict(dict)
    for product, sku, price, count, limit, prior in rows:
        was = () if prior is None or prior <= price else (f"{prior.normalize():f}",)
        found[product][sku] = (count + limit, f"{price.normalize():f}", max(0, count), *was)
    return found
