"""Sales begin and end by a job that writes the price which every page, facet, cart and alert reads.

One column says what a thing costs now, so that nothing can disagree about whether a sale is on. It is late by the few
seconds between two runs.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Case, F, IntegerField, Value, When

from shop.catalog.models import REPRICED, PastPrice, Variant
from shop.pricing.models import Sale

AT_ONCE = 500


def apply_sales() -> int:
    """Gives every variant the largest percentage of the sales that are on, or takes it off; returns how many changed.

    Who follows a print hears of it in the same transaction.
    """
    changed = 0
    while some := _apply_some():
        changed += some
    return changed


@transaction.atomic
def _apply_some() -> int:
    sales = Sale.objects.running().order_by("-percent").prefetch_related("products", "categories")
    due = Case(
        *(When(sale.covers, then=Value(sale.percent)) for sale in sales),
        default=Value(0),
        output_field=IntegerField(),
    )
    late = Variant.objects.annotate(due=due).exclude(sale_percent=F("due")).order_by("pk")[:AT_ONCE]
    percents = dict(late.values_list("pk", "due"))
    variants = list(Variant.objects.select_for_update(no_key=True).filter(pk__in=percents).order_by("pk"))
    lowest = PastPrice.objects.lowest(variants)
    for variant in variants:
        variant.reprice(variant.regular_price, percents[variant.pk], lowest.get(variant.pk))
    Variant.objects.bulk_update(variants, REPRICED)
    return len(variants)
