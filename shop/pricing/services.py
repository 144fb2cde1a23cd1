"""The one function that prices a list of lines. The rule, with worked examples, is in docs/pricing.md.

Prices include tax. Every amount is rounded half up to the currency's minor unit, once, where it arises:
the discount of a line, the tax within a line. Totals only add; they never round.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from operator import add

from djmoney.money import Money

from shop.catalog.models import TaxClass
from shop.money import rounded


@dataclass(frozen=True, slots=True)
class Item:
    """`unit_price` includes tax; `key` is the caller's own handle and comes back untouched."""

    key: Hashable
    unit_price: Money
    quantity: int
    tax_class: str = TaxClass.STANDARD


@dataclass(frozen=True, slots=True)
class PricedLine:
    """`total = gross - discount`; `tax` is the part of `total` that is tax."""

    item: Item
    gross: Money
    discount: Money
    total: Money
    tax_percent: Decimal
    tax: Money


@dataclass(frozen=True, slots=True)
class Totals:
    """`total = subtotal - discount + shipping`; `tax` is the part of `total` that is tax."""

    lines: list[PricedLine]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    total: Money


def tax_within(gross: Money, percent: Decimal) -> Money:
    """The tax contained in an amount that includes it."""
    return rounded(gross * (percent / (100 + percent)))


def price(
    items: Iterable[Item],
    *,
    currency: str,
    rates: Mapping[str, Decimal],
    percent_off: int = 0,
    shipping: Money | None = None,
) -> Totals:
    """Prices `items` with a percentage off and a shipping price, both in `currency`.

    `rates` are percentages by tax class; a class without one is not taxed. Shipping is taxed at the standard
    rate. Raises ValueError for a quantity below 1, a negative price, a foreign currency, or a percentage
    outside 0 to 100.
    """
    if not 0 <= percent_off <= 100:
        raise ValueError(f"percent_off is {percent_off}, outside 0 to 100")
    zero = Money(0, currency)
    lines = [_priced(item, rates, percent_off, currency) for item in items]
    shipping = rounded(shipping or zero)
    subtotal = _sum((line.gross for line in lines), zero)
    discount = _sum((line.discount for line in lines), zero)
    tax_on_shipping = tax_within(shipping, rates.get(TaxClass.STANDARD, Decimal(0)))
    tax = _sum((line.tax for line in lines), tax_on_shipping)
    return Totals(lines, subtotal, discount, shipping, tax, subtotal - discount + shipping)


def _sum(amounts: Iterable[Money], start: Money) -> Money:
    return reduce(add, amounts, start)


def _priced(item: Item, rates: Mapping[str, Decimal], percent_off: int, currency: str) -> PricedLine:
    if item.quantity < 1 or item.unit_price.amount < 0 or str(item.unit_price.currency) != currency:
        raise ValueError(f"cannot price {item}")
    item = replace(item, unit_price=rounded(item.unit_price))
    gross = item.unit_price * item.quantity
    discount = rounded(gross * Decimal(percent_off) / 100)
    total = gross - discount
    percent = rates.get(item.tax_class, Decimal(0))
    return PricedLine(item, gross, discount, total, percent, tax_within(total, percent))
