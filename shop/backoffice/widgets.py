"""Inputs that Unfold does not have."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.forms import HiddenInput
from djmoney.forms.widgets import MoneyWidget
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextInputWidget


class PriceWidget(MoneyWidget):
    """An amount alone: the shop sells in one currency, so there is nothing to choose."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(
            amount_widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", **(attrs or {})}),
            currency_widget=HiddenInput(),
            default_currency=settings.DEFAULT_CURRENCY,
        )

    def decompress(self, value: Any) -> list[Any]:
        amount, currency = super().decompress(value)
        if isinstance(amount, Decimal) and amount == round(amount, 2):
            amount = round(amount, 2)
        return [amount, currency]


class NumberWidget(UnfoldAdminDecimalFieldWidget):
    """`3` for what the database keeps as 3.0000."""

    def format_value(self, value: Any) -> Any:
        return f"{value.normalize():f}" if isinstance(value, Decimal) else super().format_value(value)
