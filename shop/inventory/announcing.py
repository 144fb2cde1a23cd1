"""Word of what stock there is now: to the pages that show it, and to staff when it runs low."""

from __future__ import annotations

from collections.abc import Mapping

from notifications.services import notify
from shop.inventory.models import LOW, Stock


def announce(changes: Mapping[int, int]) -> list[Stock]:
    """Tells the pages of these variants' products how many there are now, and the staff what ran low or out.

    Returns the stock of each as it is now.

    `changes` maps the id of each variant to how many more (or fewer) can be bought than before. The caller's
    update holds the row, so what was before is now less the change.
    """
    rows = Stock.objects.filter(variant_id__in=list(changes)).select_related("variant__product")
    stocks = list(rows.order_by("variant__product__slug", "variant_id"))
    for stock in stocks:
        tell_pages(stock)
        if kind := _crossing(stock, changes[stock.pk]):
            variant = stock.variant
            what = {"variant": variant.pk, "sku": variant.sku, "title": variant.product.title}
            notify("staff:stock", kind, **what, available=stock.available)
    return stocks


def tell_pages(stock: Stock) -> None:
    notify(
        f"product:{stock.variant.product.slug}",
        "stock",
        sku=stock.variant.sku,
        available=stock.available,
        reserved=stock.reserved,
        here=stock.here,
        lead_days=stock.lead_days if stock.backorder_limit else None,
    )


def _crossing(stock: Stock, change: int) -> str:
    """The kind of the event for the mark that a change went past; none while it stays on one side."""
    now = stock.available
    before = now - change
    shelf = stock.on_hand - stock.reserved
    if now <= 0 < before:
        return "stock.out"
    if shelf <= 0 < shelf - change and now > 0:
        return "stock.ahead"
    if now <= LOW < before:
        return "stock.low"
    return "stock.back" if before <= 0 < now else ""
