"""What a cart comes to, and what is left to pay of it after a gift card."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

from djmoney.money import Money

from shop.cart.review import HOME, Review
from shop.payments.gift_cards import gift_share
from shop.places import Destination
from shop.pricing.services import Totals
from shop.pricing.steps import Step
from shop.promotions.services import UNKNOWN, Customer


@dataclass(frozen=True, slots=True)
class Sums:
    looked: Review
    totals: Totals
    gift: Money

    @property
    def due(self) -> Money:
        return self.totals.total - self.gift

    @property
    def steps(self) -> list[Step]:
        """Those of the totals, with the SKUs of their lines."""
        skus: dict[Hashable, str] = {line.id: line.variant.sku for line in self.looked.lines}
        return [replace(step, lines=tuple(skus[key] for key in step.lines)) for step in self.totals.steps]


def sums_of(
    looked: Review,
    destination: Destination = HOME,
    shipping: Money | None = None,
    customer: Customer = UNKNOWN,
) -> Sums:
    totals = looked.totals(destination, shipping, customer)
    return Sums(looked, totals, gift_share(looked.gift_card, totals.total))
