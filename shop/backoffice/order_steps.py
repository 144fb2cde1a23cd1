"""What staff may do to an order: each button with who may press it, when it is there, what it asks and what it does.

Nothing here changes an order by itself. The services do, and they refuse what has become impossible since the page
was shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from djmoney.money import Money
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextInputWidget

from shop.orders.models import Order
from shop.orders.services import deliver_order, pack_order, ship_order
from shop.payments.cancellations import cancel_order
from shop.payments.models import Payment, Refund
from shop.payments.refunds import refund_order

if TYPE_CHECKING:
    from accounts.models import User

Status = Order.Status


@dataclass(frozen=True)
class Ledger:
    """What an order's payments add up to, counted from rows already fetched."""

    payments: list[Payment]
    paid: Money
    refunded: Money

    @property
    def refundable(self) -> Money:
        return self.paid - self.refunded

    @classmethod
    def of(cls, order: Order) -> Ledger:
        payments = list(order.payments.all())
        zero = Money(0, order.total.currency)
        paid = [payment for payment in payments if payment.status == Payment.Status.SUCCEEDED]
        given_back = [
            refund.amount
            for payment in paid
            for refund in payment.refunds.all()
            if refund.status != Refund.Status.FAILED
        ]
        return cls(payments, sum((payment.amount for payment in paid), zero), sum(given_back, zero))


class StepForm(forms.Form):
    """A step that asks nothing more than to be pressed."""

    def __init__(self, *args: Any, ledger: Ledger, **kwargs: Any) -> None:
        self.ledger = ledger
        super().__init__(*args, **kwargs)


class ShipForm(StepForm):
    carrier = forms.CharField(max_length=80, widget=UnfoldAdminTextInputWidget)
    tracking_number = forms.CharField(max_length=80, widget=UnfoldAdminTextInputWidget)


class CancelForm(StepForm):
    why = forms.CharField(label="Reason", max_length=200, widget=UnfoldAdminTextInputWidget)


class RefundForm(StepForm):
    amount = forms.DecimalField(
        min_value=Decimal("0.01"),
        max_digits=12,
        decimal_places=2,
        required=False,
        help_text="Empty gives back everything that is left.",
        widget=UnfoldAdminDecimalFieldWidget,
    )
    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget)

    def clean_amount(self) -> Money | None:
        amount, left = self.cleaned_data["amount"], self.ledger.refundable
        if amount is None:
            return None
        if amount > left.amount:
            raise forms.ValidationError(f"Only {left} can still be given back.")
        return Money(amount, left.currency)


@dataclass(frozen=True)
class Step:
    label: str
    permission: str
    offered: Callable[[Order, Ledger], bool]
    run: Callable[[Order, User, dict[str, Any]], object]
    done: str
    form: type[StepForm] = StepForm
    # Takes something away, so it stands apart from what moves an order on.
    grave: bool = False


def _leads_to(status: str) -> Callable[[Order, Ledger], bool]:
    return lambda order, ledger: order.status in Order.COMES_FROM[status]


# Whoever sends parcels packs them too. Whoever gives money back may also cancel: cancelling a paid order does both.
SENDS, GIVES_BACK = "orders.add_shipment", "payments.add_refund"

STEPS: dict[str, Step] = {
    "pack": Step(
        label="Mark as packed",
        permission=SENDS,
        offered=_leads_to(Status.PACKED),
        run=lambda order, by, data: pack_order(order, by=by),
        done="packed",
    ),
    "ship": Step(
        label="Ship",
        permission=SENDS,
        offered=_leads_to(Status.SHIPPED),
        run=lambda order, by, data: ship_order(order, data["carrier"], data["tracking_number"], by=by),
        done="shipped",
        form=ShipForm,
    ),
    "deliver": Step(
        label="Mark as delivered",
        permission=SENDS,
        offered=_leads_to(Status.DELIVERED),
        run=lambda order, by, data: deliver_order(order, by=by),
        done="delivered",
    ),
    "refund": Step(
        label="Refund",
        permission=GIVES_BACK,
        offered=lambda order, ledger: ledger.refundable.amount > 0,
        run=lambda order, by, data: refund_order(order, data["amount"], by=by, reason=data["reason"]),
        done="refund asked for",
        form=RefundForm,
        grave=True,
    ),
    "cancel": Step(
        label="Cancel order",
        permission=GIVES_BACK,
        offered=_leads_to(Status.CANCELLED),
        run=lambda order, by, data: cancel_order(order, by=by, why=data["why"]),
        done="cancelled",
        form=CancelForm,
        grave=True,
    ),
}
