"""Stripe's smallest units: cents, yen, thousandths of a dinar. Nothing outside of the gateway counts in them."""

from __future__ import annotations

from decimal import Decimal

from djmoney.money import Money

# https://docs.stripe.com/currencies#special-cases: treated as two-decimal, whatever ISO 4217 says.
TWO_DECIMALS = {"ISK", "UGX"}

# https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts. Of currencies that are not there it asks for
# what comes to as much in the currency of the account.
LEAST = {
    **dict.fromkeys(("USD", "EUR", "AUD", "BRL", "CAD", "CHF", "INR", "NZD", "SGD"), "0.50"),
    **dict.fromkeys(("AED", "MYR", "PLN", "RON"), "2.00"),
    **dict.fromkeys(("NOK", "SEK"), "3.00"),
    **dict.fromkeys(("MXN", "THB"), "10"),
    "GBP": "0.30",
    "BGN": "1.00",
    "DKK": "2.50",
    "HKD": "4.00",
    "CZK": "15.00",
    "JPY": "50",
    "HUF": "175.00",
}


def least_charge(currency: object) -> Money:
    """The smallest amount that can be charged."""
    return Money(LEAST.get(str(currency), 0), str(currency))


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
