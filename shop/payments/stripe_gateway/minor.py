"""Stripe's smallest units: cents, yen, thousandths of a dinar. Nothing outside of the gateway counts in them."""

from __future__ import annotations

from decimal import Decimal

from djmoney.money import Money

# https://docs.stripe.com/currencies#special-cases: treated as two-decimal, whatever ISO 4217 says.
TWO_DECIMALS = {"ISK", "UGX"}


def to_minor(amount: Money) -> int:
    """Stripe's smallest unit. Raises ValueError for an amount that it cannot say."""
    minor = amount.amount * _units(str(amount.currency))
    if minor != int(minor):
        raise ValueError(f"{amount} has more decimals than its currency")
    return int(minor)


def from_minor(minor: int, currency: str) -> Money:
    currency = currency.upper()
    return Money(Decimal(minor) / _units(currency), currency)


def _units(currency: str) -> int:
    return 100 if currency in TWO_DECIMALS else Money(0, currency).currency.sub_unit
