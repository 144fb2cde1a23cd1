"""A print's own page: which variant is meant, what it costs, how many are left, when it could be there."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_safe

from shop.alerts.models import Alert
from shop.cart.review import HOME
from shop.catalog.listing import related
from shop.catalog.models import Product, ProductAttribute, ProductImage, Variant
from shop.catalog.options import available, choose, codes, offered
from shop.drops.models import Drop
from shop.inventory.models import Stock, stock_of
from shop.shipping.models import ShippingMethod
from shop.storefront.alerts import with_alerts
from shop.storefront.cards import follow
from shop.storefront.drops import room_of
from shop.storefront.keeping import kept, let_go
from shop.storefront.templatetags.shop import money, price

CENTIMETRES = re.compile(r"(\d+)\s*[×x]\s*(\d+)")
# The scene of the "on a wall" drawing, in centimetres: where the floor is, where a print hangs.
FLOOR, CENTRE, EYE_LEVEL = 224, 216, 150


@require_safe
@kept
def product_detail(request: HttpRequest, slug: str) -> HttpResponse:
    facts = Prefetch("attributes", queryset=ProductAttribute.objects.select_related("attribute"))
    visible = Product.objects.visible().select_related("category").prefetch_related(facts)
    visible = visible.annotate(in_drop=Exists(Drop.objects.of(OuterRef("pk"))))
    product = get_object_or_404(visible, slug=slug)
    if product.in_drop:  # type: ignore[attr-defined]  # annotated
        let_go(request)
    others = list(related(product).prefetch_related(None))
    follow([product, *others])  # Before the variants are read, so that no change falls between.
    waiting = Alert.objects.waiting().of(request.user)
    variants = list(with_alerts(product.variants.with_options().select_related("stock"), waiting))
    chosen = choose(variants, request.GET.dict())
    prefetch_related_objects([product, *others], "images")
    images = list(product.images.all())
    options = offered(variants, chosen) if chosen else []
    delivery = _delivery(chosen) if chosen else None
    stock = stock_of(chosen) if chosen else Stock()
    context = {
        "product": product,
        "images": images,
        "shown": _shown(chosen, images),
        "prints": {image.pk for image in images[:1]} | {variant.image_id for variant in variants},
        "variants": [_as_data(variant, images, delivery) for variant in variants],
        "chosen": chosen,
        "options": options,
        "left": max(0, stock.available),
        "stock": stock,
        "made": _made(stock, delivery) if stock.available > 0 and not stock.here else None,
        "sold_out": not any(available(variant) > 0 for variant in variants),
        "frame": _frame(chosen) if chosen else "",
        "wall": _wall(chosen, images) if chosen else None,
        "delivery": delivery,
        "related": others,
        "room": room_of(request, product) if product.in_drop else None,  # type: ignore[attr-defined]  # annotated
    }
    return render(request, "storefront/product.html", context)


def _shown(chosen: Variant | None, images: list[ProductImage]) -> ProductImage | None:
    first = images[0] if images else None
    return next((image for image in images if chosen and image.pk == chosen.image_id), first)


def _as_data(variant: Any, images: list[ProductImage], delivery: dict[str, Any] | None) -> dict[str, Any]:
    """What product.js needs to show another variant without asking."""
    shown, stock = _shown(variant, images), stock_of(variant)
    return {
        "id": variant.pk,
        "sku": variant.sku,
        "price": money(variant.price),
        "options": codes(variant),
        "available": stock.available,
        "reserved": stock.reserved,
        "here": stock.here,
        **(_made(stock, delivery) if stock.backorder_limit else {}),
        "image": shown.pk if shown else None,
        "frame": _frame(variant),
        "wall": _wall(variant, images),
        "awaited": variant.awaited,
        "watched": price(variant.watched),
        **(_reduced(variant) if variant.full_price is not None else {}),
    }


def _reduced(variant: Variant) -> dict[str, str]:
    return {"full": money(variant.full_price), "prior": money(variant.prior_price)}


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
    """The cheapest of our own parcels within the country, and when it arrives if ordered today."""
    offer = next(iter(ShippingMethod.objects.parcels(HOME, variant.weight_g, variant.price)), None)
    if offer is None:
        return None
    return {"price": offer.price, "method": offer.method, "here": _arrives(offer.method)}


def _made(stock: Stock, delivery: dict[str, Any] | None) -> dict[str, Any]:
    """Of one that can be made to order: in how many days it leaves, and when it would be there."""
    arrives = _arrives(delivery["method"], stock.lead_days) if delivery else ""
    return {"leadDays": stock.lead_days, "arrives": arrives}


def _arrives(method: ShippingMethod, lead_days: int = 0) -> str:
    leaves = timezone.localdate() + timedelta(days=lead_days)
    first, last = (working_days_after(leaves, days) for days in (method.days_min, method.days_max))
    if first == last:
        return f"on {date_format(first, 'l j F')}"
    month = " F" if first.month != last.month else ""
    return f"between {date_format(first, 'D j' + month)} and {date_format(last, 'D j F')}"


def working_days_after(day: date, count: int) -> date:
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day
