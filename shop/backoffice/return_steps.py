"""What staff may do to a return, as the steps of an order: the services refuse what has become impossible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from djmoney.money import Money
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
)

from shop.backoffice.order_steps import GIVES_BACK, SENDS
from shop.catalog.models import Variant
from shop.returns.exchanges import exchange_return
from shop.returns.models import Return
from shop.returns.services import (
    approve_return,
    receive_return,
    refund_return,
    refuse_return,
    suggested_refund,
)

if TYPE_CHECKING:
    from accounts.models import User

Status = Return.Status


class ReturnStepForm(forms.Form):
    def __init__(self, *args: Any, asked: Return, **kwargs: Any) -> None:
        self.asked = asked
        super().__init__(*args, **kwargs)


class ApproveForm(ReturnStepForm):
    words = forms.CharField(
        label="To the buyer", max_length=500, required=False, widget=UnfoldAdminTextInputWidget
    )


class RefuseForm(ReturnStepForm):
    words = forms.CharField(label="Why, to the buyer", max_length=500, widget=UnfoldAdminTextInputWidget)


class ReceiveForm(ReturnStepForm):
    """How many of each go back on the shelf; the rest is spoilt."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for line in self.asked.lines.all():
            self.fields[f"line_{line.order_line_id}"] = forms.IntegerField(
                label=f"{line.order_line.title}: good to sell again",
                help_text=f"of {line.quantity}",
                min_value=0,
                max_value=line.quantity,
                initial=line.quantity,
                widget=UnfoldAdminIntegerFieldWidget,
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        chosen = {name: count for name, count in data.items() if name.startswith("line_")}
        return data | {"restock": {int(name.removeprefix("line_")): count for name, count in chosen.items()}}


class RefundReturnForm(ReturnStepForm):
    amount = forms.DecimalField(
        min_value=Decimal("0.01"), max_digits=12, decimal_places=3, widget=UnfoldAdminDecimalFieldWidget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].initial = suggested_refund(self.asked).amount

    def clean_amount(self) -> Money:
        return Money(self.cleaned_data["amount"], self.asked.order.total.currency)


class ExchangeForm(ReturnStepForm):
    sku = forms.CharField(label="SKU of the other print", max_length=40, widget=UnfoldAdminTextInputWidget)

    def clean_sku(self) -> Variant:
        wanted = (
            Variant.objects.with_options()
            .select_related("product")
            .filter(sku=self.cleaned_data["sku"].strip())
        )
        if not (variant := wanted.first()):
            raise forms.ValidationError("There is no such SKU.")
        return variant


@dataclass(frozen=True)
class ReturnStep:
    label: str
    permission: str
    after: str
    run: Callable[[Return, User, dict[str, Any]], object]
    done: str
    form: type[ReturnStepForm]
    grave: bool = False


RETURN_STEPS: dict[str, ReturnStep] = {
    "approve": ReturnStep(
        label="Approve",
        permission=GIVES_BACK,
        after=Status.REQUESTED,
        run=lambda asked, by, data: approve_return(asked, by=by, words=data["words"]),
        done="return approved",
        form=ApproveForm,
    ),
    "refuse": ReturnStep(
        label="Refuse",
        permission=GIVES_BACK,
        after=Status.REQUESTED,
        run=lambda asked, by, data: refuse_return(asked, by=by, words=data["words"]),
        done="return refused",
        form=RefuseForm,
        grave=True,
    ),
    "receive": ReturnStep(
        label="It arrived",
        permission=SENDS,
        after=Status.APPROVED,
        run=lambda asked, by, data: receive_return(asked, data["restock"], by=by),
        done="return received",
        form=ReceiveForm,
    ),
    "refund": ReturnStep(
        label="Refund it",
        permission=GIVES_BACK,
        after=Status.RECEIVED,
        run=lambda asked, by, data: refund_return(asked, data["amount"], by=by),
        done="refund asked for",
        form=RefundReturnForm,
    ),
    "exchange": ReturnStep(
        label="Exchange it",
        permission=GIVES_BACK,
        after=Status.RECEIVED,
        run=lambda asked, by, data: exchange_return(asked, data["sku"], by=by),
        done="exchanged",
        form=ExchangeForm,
    ),
}


def steps_of(asked: Return, may: Callable[[str], bool], tried: dict[str, ReturnStepForm]) -> list[tuple]:
    return [
        (name, step, tried.get(name) or step.form(auto_id=f"id_return_{asked.pk}_{name}_%s", asked=asked))
        for name, step in RETURN_STEPS.items()
        if step.after == asked.status and may(step.permission)
    ]
