"""How the amounts of one order are taxed: a pure rule, which price() applies to every line and to shipping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from djmoney.money import Money

from shop.catalog.models import TaxClass
from shop.money import rounded


class Treatment(StrEnum):
    """What a listed price means to this buyer."""

    INCLUDED = "included"  # the tax is within it
    ADDED = "added"  # the tax comes on top
    REVERSE_CHARGE = "reverse_charge"  # a business accounts for the tax itself: what is within is taken off


@dataclass(frozen=True, slots=True)
class Taxed:
    """`total = listed + added`; `tax` is the part of `total` that is tax."""

    total: Money
    tax: Money
    added: Money
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Taxation:
    """`percents` by tax class; a class without one is not taxed. `note` is the legal line of the invoice."""

    percents: Mapping[str, Decimal] = field(default_factory=dict)
    treatment: Treatment = Treatment.INCLUDED
    note: str = ""
    shipping_taxed: bool = True

    def of(self, listed: Money, tax_class: str) -> Taxed:
        """`listed` is what the page says, after discounts; every amount is rounded where it arises."""
        percent = self.percents.get(tax_class, Decimal(0))
        nothing = Money(0, listed.currency)
        match self.treatment:
            case Treatment.INCLUDED:
                return Taxed(listed, tax_within(listed, percent), nothing, percent)
            case Treatment.ADDED:
                tax = rounded(listed * (percent / 100))
                return Taxed(listed + tax, tax, tax, percent)
            case Treatment.REVERSE_CHARGE:
                within = tax_within(listed, percent)
                return Taxed(listed - within, nothing, -within, Decimal(0))

    def of_shipping(self, listed: Money) -> Taxed:
        """At the standard rate of where the parcel goes, or not at all where the law says so."""
        return self.of(listed, TaxClass.STANDARD if self.shipping_taxed else TaxClass.ZERO)


def tax_within(gross: Money, percent: Decimal) -> Money:
    """The tax contained in an amount that includes it."""
    return rounded(gross * (percent / (100 + percent)))
