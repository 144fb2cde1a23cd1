"""What each step of an order asks of staff: the shape of the answer, and no rule beyond it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from djmoney.money import Money
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.postal import AddressInvalid, normalise
from shop.backoffice.order_sums import Sums
from shop.orders.models import Order, OrderLine, Shipment


class StepForm(forms.Form):
    """A step that asks nothing more than to be pressed."""

    def __init__(self, *args: Any, order: Order, sums: Sums, **kwargs: Any) -> None:
        self.order, self.sums = order, sums
        super().__init__(*args, **kwargs)

    @property
    def has_been_seen(self) -> bool:
        """Whether what it comes to was on the page before; until then it is only shown."""
        return True

    def looked_at(self) -> None:
        """It is shown now."""


class QuantitiesForm(StepForm):
    """One number for each line of which there may be some, here of what is to be sent; the cleaned `quantities` are by
    the line's id.
    """

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
        return line.to_ship

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


class DeliverForm(StepForm):
    """Asks which parcel where several are under way."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.under_way = {str(one.pk): one for one in under_way(self.order)}
        if len(self.under_way) > 1:
            choices = [(pk, str(one)) for pk, one in self.under_way.items()]
            self.fields["parcel"] = forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        only = next(iter(self.under_way), "")
        return data | {"shipment": self.under_way.get(data.get("parcel", only))}


def under_way(order: Order) -> list[Shipment]:
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
