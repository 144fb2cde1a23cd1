"""Calling single prints of an order off before they leave: stock and money go back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db import transaction

from shop.errors import ShopError
from shop.inventory import services as inventory
from shop.orders.mails import send_order_mail
from shop.orders.models import Order, OrderLine
from shop.payments.cancellations import cancel_order
from shop.payments.carried import value_of
from shop.payments.line_refunds import refund_lines

if TYPE_CHECKING:
    from accounts.models import User

Status = Order.Status


class NothingToCancel(ShopError):
    code = "nothing_to_cancel"
    message = "Not so many of it can still be cancelled."


@transaction.atomic
def cancel_lines(
    order: Order, quantities: Mapping[int, int], *, by: User | None = None, why: str = ""
) -> None:
    """Cancels so many of each line (by its id) of a paid order; all that there is cancels the order itself.

    Raises WrongStatus unless paid or packed, NothingToCancel for what has left or was cancelled before, EditWaits while
    a change of the order waits to be paid.
    """
    locked = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    if locked.status not in (Status.PAID, Status.PACKED):
        raise locked.wrong_status()
    every = list(locked.lines.all())
    if not any(line.shipped or quantities.get(line.pk, 0) < line.to_ship for line in every):
        cancel_order(locked, by=by, why=why)
        return
    locked.require_no_open_edit()
    lines = [line for line in every if quantities.get(line.pk)]
    freed = _called_off(lines, quantities)
    named = ", ".join(f"{quantities[line.pk]} × {line.title}" for line in lines)
    locked.record("lines_cancelled", by=by, why=f"{named}. {why}"[:300].strip())
    # Before the stock, as cancelling takes their locks.
    worth = {line.pk: min(quantities[line.pk], line.to_refund) for line in lines if value_of(line).amount}
    if any(worth.values()):
        refund_lines(locked, worth, by=by, reason=why)
    send_order_mail.enqueue(locked.pk, "lines_cancelled", {"named": named, "why": why})
    _close_if_nothing_is_left(locked, by)
    inventory.release(locked.public_id, freed)


def _called_off(lines: list[OrderLine], quantities: Mapping[int, int]) -> Counter[int]:
    """How many of each variant are free again."""
    freed: Counter[int] = Counter()
    for line in lines:
        quantity = quantities[line.pk]
        if quantity < 0 or not line.cancel(quantity):
            raise NothingToCancel
        freed[line.variant_id or 0] += quantity
    if not freed:
        raise NothingToCancel
    return freed


def _close_if_nothing_is_left(order: Order, by: User | None) -> None:
    if order.unsent:
        return
    order.move_to(Status.SHIPPED, by=by, why="What had not left was cancelled.")
    if not order.shipments.filter(delivered_at=None).exists():
        order.move_to(Status.DELIVERED, by=by)
