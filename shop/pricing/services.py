"""The one function that prices a list of lines. The rule, with worked examples, is in docs/pricing.md.

Every amount is rounded half up to the currency's minor unit, once, where it arises: the discount of a line, the
tax of a line. Totals only add; they never round.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from operator import add

from djmoney.money import Money

from shop.catalog.models import TaxClass
from shop.money import in_words, rounded
from shop.pricing.applying import Taken, apply_offers
from shop.pricing.offers import Buyer, Terms, Verdict
from shop.pricing.steps import Kind, Step
from shop.pricing.taxation import Taxation, Taxed, Treatment


@dataclass(frozen=True, slots=True)
class Item:
    """`unit_price` as it is listed now, `full_price` what it costs when no sale is on.

    `key` is the caller's own handle and comes back untouched; `name` is for the reasons in words. `product` and
    `category`, the path of its category in the tree, are what offers look at.
    """

    key: Hashable
    unit_price: Money
    quantity: int
    tax_class: str = TaxClass.STANDARD
    name: str = ""
    product: int = 0
    category: str = ""
    full_price: Money | None = None

    @property
    def gross(self) -> Money:
        return self.unit_price * self.quantity


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

    `shipping` is what is charged for it, after an offer that makes it free. `tax_added` is nothing where listed prices
    include tax, and below zero where it is taken off. The amounts of `steps` add up to `total`, and `verdicts` say of
    every offer why it applied or did not. `sent` is how shipping was taxed.
    """

    taxation: Taxation
    lines: list[PricedLine]
    sent: Taxed
    subtotal: Money
    discount: Money
    shipping: Money
    tax_added: Money
    tax: Money
    total: Money
    steps: list[Step]
    verdicts: list[Verdict]

    @property
    def goods(self) -> Money:
        """What the lines cost as listed, after offers: what a free-delivery threshold looks at."""
        return self.subtotal - self.discount

    @property
    def applied(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.applied]


def price(
    items: Iterable[Item],
    *,
    currency: str,
    taxation: Taxation,
    offers: Iterable[Terms] = (),
    buyer: Buyer | None = None,
    shipping: Money | None = None,
) -> Totals:
    """Prices `items` with offers and a shipping price, all in `currency`; `shipping` is None while it is unknown.

    Raises ValueError for a quantity below 1, a negative price, or a foreign currency.
    """
    items = [_checked(item, currency) for item in items]
    zero = Money(0, currency)
    listed_shipping = None if shipping is None else rounded(shipping)
    taken = apply_offers(items, offers, zero=zero, buyer=buyer or Buyer(), shipping=listed_shipping)
    lines = [_priced(item, discount, taxation) for item, discount in zip(items, taken.discounts, strict=True)]
    charged = (listed_shipping or zero) - taken.off_shipping
    sent = taxation.of_shipping(charged)
    subtotal = _sum((line.gross for line in lines), zero)
    discount = _sum((line.discount for line in lines), zero)
    added = _sum((line.tax_added for line in lines), sent.added)
    return Totals(
        taxation=taxation,
        lines=lines,
        sent=sent,
        subtotal=subtotal,
        discount=discount,
        shipping=charged,
        tax_added=added,
        tax=_sum((line.tax for line in lines), sent.tax),
        total=subtotal - discount + charged + added,
        steps=[
            *_price_steps(items),
            *_offer_steps(items, taken),
            *_shipping_steps(listed_shipping, taken),
            *_tax_steps(lines, sent, taxation),
        ],
        verdicts=[verdict for verdict, _ in taken.verdicts],
    )


def _sum(amounts: Iterable[Money], start: Money) -> Money:
    return reduce(add, amounts, start)


def _checked(item: Item, currency: str) -> Item:
    full = item.unit_price if item.full_price is None else item.full_price
    known = str(item.unit_price.currency) == str(full.currency) == currency
    if item.quantity < 1 or item.unit_price.amount < 0 or not known or full < item.unit_price:
        raise ValueError(f"cannot price {item}")
    return replace(item, unit_price=rounded(item.unit_price), full_price=rounded(full))


def _priced(item: Item, discount: Money, taxation: Taxation) -> PricedLine:
    taxed = taxation.of(item.gross - discount, item.tax_class)
    return PricedLine(item, item.gross, discount, taxed.added, taxed.total, taxed.percent, taxed.tax)


def _price_steps(items: Sequence[Item]) -> Iterable[Step]:
    for item in items:
        full = item.full_price or item.unit_price
        each = f"{item.quantity} × {in_words(full)}"
        reason = f"{item.name}, {each}" if item.name else each
        yield Step(Kind.PRICE, reason, full * item.quantity, (item.key,))
    for item in items:
        full = item.full_price or item.unit_price
        if saved := (full - item.unit_price) * item.quantity:
            reason = f"On sale at {in_words(item.unit_price)}"
            yield Step(
                Kind.SALE, f"{item.name}, {reason.lower()}" if item.name else reason, -saved, (item.key,)
            )


def _offer_steps(items: Sequence[Item], taken: Taken) -> Iterable[Step]:
    for verdict, touched in taken.verdicts:
        if verdict.applied and touched:
            kind = Kind.COUPON if verdict.terms.code else Kind.OFFER
            yield Step(kind, _named(verdict.terms), -verdict.amount, tuple(items[n].key for n in touched))


def _shipping_steps(listed: Money | None, taken: Taken) -> Iterable[Step]:
    if listed is None:
        return
    yield Step(Kind.SHIPPING, "Delivery", listed)
    for verdict, touched in taken.verdicts:
        if verdict.applied and not touched:
            yield Step(Kind.FREE_SHIPPING, _named(verdict.terms), -verdict.amount)


def _named(terms: Terms) -> str:
    return f"{terms.name} (code {terms.code})" if terms.code else terms.name


def _tax_steps(lines: Sequence[PricedLine], sent: Taxed, taxation: Taxation) -> Iterable[Step]:
    """One for each rate. Tax that is within the prices adds nothing; its step only says how much it is."""
    zero = sent.added * 0
    added, within = defaultdict[Decimal, Money](lambda: zero), defaultdict[Decimal, Money](lambda: zero)
    keys = defaultdict[Decimal, list[Hashable]](list)
    for key, percent, extra, tax in [
        *((line.item.key, line.tax_percent, line.tax_added, line.tax) for line in lines),
        (None, sent.percent, sent.added, sent.tax),
    ]:
        added[percent] += extra
        within[percent] += tax
        keys[percent] += [] if key is None else [key]
    for percent in sorted(added, reverse=True):
        if added[percent].amount or within[percent].amount:
            reason = _tax_reason(percent, within[percent], taxation)
            yield Step(Kind.TAX, reason, added[percent], tuple(keys[percent]))


def _tax_reason(percent: Decimal, tax: Money, taxation: Taxation) -> str:
    rate = f"{percent.normalize():f} %"
    match taxation.treatment:
        case Treatment.INCLUDED:
            return f"{rate} tax within the prices: {in_words(tax)}"
        case Treatment.ADDED:
            return f"{rate} tax on top of the prices"
        case Treatment.REVERSE_CHARGE:
            return taxation.note or "Tax taken off: you account for it yourself"
