"""The table of docs/tax.md, with the demo's own rates."""

import pytest
from djmoney.money import Money

from shop.demo.seed import seed_tax_rates
from shop.places import Destination
from shop.pricing.assessment import taxation_for
from shop.pricing.services import Item, price


def eur(amount: str) -> Money:
    return Money(amount, "EUR")


EXAMPLES = {
    "Ireland": (Destination("IE"), "0.00", "9.90", "52.90"),
    "Switzerland": (Destination("CH"), "0.00", "3.97", "52.90"),
    "Oregon": (Destination("US", "OR"), "0.00", "0.00", "52.90"),
    "California": (Destination("US", "CA"), "3.48", "3.48", "56.38"),
    "New York": (Destination("US", "NY"), "2.12", "2.12", "55.02"),
    "a business in France": (Destination("FR", vat_id="FR40303265045"), "-8.82", "0.00", "44.08"),
}


@pytest.mark.django_db
def test_the_examples_of_the_docs() -> None:
    seed_tax_rates()
    for where, (destination, added, tax, total) in EXAMPLES.items():
        taxation = taxation_for(destination)
        totals = price([Item(1, eur("24.00"), 2)], currency="EUR", taxation=taxation, shipping=eur("4.90"))
        expected = (eur("48.00"), eur(added), eur(tax), eur(total))
        assert (totals.subtotal, totals.tax_added, totals.tax, totals.total) == expected, where
