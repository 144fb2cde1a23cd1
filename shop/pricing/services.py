"""The one function that prices a list of lines. The rule, with worked examples, is in docs/pricing.md.

Every amount is rounded half up to the currency's minor unit, once, where it arises: the discount of a line, the
tax of a line. Totals only add; they never round.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from operator import add

from djmoney.money import Money

from shop.catalog.models import TaxClass
from shop.money import rounded
from shop.pricing.taxation import Taxation


@dataclass(frozen=True, slots=True)
class Item:
    """`unit_price` as it is listed; `key` is the caller's own handle and comes back untouched."""

    key: Hashable
    unit_price: Money
    quantity: int
    tax_class: str = TaxClass.STANDARD


@dataclass(frozen=True, slots=True)
class PricedLine:
    """`total = gross - discount + tax_added`; `tax` is the part of `total` that is tax."""

    item: Item
    gross: Money
    discount: Money
    tax_added: Money
    total: Money
    tax_percent: Decimal
    tax: Money


@dataclass(frozen=True, slots=True)
class Totals:
    """`total = subtotal - discount + shipping + tax_added`; `tax` is the part of `total` that is tax.

    `tax_added` is nothing where listed prices include tax, and below zero where it is taken off.
    """

    lines: list[PricedLine]
    subtotal: Money
    discount: Money
    shipping: Money
    tax_added: Money
    tax: Money
    total: Money


def price(
    items: Iterable[Item],
    *,
    currency: str,
    taxation: Taxation,
    percent_off: int = 0,
    shipping: Money | None = None,
) -> Totals:
    """Prices `items` with a percentage off and a shipping price, both in `currency`.

    Shipping is taxed at the standard rate. Raises ValueError for a quantity below 1, a negative price, a foreign
    currency, or a percentage outside 0 to 100.
    """
    if not 0 <= percent_off <= 100:
        raise ValueError(f"percent_off is {percent_off}, outside 0 to 100")
    zero = Money(0, currency)
    lines = [_priced(item, taxation, percent_off, currency) for item in items]
    shipping = rounded(shipping or zero)
    subtotal = _sum((line.gross for line in lines), zero)
    discount = _sum((line.discount for line in lines), zero)
    sent = taxation.of(shipping, TaxClass.STANDARD)
    added = _sum((line.tax_added for line in lines), sent.added)
    tax = _sum((line.tax for line in lines), sent.tax)
    return Totals(lines, subtotal, discount, shipping, added, tax, subtotal - discount + shipping + added)


def _sum(amounts: Iterable[Money], start: Money) -> Money:
    return reduce(add, amounts, start)


def _priced(item: Item, taxation: Taxation, percent_off: int, currency: str) -> PricedLine:
    if item.quantity < 1 or item.unit_price.amount < 0 or str(item.unit_price.currency) != currency:
        raise ValueError(f"cannot price {item}")
    item = replace(item, unit_price=rounded(item.unit_price))
    gross = item.unit_price * item.quantity
    discount = rounded(gross * Decimal(percent_off) / 100)
    taxed = taxation.of(gross - discount, item.tax_class)
    return PricedLine(item, gross, discount, taxed.added, taxed.total, taxed.percent, taxed.tax)
