"""The smallest amount of a currency, rounding to it (half up, as docs/pricing.md says), money as JSON and in words."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from djmoney.money import Money
from moneyed.l10n import format_money


def minor_unit(currency: object) -> Decimal:
    """0.01 for EUR, 1 for JPY, 0.001 for KWD (ISO 4217 by way of py-moneyed)."""
    return Decimal(1) / Decimal(currency.sub_unit)  # type: ignore[attr-defined]


def rounded(amount: Money) -> Money:
    return Money(amount.amount.quantize(minor_unit(amount.currency), ROUND_HALF_UP), amount.currency)


def total_of(amounts: Iterable[Money], currency: object) -> Money:
    """Their sum; nothing in `currency` where there are none."""
    total = Money(0, currency)
    for amount in amounts:
        total += amount
    return total


def each_of(whole: Money, quantity: int) -> Money:
    """What one of `quantity` equal parts comes to, rounded down: the last takes what is left."""
    return Money((whole.amount / quantity).quantize(minor_unit(whole.currency), ROUND_DOWN), whole.currency)


def payable(amount: Money) -> None:
    """A validator: refuses what nobody could pay, such as half a cent."""
    if amount != rounded(amount):
        raise ValidationError(f"{amount.currency} has no amount smaller than {minor_unit(amount.currency)}.")


def as_json(amount: Money) -> dict[str, str]:
    """`{"amount": "24.00", "currency": "EUR"}`: a string, because a float is not money."""
    figure = amount.amount
    plain = f"{figure:.2f}" if figure == round(figure, 2) else f"{figure:f}"
    return {"amount": plain, "currency": str(amount.currency)}


def from_json(amount: Mapping[str, str]) -> Money:
    return Money(amount["amount"], amount["currency"])


def in_words(amount: Money) -> str:
    """`€24.00`, as the shop's country writes it in English."""
    return format_money(amount, locale=f"en_{settings.SHOP_COUNTRY}")
