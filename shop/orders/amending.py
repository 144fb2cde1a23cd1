"""Carrying out a change of what an order holds, or dropping it. What it comes to, and when it may, payments say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from shop.inventory import services as inventory
from shop.orders.edit_invoicing import invoice_edit
from shop.orders.edits import OrderEdit, OrderEditLine
from shop.orders.mails import send_order_mail
from shop.orders.models import Order, OrderLine

if TYPE_CHECKING:
    from accounts.models import User

Status = OrderEdit.Status


@transaction.atomic
def apply_paid_edit(edit_id: int, paid_by: str) -> bool:
    """Its difference has come: it counts, and is invoiced. False where it was paid or undone before."""
    edit = OrderEdit.objects.get(pk=edit_id)
    order = Order.objects.select_for_update(no_key=True).get(pk=edit.order_id)
    if order.status != Order.Status.PAID or not OrderEdit.objects.open().filter(pk=edit_id).update(
        status=Status.APPLIED
    ):
        return False
    edit.order, edit.status = order, Status.APPLIED
    order.record(
        "edited", why=f"{edit.named}. {paid_by}"[:300].strip(), amount=str(edit.difference), edit=edit.pk
    )
    inventory.hand_over(edit.reference, to=order.public_id)
    if fewer := edit.fewer():
        inventory.release(order.public_id, fewer)
    write_edit(order, edit)
    invoice = invoice_edit(order, edit, paid_by)
    write_of_edit(edit, "edited", invoice.pk if invoice else None)
    return True


def write_edit(order: Order, edit: OrderEdit) -> None:
    """The lines and sums of the order as the edit has them. The caller holds the order's row."""
    for change in edit.lines.select_related("order_line", "variant"):
        if change.order_line:
            _shrink(change.order_line, change)
        else:
            order.lines.create(**{name: getattr(change, name) for name in COPIED})
        for name in ("discount", "tax_added", "tax", "total"):
            setattr(order, name, getattr(order, name) + getattr(change, name))
        order.subtotal += change.gross
    order.save(update_fields=["subtotal", "discount", "tax_added", "tax", "total"])


COPIED = [
    *("variant", "sku", "title", "options", "unit_price", "quantity", "ahead", "lead_days"),
    *("discount", "tax_added", "tax_percent", "tax", "total"),
]


def _shrink(line: OrderLine, change: OrderEditLine) -> None:
    """By so many, those that are not there yet first. Added up here: SQLite would add binary fractions."""
    line.quantity += change.quantity
    if not line.quantity:
        line.delete()
        return
    line.ahead = max(0, line.ahead + change.quantity)
    for name in ("discount", "tax_added", "tax", "total"):
        setattr(line, name, getattr(line, name) + getattr(change, name))
    line.save(update_fields=["quantity", "ahead", "discount", "tax_added", "tax", "total"])


@transaction.atomic
def undo_edit(edit: OrderEdit, *, by: User | None = None, why: str = "") -> bool:
    """The order stays as it is, and what was set aside is free again.

    Returns whether it was this call that undid it. The caller holds the order's row.
    """
    if not _drop(edit, by, why):
        return False
    inventory.release(edit.reference)
    return True


def release_stock(order: Order) -> OrderEdit | None:
    """What the order holds, and what a change of it that waits to be paid does; returns the change, undone."""
    edit = order.edits.open().first()
    if edit is None or not _drop(edit, None, ""):
        inventory.release(order.public_id)
        return None
    inventory.release_all(order.public_id, edit.reference)
    return edit


def _drop(edit: OrderEdit, by: User | None, why: str) -> bool:
    if not OrderEdit.objects.open().filter(pk=edit.pk).update(status=Status.UNDONE):
        return False
    edit.status = Status.UNDONE
    edit.order.record("edit_undone", by=by, why=f"{edit.named}. {why}"[:300].strip())
    return True


def write_of_edit(edit: OrderEdit, kind: str, document_id: int | None = None, why: str = "") -> None:
    details = {"edit_id": edit.pk, "document_id": document_id, "why": why}
    send_order_mail.enqueue(edit.order_id, kind, details)
