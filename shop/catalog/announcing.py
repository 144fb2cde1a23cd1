"""A product's open pages hear of its prices, and of its coming and going, in the transaction that changes them.

Every way to write these passes here: save() of a model, and update() of a QuerySet, by which bulk_update() writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import batched
from typing import TYPE_CHECKING, Any

from django.db import models, transaction

from notifications.services import notify
from shop.money import as_json

if TYPE_CHECKING:
    from shop.catalog.models import Product, Variant

PRICES_AN_EVENT = 35  # with the longest SKUs they still fit a frame


@contextmanager
def announced[Row: models.Model](
    rows: models.QuerySet[Row],
    what: Callable[[Row], Any],
    announce: Callable[[Sequence[Row], Mapping[int, Any]], None],
) -> Iterator[None]:
    """Around a write to these rows: announces those of which it changed `what`, and what it was, by id.

    New rows are no change.
    """
    every = rows.model._default_manager
    with transaction.atomic(using=rows.db, savepoint=False):
        # Locked, so that of two changes at the same moment the second compares with what the first left.
        locked = every.filter(pk__in=rows.values("pk")).select_for_update(no_key=True)
        before = {row.pk: what(row) for row in locked.order_by("pk")}
        yield
        after = every.in_bulk(list(before)) if before else {}
        if changed := [row for pk, row in after.items() if what(row) != before[pk]]:
            announce(changed, {row.pk: before[row.pk] for row in changed})


def announce_prices(variants: Sequence[Variant]) -> None:
    models.prefetch_related_objects(variants, "product")
    changed: defaultdict[str, list[Variant]] = defaultdict(list)
    for variant in variants:
        changed[variant.product.slug].append(variant)
    for slug, of_product in sorted(changed.items()):
        for some in batched(of_product, PRICES_AN_EVENT):
            prices = {one.sku: as_json(one.price) for one in some}
            # What those on sale cost otherwise, and at least before; of the others there is nothing to say.
            full = {one.sku: as_json(one.full_price) for one in some if one.full_price is not None}
            prior = {one.sku: as_json(one.prior_price) for one in some if one.prior_price is not None}
            notify(
                f"product:{slug}", "price", prices=prices, **({"full": full, "prior": prior} if full else {})
            )


def announce_visibility(products: Sequence[Product], before: Mapping[int, bool]) -> None:
    for product in sorted(products, key=lambda one: one.slug):
        notify(f"product:{product.slug}", "visibility", visible=product.is_visible)
