"""What an offer asks for and what it gives, as plain data. shop/promotions fills it from rows; `price` applies it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from djmoney.money import Money

from shop.money import rounded
from shop.pricing.spreading import spread

if TYPE_CHECKING:
    from shop.pricing.services import Item


@dataclass(frozen=True, slots=True)
class PercentOff:
    percent: int

    def shares(self, items: Sequence[Item], left: Sequence[Money]) -> list[Money]:
        """What is taken off each line, of which `left` says how much is left after earlier offers."""
        return [rounded(amount * (Decimal(self.percent) / 100)) for amount in left]


@dataclass(frozen=True, slots=True)
class AmountOff:
    amount: Money

    def shares(self, items: Sequence[Item], left: Sequence[Money]) -> list[Money]:
        """In proportion to what is left, and together exactly the amount, or all there is."""
        return spread(self.amount, left)


@dataclass(frozen=True, slots=True)
class BuyGet:
    """Of every `buy + get` that it covers, the `get` cheapest cost `percent` less; 100 gives them away."""

    buy: int
    get: int
    percent: int = 100

    def shares(self, items: Sequence[Item], left: Sequence[Money]) -> list[Money]:
        cheap = sum(item.quantity for item in items) // (self.buy + self.get) * self.get
        found = [Money(0, amount.currency) for amount in left]
        for n in sorted(range(len(items)), key=lambda n: items[n].unit_price):
            some = min(cheap, items[n].quantity)
            cheap -= some
            found[n] = rounded(left[n] * (Decimal(some * self.percent) / (items[n].quantity * 100)))
        return found


@dataclass(frozen=True, slots=True)
class FreeShipping:
    """Takes off what delivery costs; no line pays less."""


Benefit = PercentOff | AmountOff | BuyGet | FreeShipping


@dataclass(frozen=True, slots=True)
class Terms:
    """One offer as it stands for one buyer. Without products and categories it covers the whole cart.

    `categories` are paths in the tree, and cover what lies below. `left` says how often it may still be used by
    anybody, `left_for_buyer` by this one; None sets no limit. `code` is the coupon that brought it.
    """

    key: int
    name: str
    benefit: Benefit
    code: str = ""
    products: frozenset[int] = frozenset()
    categories: tuple[str, ...] = ()
    minimum: Money | None = None
    first_order: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    left: int | None = None
    left_for_buyer: int | None = None
    priority: int = 0
    exclusive: bool = False

    def covers(self, item: Item) -> bool:
        if not self.products and not self.categories:
            return True
        return item.product in self.products or item.category.startswith(self.categories or ("\0",))


@dataclass(frozen=True, slots=True)
class Buyer:
    """What an offer may ask about who buys. Without `at` no dates are looked at."""

    at: datetime | None = None
    has_ordered: Callable[[], bool] = lambda: False  # asked only where an offer wants to know


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an offer applied, what it took off, and why, in words for the buyer."""

    terms: Terms
    applied: bool
    amount: Money
    words: str
