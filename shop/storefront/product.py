"""A print's own page: which variant is meant, what it costs, how many are left, when it could be there."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from shop.alerts.models import Alert
from shop.catalog.models import Product, ProductAttribute, ProductImage, Variant
from shop.catalog.options import available, choose, codes, offered
from shop.drops.models import Drop
from shop.shipping.models import ShippingMethod
from shop.storefront.alerts import with_alerts
from shop.storefront.cards import follow, hung
from shop.storefront.catalog import FEATURED
from shop.storefront.drops import room_of
from shop.storefront.templatetags.shop import money, price

CENTIMETRES = re.compile(r"(\d+)\s*[×x]\s*(\d+)")
# The scene of the "on a wall" drawing, in centimetres: where the floor is, where a print hangs.
FLOOR, CENTRE, EYE_LEVEL = 224, 216, 150


@require_safe
def product_detail(request: HttpRequest, slug: str) -> HttpResponse:
    facts = Prefetch("attributes", queryset=ProductAttribute.objects.select_related("attribute"))
    visible = Product.objects.visible().select_related("category").prefetch_related(facts)
    visible = visible.annotate(in_drop=Exists(Drop.objects.of(OuterRef("pk"))))
    product = get_object_or_404(visible, slug=slug)
    related = _related(product)
    follow([product, *related])  # Before the variants are read, so that no change falls between.
    waiting = Alert.objects.waiting().of(request.user)
    variants = list(with_alerts(product.variants.with_options().select_related("stock"), waiting))
    chosen = choose(variants, request.GET.dict())
    prefetch_related_objects([product, *related], "images")
    images = list(product.images.all())
    options = offered(variants, chosen) if chosen else []
    context = {
        "product": product,
        "images": images,
        "shown": _shown(chosen, images),
        "prints": {image.pk for image in images[:1]} | {variant.image_id for variant in variants},
        "variants": [_as_data(variant, images) for variant in variants],
        "chosen": chosen,
        "options": options,
        "left": available(chosen) if chosen else 0,
        "sold_out": not any(available(variant) for variant in variants),
        "frame": _frame(chosen) if chosen else "",
        "wall": _wall(chosen, images) if chosen else None,
        "delivery": _delivery(chosen) if chosen else None,
        "related": related,
        "room": room_of(request, product) if product.in_drop else None,  # type: ignore[attr-defined]  # annotated
    }
    return render(request, "storefront/product.html", context)


def _shown(chosen: Variant | None, images: list[ProductImage]) -> ProductImage | None:
    first = images[0] if images else None
    return next((image for image in images if chosen and image.pk == chosen.image_id), first)


def _as_data(variant: Any, images: list[ProductImage]) -> dict[str, Any]:
    """What product.js needs to show another variant without asking."""
    shown = _shown(variant, images)
    return {
        "id": variant.pk,
        "sku": variant.sku,
        "label": variant.label,
        "price": money(variant.price),
        "options": codes(variant),
        "available": available(variant),
        "reserved": variant.stock.reserved if hasattr(variant, "stock") else 0,
        "image": shown.pk if shown else None,
        "frame": _frame(variant),
        "wall": _wall(variant, images),
        "awaited": variant.awaited,
        "watched": price(variant.watched),
    }


def _frame(variant: Variant) -> str:
    return next((value.swatch for value in variant.option_values if value.option.code == "frame"), "")


def _wall(variant: Variant, images: list[ProductImage]) -> dict[str, int] | None:
    """Where the print hangs in the scene, if its size is known: at true size beside somebody of 172 cm."""
    size = next((value.label for value in variant.option_values if value.option.code == "size"), "")
    measures = CENTIMETRES.search(size)
    if not measures or not images:
        return None
    short, long = sorted(map(int, measures.groups()))
    width, height = (long, short) if images[0].width > images[0].height else (short, long)
    return {"x": CENTRE - width // 2, "y": FLOOR - EYE_LEVEL - height // 2, "width": width, "height": height}


def _delivery(variant: Variant) -> dict[str, Any] | None:
    """The cheapest of our own parcels within the country, if ordered today."""
    method = ShippingMethod.objects.cheapest_parcel(settings.SHOP_COUNTRY, variant.weight_g, variant.price)
    if method is None:
        return None
    today = timezone.localdate()
    return {
        "price": method.price_for(variant.price),
        "from": working_days_after(today, method.days_min),
        "to": working_days_after(today, method.days_max),
    }


def working_days_after(day: date, count: int) -> date:
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def _related(product: Product) -> list[Product]:
    others = Product.objects.visible().filter(category=product.category_id).exclude(pk=product.pk)
    return list(hung(others).prefetch_related(None).order_by(*FEATURED)[:4])
