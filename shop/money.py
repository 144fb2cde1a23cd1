"""The smallest amount of a currency, and rounding to it: half up, as docs/pricing.md says."""

from decimal import ROUND_HALF_UP, Decimal

from django.core.exceptions import ValidationError
from djmoney.money import Money


def minor_unit(currency: object) -> Decimal:
    """0.01 for EUR, 1 for JPY, 0.001 for KWD (ISO 4217 by way of py-moneyed)."""
    return Decimal(1) / Decimal(currency.sub_unit)  # type: ignore[attr-defined]


def rounded(amount: Money) -> Money:
    return Money(amount.amount.quantize(minor_unit(amount.currency), ROUND_HALF_UP), amount.currency)


def payable(amount: Money) -> None:
    """A validator: refuses what nobody could pay, such as half a cent."""
    if amount != rounded(amount):
        raise ValidationError(f"{amount.currency} has no amount smaller than {minor_unit(amount.currency)}.")
