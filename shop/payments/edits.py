"""Changing what a paid order holds before it is packed: its stock, its money and its papers move together.

What makes it cheaper counts at once, and the difference goes back. What makes it dearer waits for the difference,
and until then the order stays as it was; it counts in the transaction that hears of the money.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from djmoney.money import Money

from shop.catalog.models import Variant
from shop.errors import ShopError
from shop.inventory import services as inventory
from shop.inventory.models import Stock
from shop.inventory.services import OutOfStock
from shop.money import in_words
from shop.orders.amending import undo_edit, write_edit, write_of_edit
from shop.orders.edit_invoicing import invoice_edit
from shop.orders.models import Order, OrderEdit, OrderEditLine
from shop.payments.edit_plans import NotEditable, Plan, plan_edit
from shop.payments.models import Payment
from shop.payments.refunds import refund_order
from shop.payments.services import close_payment

if TYPE_CHECKING:
    from accounts.models import User

logger = logging.getLogger(__name__)
Status = OrderEdit.Status
# How long a change waits for its difference, as an exchange does.
PATIENCE = timedelta(days=7)
AT_ONCE = 100


class EditPriceMoved(ShopError):
    code = "edit_price_moved"
    message = "What it comes to has changed. Please look at it again."


@transaction.atomic
def edit_order(
    order: Order,
    quantities: Mapping[int, int],
    added: Mapping[int, int] | None = None,
    *,
    by: User | None = None,
    why: str = "",
    agreed: Money | None = None,
) -> OrderEdit:
    """Changes how many of each line (by its id) are sent, and adds so many of other variants (by their id).

    `agreed` is the difference as whoever asks has seen it. Raises WrongStatus unless paid and not packed, EditWaits,
    NotEditable, EditPriceMoved, OutOfStock or NothingToRefund, and then nothing has happened.
    """
    locked = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    if locked.status == Order.Status.PENDING:
        raise NotEditable("It is not paid yet. Its buyer can let it go and order again.")
    if locked.status != Order.Status.PAID:
        raise locked.wrong_status()
    locked.require_no_open_edit()
    plan = plan_edit(locked, quantities, added or {})
    if agreed is not None and plan.difference != agreed:
        raise EditPriceMoved(f"The difference is now {in_words(plan.difference)}. Please look at it again.")
    edit = OrderEdit(order=locked, difference=plan.difference, why=why[:200], actor=by)
    try:
        return _propose(edit, plan) if plan.difference.amount > 0 else _make(edit, plan)
    except OutOfStock as error:
        raise _in_words(error) from None


def _propose(edit: OrderEdit, plan: Plan) -> OrderEdit:
    order = edit.order
    if settings.PAYMENT_CAPTURE == "at_shipping" or order.payments.filter(status__in=Payment.HELD).exists():
        raise NotEditable(
            "It would cost more, and what a bank holds until the parcel leaves cannot be raised. "
            "Take as much off as you add, or have the buyer order the rest."
        )
    edit.status, edit.expires_at = Status.OPEN, timezone.now() + PATIENCE
    _keep(edit, plan)
    order.record("edit_proposed", by=edit.actor, why=_said(edit), amount=str(edit.difference), edit=edit.pk)
    write_of_edit(edit, "edit_proposed")
    _promise(edit, inventory.reserve(edit.reference, edit.more(), edit.expires_at))
    return edit


def _make(edit: OrderEdit, plan: Plan) -> OrderEdit:
    order = edit.order
    edit.status = Status.APPLIED
    _keep(edit, plan)
    order.record("edited", by=edit.actor, why=_said(edit), amount=str(edit.difference), edit=edit.pk)
    if edit.difference.amount < 0:
        refund_order(order, -edit.difference, by=edit.actor, reason=_said(edit), edit=edit)
    _promise(edit, inventory.exchange(order.public_id, edit.more(), edit.fewer()))
    write_edit(order, edit)
    # What made it cheaper is credited when the refund arrives.
    invoice = invoice_edit(order, edit) if not edit.difference.amount else None
    write_of_edit(edit, "edited", invoice.pk if invoice else None)
    return edit


@transaction.atomic
def take_back_edit(edit: OrderEdit, *, by: User | None = None, why: str = "") -> bool:
    """The order stays as it is, and what was set aside is free. A second call does nothing, nor one after it was paid.

    Money that comes for it after all goes back by itself.
    """
    edit.order = Order.objects.select_for_update(no_key=True).get(pk=edit.order_id)
    if not undo_edit(edit, by=by, why=why):
        return False
    write_of_edit(edit, "edit_undone", why=why)
    for payment in Payment.objects.open().filter(edit=edit):
        close_payment.enqueue(payment.pk)
    return True


def expire_edits() -> int:
    """Undoes changes whose difference was not paid in time, unless a payment is under way; returns how many."""
    under_way = Payment.objects.filter(status=Payment.Status.PROCESSING, edit__isnull=False).values("edit")
    undone = 0
    for edit in OrderEdit.objects.overdue().exclude(pk__in=under_way)[:AT_ONCE]:
        try:
            undone += take_back_edit(edit, why="The difference was not paid in time.")
        except Exception:
            # One that cannot be undone must not keep the others' stock.
            logger.exception("edit %s could not be undone", edit.pk)
    return undone


def _keep(edit: OrderEdit, plan: Plan) -> None:
    edit.save()
    for line in plan.lines:
        line.edit = edit
    OrderEditLine.objects.bulk_create(plan.lines)


def _promise(edit: OrderEdit, ahead: Mapping[int, int]) -> None:
    """What has to be made leaves so many days from today; an order counts them from when it was placed."""
    since: date = timezone.localdate(edit.order.placed_at)
    for stock in Stock.objects.filter(pk__in=list(ahead)):
        days = stock.lead_days + (timezone.localdate() - since).days
        edit.lines.filter(variant=stock.pk, quantity__gt=0).update(ahead=ahead[stock.pk], lead_days=days)


def _said(edit: OrderEdit) -> str:
    return f"{edit.named}. {edit.why}"[:200].strip()


def _in_words(error: OutOfStock) -> OutOfStock:
    left: dict[int, int] = error.details["short"]  # type: ignore[assignment]
    variants = Variant.objects.select_related("product").filter(pk__in=list(left)).order_by("pk")
    words = ", ".join(f"of “{one.product.title}” ({one.sku}) {left[one.pk]}" for one in variants)
    return OutOfStock(f"There are not that many left: {words}.", short=left)
