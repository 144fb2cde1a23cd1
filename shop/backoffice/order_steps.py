"""What staff may do to an order: each button with who may press it, when it is there, what it asks and what it does.

Nothing here changes an order by itself. The services do, and they refuse what has become impossible since the page
was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial, reduce
from operator import add
from typing import TYPE_CHECKING, Any

from django import forms
from djmoney.money import Money
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.postal import AddressInvalid, normalise
from shop.orders.editing import BEFORE_PACKING, change_address
from shop.orders.models import Order, OrderLine, Shipment
from shop.orders.services import deliver_parcel, pack_order, ship_order
from shop.payments.cancellations import cancel_order
from shop.payments.line_cancellations import cancel_lines
from shop.payments.models import Payment
from shop.payments.refunds import refund_lines, refund_order

if TYPE_CHECKING:
    from accounts.models import User

Status = Order.Status


@dataclass(frozen=True)
class Sums:
    """What an order's payments add up to, counted from rows already fetched."""

    payments: list[Payment]
    paid: Money
    refunded: Money
    refundable: Money
    disputed: Money

    @classmethod
    def of(cls, order: Order) -> Sums:
        payments = list(order.payments.all())
        total = partial(_added, Money(0, order.total.currency))
        paid = [payment for payment in payments if payment.status == Payment.Status.SUCCEEDED]
        return cls(
            payments,
            paid=total(payment.amount for payment in paid),
            refunded=total(payment.refunded for payment in paid),
            refundable=total(payment.refundable for payment in payments),
            disputed=total(payment.disputed for payment in paid),
        )


def _added(zero: Money, amounts: Iterable[Money]) -> Money:
    return reduce(add, amounts, zero)


class StepForm(forms.Form):
    """A step that asks nothing more than to be pressed."""

    def __init__(self, *args: Any, order: Order, sums: Sums, **kwargs: Any) -> None:
        self.order, self.sums = order, sums
        super().__init__(*args, **kwargs)


class QuantitiesForm(StepForm):
    """One number for each line of which there may be some; the cleaned `quantities` are by the line's id."""

    default_is_all = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for line in self.order.lines.all():
            if most := self.most(line):
                self.fields[f"line_{line.pk}"] = forms.IntegerField(
                    label=f"{line.title}, {line.options}".removesuffix(", "),
                    help_text=f"of {most}",
                    min_value=0,
                    max_value=most,
                    initial=most if self.default_is_all else 0,
                    required=False,
                    widget=UnfoldAdminIntegerFieldWidget,
                )

        self.order_fields([name for name in self.fields if name.startswith("line_")])

    def most(self, line: OrderLine) -> int:
        raise NotImplementedError

    def quantities(self) -> dict[int, int] | None:
        """None where no number was given at all."""
        given = {
            int(name.removeprefix("line_")): value
            for name, value in self.cleaned_data.items()
            if name.startswith("line_") and value is not None
        }
        return given or None

    def clean(self) -> dict[str, Any]:
        return (super().clean() or {}) | {"quantities": self.quantities()}


class ShipForm(QuantitiesForm):
    carrier = forms.CharField(max_length=80, widget=UnfoldAdminTextInputWidget)
    tracking_number = forms.CharField(max_length=80, widget=UnfoldAdminTextInputWidget)

    def most(self, line: OrderLine) -> int:
        return line.to_ship


class DeliverForm(StepForm):
    """Asks which parcel where several are under way."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.under_way = {str(one.pk): one for one in _under_way(self.order)}
        if len(self.under_way) > 1:
            choices = [(pk, str(one)) for pk, one in self.under_way.items()]
            self.fields["parcel"] = forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        only = next(iter(self.under_way), "")
        return data | {"shipment": self.under_way.get(data.get("parcel", only))}


def _under_way(order: Order) -> list[Shipment]:
    return [one for one in order.shipments.all() if one.delivered_at is None]


class CancelForm(StepForm):
    why = forms.CharField(label="Reason", max_length=200, widget=UnfoldAdminTextInputWidget)


class AddressForm(StepForm):
    """All but the country, which would change the price."""

    why = forms.CharField(label="Reason", max_length=200, widget=UnfoldAdminTextInputWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in Order.FIELDS:
            if name != "country":
                field: Any = Order._meta.get_field(name)
                self.fields[name] = forms.CharField(
                    label=str(field.verbose_name).capitalize(),
                    max_length=field.max_length,
                    required=not field.blank,
                    initial=getattr(self.order, name),
                    widget=UnfoldAdminTextInputWidget,
                )
        self.order_fields([*(name for name in Order.FIELDS), "why"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        address = {name: data.get(name, "") for name in Order.FIELDS} | {"country": str(self.order.country)}
        if not self.errors:
            try:
                normalise(address)
            except AddressInvalid as invalid:
                for name, sentence in invalid.errors.items():
                    self.add_error(name if name in self.fields else None, sentence)
        return data | {"address": address}


class CancelLinesForm(QuantitiesForm):
    default_is_all = False
    why = forms.CharField(label="Reason", max_length=200, widget=UnfoldAdminTextInputWidget)

    def most(self, line: OrderLine) -> int:
        return line.to_ship


class RefundLinesForm(QuantitiesForm):
    default_is_all = False
    shipping = forms.DecimalField(
        label="Of the delivery",
        min_value=0,
        max_digits=12,
        decimal_places=3,
        required=False,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget)

    def most(self, line: OrderLine) -> int:
        return line.to_refund

    def clean_shipping(self) -> Money | None:
        amount = self.cleaned_data["shipping"]
        return None if amount is None else Money(amount, self.order.total.currency)


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
        amount, left = self.cleaned_data["amount"], self.sums.refundable
        if amount is None:
            return None
        if amount > left.amount:
            raise forms.ValidationError(f"Only {left} can still be given back.")
        return Money(amount, left.currency)


@dataclass(frozen=True)
class Step:
    label: str
    permission: str
    offered: Callable[[Order, Sums], bool]
    run: Callable[[Order, User, dict[str, Any]], object]
    done: str
    form: type[StepForm] = StepForm
    # Takes something away, so it stands apart from what moves an order on.
    grave: bool = False


def _leads_to(status: str) -> Callable[[Order, Sums], bool]:
    return lambda order, sums: order.status in Order.COMES_FROM[status]


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
        run=lambda order, by, data: ship_order(
            order, data["carrier"], data["tracking_number"], by=by, quantities=data["quantities"]
        ),
        done="shipped",
        form=ShipForm,
    ),
    "deliver": Step(
        label="Mark as delivered",
        permission=SENDS,
        offered=lambda order, sums: bool(_under_way(order)),
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
    "refund-lines": Step(
        label="Refund by line",
        permission=GIVES_BACK,
        offered=lambda order, sums: sums.refundable.amount > 0,
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
        offered=lambda order, sums: order.status in (Status.PAID, Status.PACKED),
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
