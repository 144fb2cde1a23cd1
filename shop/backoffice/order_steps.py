"""What staff may do to an order: each button with who may press it, when it is there, what it asks and what it does.

Nothing here changes an order by itself. The services do, and they refuse what has become impossible since the page
was shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shop.backoffice.order_edit_forms import EditForm, TakeBackForm
from shop.backoffice.order_forms import (
    AddressForm,
    CancelForm,
    CancelLinesForm,
    DeliverForm,
    RefundForm,
    RefundLinesForm,
    ShipForm,
    StepForm,
    under_way,
)
from shop.backoffice.order_sums import Sums
from shop.orders.editing import BEFORE_PACKING, change_address
from shop.orders.models import Order, OrderEdit
from shop.orders.services import deliver_parcel, pack_order, ship_order
from shop.payments.cancellations import cancel_order
from shop.payments.edits import edit_order, take_back_edit
from shop.payments.line_cancellations import cancel_lines
from shop.payments.line_refunds import refund_lines
from shop.payments.refunds import refund_order

if TYPE_CHECKING:
    from accounts.models import User

Status = Order.Status


@dataclass(frozen=True)
class Step:
    label: str
    permission: str
    offered: Callable[[Order, Sums], bool]
    run: Callable[[Order, User, dict[str, Any]], object]
    # What it did, in words: the same each time, or read from what `run` returned.
    done: str | Callable[[Any], str]
    form: type[StepForm] = StepForm
    # Takes something away, so it stands apart from what moves an order on.
    grave: bool = False


def _leads_to(status: str) -> Callable[[Order, Sums], bool]:
    return lambda order, sums: order.status in Order.COMES_FROM[status]


def _edited(edit: OrderEdit) -> str:
    return f"the buyer is asked for {edit.difference}" if edit.is_open else "changed"


# Whoever sends parcels packs them too. Whoever gives money back may also cancel: cancelling a paid order does both.
SENDS, GIVES_BACK = "orders.add_shipment", "payments.add_refund"

STEPS: dict[str, Step] = {
    "pack": Step(
        label="Mark as packed",
        permission=SENDS,
        offered=lambda order, sums: order.status == Status.PAID and not sums.edit,
        run=lambda order, by, data: pack_order(order, by=by),
        done="packed",
    ),
    "ship": Step(
        label="Ship",
        permission=SENDS,
        offered=_leads_to(Status.SHIPPED),
        run=lambda order, by, data: ship_order(
            order, data["carrier"], data["tracking_number"], by=by, quantities=data["quantities"]
        ),
        done="shipped",
        form=ShipForm,
    ),
    "deliver": Step(
        label="Mark as delivered",
        permission=SENDS,
        offered=lambda order, sums: bool(under_way(order)),
        run=lambda order, by, data: deliver_parcel(data["shipment"], by=by) if data["shipment"] else None,
        done="delivered",
        form=DeliverForm,
    ),
    "address": Step(
        label="Change the address",
        permission="orders.change_order",
        offered=lambda order, sums: order.status in BEFORE_PACKING,
        run=lambda order, by, data: change_address(order, data["address"], why=data["why"], by=by),
        done="goes to another address",
        form=AddressForm,
    ),
    "edit": Step(
        label="Change the prints",
        permission=GIVES_BACK,
        offered=lambda order, sums: order.status == Status.PAID and not sums.edit,
        run=lambda order, by, data: edit_order(
            order,
            data["quantities"] or {},
            data["added"],
            by=by,
            why=data["why"],
            agreed=data["plan"].difference,
        ),
        done=_edited,
        form=EditForm,
    ),
    "take-back": Step(
        label="Take the change back",
        permission=GIVES_BACK,
        offered=lambda order, sums: bool(sums.edit),
        run=lambda order, by, data: take_back_edit(data["edit"], by=by, why=data["why"]),
        done="stays as it was",
        form=TakeBackForm,
    ),
    "refund-lines": Step(
        label="Refund by line",
        permission=GIVES_BACK,
        offered=lambda order, sums: sums.refundable.amount > 0 and not sums.edit,
        run=lambda order, by, data: refund_lines(
            order, data["quantities"] or {}, shipping=data["shipping"], by=by, reason=data["reason"]
        ),
        done="refund asked for",
        form=RefundLinesForm,
        grave=True,
    ),
    "refund": Step(
        label="Refund an amount",
        permission=GIVES_BACK,
        offered=lambda order, sums: sums.refundable.amount > 0,
        run=lambda order, by, data: refund_order(order, data["amount"], by=by, reason=data["reason"]),
        done="refund asked for",
        form=RefundForm,
        grave=True,
    ),
    "cancel-lines": Step(
        label="Cancel lines",
        permission=GIVES_BACK,
        offered=lambda order, sums: order.status in (Status.PAID, Status.PACKED) and not sums.edit,
        run=lambda order, by, data: cancel_lines(order, data["quantities"] or {}, by=by, why=data["why"]),
        done="cancelled in part",
        form=CancelLinesForm,
        grave=True,
    ),
    "cancel": Step(
        label="Cancel order",
        permission=GIVES_BACK,
        offered=lambda order, sums: (
            order.status in Order.COMES_FROM[Status.CANCELLED] and not order.shipments.all()
        ),
        run=lambda order, by, data: cancel_order(order, by=by, why=data["why"]),
        done="cancelled",
        form=CancelForm,
        grave=True,
    ),
}
