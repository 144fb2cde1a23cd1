"""Taking stock, giving it back, sending it off: each a guarded update inside the caller's transaction.

Variants are always taken in the order of their ids, so that two orders for the same prints wait for one
another instead of deadlocking.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils.module_loading import import_string

from shop.catalog.models import Variant
from shop.errors import ShopError
from shop.inventory.announcing import announce, tell_pages
from shop.inventory.models import Reservation, Stock, StockMovement
from shop.inventory.shelf import require_on_shelf

if TYPE_CHECKING:
    from accounts.models import User

State = Reservation.State


class OutOfStock(ShopError):
    """`details["short"]` maps the id of each variant that falls short to how many there are."""

    code = "out_of_stock"
    message = "There are not that many left."


class NotHeld(ShopError):
    code = "not_held"
    message = "Not so many of it are set aside for this order."


class BelowPromised(ShopError):
    code = "below_promised"
    message = "More are already sold beyond what is on the shelf."


@transaction.atomic
def reserve(reference: str, quantities: Mapping[int, int], until: datetime | None) -> dict[int, int]:
    """Holds stock for `reference`, all of it or none. Raises OutOfStock naming every variant that falls short.

    Returns how many of each variant have to be made, of those where any have.
    """
    _take_and_free(quantities, {})
    Reservation.objects.bulk_create(
        Reservation(reference=reference, variant_id=variant_id, quantity=quantity, expires_at=until)
        for variant_id, quantity in sorted(quantities.items())
    )
    return _made(quantities, announce({variant_id: -quantity for variant_id, quantity in quantities.items()}))


@transaction.atomic
def exchange(reference: str, more: Mapping[int, int], fewer: Mapping[int, int]) -> dict[int, int]:
    """Holds so many more of some variants for good and gives so many of others back, all of it or none.

    Returns and raises as `reserve` does; NotHeld for more than is held.
    """
    _take_and_free(more, _let_go(reference, State.RELEASED, fewer))
    for variant_id, quantity in sorted(more.items()):
        _hold(reference, variant_id, quantity)
    both = {variant_id: fewer.get(variant_id, 0) - more.get(variant_id, 0) for variant_id in {*more, *fewer}}
    return _made(more, announce(both))


@transaction.atomic
def hand_over(reference: str, to: str) -> None:
    """What `reference` holds is held for good by `to`, in whose place it waits where that holds some of it already."""
    for held in Reservation.objects.held().filter(reference=reference).order_by("variant_id"):
        held.delete()
        _hold(to, held.variant_id, held.quantity)


def _hold(reference: str, variant_id: int, quantity: int) -> None:
    mine = Reservation.objects.filter(reference=reference, variant_id=variant_id)
    if not mine.held().update(quantity=F("quantity") + quantity):
        mine.delete()  # what was let go of before, whose place is lost
        mine.create(reference=reference, variant_id=variant_id, quantity=quantity)


def _take_and_free(taken: Mapping[int, int], freed: Mapping[int, int]) -> None:
    """In one pass over all of them, in the order of their ids. Raises OutOfStock."""
    take = import_string(settings.STOCK_TAKING)
    short = []
    for variant_id in sorted({*taken, *freed}):
        if variant_id in freed:
            _free(variant_id, freed[variant_id])
        if variant_id in taken and not take(variant_id, taken[variant_id]):
            short.append(variant_id)
    if short:
        left = dict.fromkeys(short, 0)
        for stock in Stock.objects.filter(variant_id__in=short):
            left[stock.variant_id] = stock.available
        raise OutOfStock(short=left)


def _free(variant_id: int, quantity: int) -> None:
    Stock.objects.filter(variant_id=variant_id).update(reserved=F("reserved") - quantity)


def _made(taken: Mapping[int, int], stocks: list[Stock]) -> dict[int, int]:
    """What was taken last is the first that is not there."""
    return {
        stock.pk: min(stock.owed, taken[stock.pk]) for stock in stocks if stock.owed and stock.pk in taken
    }


def keep(reference: str) -> None:
    """The reservation no longer expires: it was paid."""
    Reservation.objects.filter(reference=reference, state=State.HELD).update(expires_at=None)


@transaction.atomic
def release(reference: str, quantities: Mapping[int, int] | None = None) -> bool:
    """Gives back what `reference` still holds, or so many of each variant. Returns whether it held any.

    A second call without quantities gives nothing back. Raises NotHeld for more than is held.
    """
    freed = _let_go(reference, State.RELEASED, quantities)
    _take_and_free({}, freed)
    announce(freed)
    return bool(freed)


@transaction.atomic
def release_all(*references: str) -> bool:
    """Gives back whatever these hold, in one pass over the variants. Returns whether they held any."""
    freed: Counter[int] = Counter()
    for reference in references:
        freed.update(_let_go(reference, State.RELEASED, None))
    _take_and_free({}, freed)
    announce(freed)
    return bool(freed)


@transaction.atomic
def ship(reference: str, quantities: Mapping[int, int] | None = None, actor: User | None = None) -> None:
    """What `reference` holds leaves the shelf, all of it or so many of each variant.

    A second call without quantities sends nothing twice. Raises NotHeld for more than is held,
    NotThereYet where the shelf is empty, or what lies there is of orders before this one.
    """
    require_on_shelf(reference, quantities)
    sent = _let_go(reference, State.SHIPPED, quantities)
    for variant_id, quantity in sent.items():
        Stock.objects.filter(variant_id=variant_id).update(
            reserved=F("reserved") - quantity, on_hand=F("on_hand") - quantity
        )
    StockMovement.objects.bulk_create(
        StockMovement(
            variant_id=variant_id,
            quantity=-quantity,
            reason=StockMovement.Reason.SHIPPED,
            reference=reference,
            actor=actor,
        )
        for variant_id, quantity in sent.items()
    )
    announce(dict.fromkeys(sent, 0))


@transaction.atomic
def receive(
    variant: Variant,
    quantity: int,
    reason: str = StockMovement.Reason.RECEIVED,
    *,
    actor: User | None = None,
    reference: str = "",
) -> None:
    """Adds to (or, negative, takes from) what is on the shelf.

    Raises OutOfStock where orders hold more than would be left and could be made.
    """
    Stock.objects.get_or_create(variant=variant)
    room = F("reserved") - F("backorder_limit") - quantity
    enough = Stock.objects.filter(variant=variant, on_hand__gte=Greatest(room, -quantity))
    if not enough.update(on_hand=F("on_hand") + quantity):
        raise OutOfStock("Fewer would be left than are already reserved for orders.")
    StockMovement.objects.create(
        variant=variant, quantity=quantity, reason=reason, reference=reference, actor=actor
    )
    announce({variant.pk: quantity})


@transaction.atomic
def allow_backorders(variant: Variant, limit: int, lead_days: int) -> None:
    """So many may be sold beyond what is there. Raises BelowPromised for fewer than have been."""
    Stock.objects.get_or_create(variant=variant)
    stock = Stock.objects.select_for_update(no_key=True).get(variant=variant)
    if limit < stock.owed:
        raise BelowPromised(
            f"{stock.owed} are already sold beyond what is on the shelf: not fewer than that."
        )
    stock.backorder_limit, stock.lead_days = limit, lead_days
    stock.save(update_fields=["backorder_limit", "lead_days"])
    tell_pages(stock)


def _let_go(reference: str, state: str, quantities: Mapping[int, int] | None) -> dict[int, int]:
    """Ends held reservations of `reference`, in variant order, and returns how many of each variant this call ended.

    Of one that is let go in part the rest stays held; what it lost is in the ledger.
    """
    ended: dict[int, int] = {}
    held = Reservation.objects.filter(reference=reference, state=State.HELD)
    for reservation in held.order_by("variant_id"):
        had = reservation.quantity
        wanted = had if quantities is None else quantities.get(reservation.variant_id, 0)
        unchanged = held.filter(pk=reservation.pk, quantity=had)
        change = {"state": state} if wanted == had else {"quantity": had - wanted}
        if 0 < wanted <= had and unchanged.update(**change):
            ended[reservation.variant_id] = wanted
    if quantities is not None and ended != quantities:
        raise NotHeld
    return ended
