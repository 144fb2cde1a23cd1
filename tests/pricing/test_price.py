from decimal import Decimal

import pytest
from djmoney.money import Money

from shop.pricing.offers import AmountOff, PercentOff, Terms
from shop.pricing.services import Item, price
from shop.pricing.steps import Kind
from shop.pricing.taxation import Taxation, Treatment

RATES = {"standard": Decimal(23), "reduced": Decimal("13.5")}
TEN_OFF = Terms(1, "Harbour welcome", PercentOff(10), code="HARBOUR10")


def eur(amount: str) -> Money:
    return Money(amount, "EUR")


def test_the_first_worked_example_of_the_docs() -> None:
    totals = price(
        [Item("a", eur("24.00"), 2), Item("b", eur("9.99"), 1, "reduced")],
        currency="EUR",
        taxation=Taxation(RATES),
        offers=[TEN_OFF],
        shipping=eur("4.90"),
    )
    assert (totals.subtotal, totals.discount, totals.total) == (eur("57.99"), eur("5.80"), eur("57.09"))
    assert [line.tax for line in totals.lines] == [eur("8.08"), eur("1.07")]
    assert totals.tax == eur("8.08") + eur("1.07") + eur("0.92")
    assert [(step.kind, step.reason, step.amount, step.lines) for step in totals.steps] == [
        (Kind.PRICE, "2 × €24.00", eur("48.00"), ("a",)),
        (Kind.PRICE, "1 × €9.99", eur("9.99"), ("b",)),
        (Kind.COUPON, "Harbour welcome (code HARBOUR10)", eur("-5.80"), ("a", "b")),
        (Kind.SHIPPING, "Delivery", eur("4.90"), ()),
        (Kind.TAX, "23 % tax within the prices: €9.00", eur("0.00"), ("a",)),
        (Kind.TAX, "13.5 % tax within the prices: €1.07", eur("0.00"), ("b",)),
    ]


def test_the_second_worked_example_of_the_docs() -> None:
    """A fixed amount is spread by largest remainder: 10.00 over 10.00, 10.00 and 10.00 is 3.34, 3.33 and 3.33."""
    totals = price(
        [Item(n, eur("10.00"), 1) for n in range(3)],
        currency="EUR",
        taxation=Taxation(RATES),
        offers=[Terms(1, "Ten off", AmountOff(eur("10.00")))],
    )
    assert [line.discount for line in totals.lines] == [eur("3.34"), eur("3.33"), eur("3.33")]
    assert totals.discount == eur("10.00")


def test_the_third_worked_example_of_the_docs() -> None:
    """A sale, to where tax comes on top: each is a step of its own."""
    totals = price(
        [Item("a", eur("19.20"), 2, name="Ebb", full_price=eur("24.00"))],
        currency="EUR",
        taxation=Taxation({"standard": Decimal("8.875")}, Treatment.ADDED),
        shipping=eur("4.90"),
    )
    assert [(step.reason, step.amount) for step in totals.steps] == [
        ("Ebb, 2 × €24.00", eur("48.00")),
        ("Ebb, on sale at €19.20", eur("-9.60")),
        ("Delivery", eur("4.90")),
        ("8.875 % tax on top of the prices", eur("3.84")),
    ]
    assert (totals.subtotal, totals.tax_added, totals.total) == (eur("38.40"), eur("3.84"), eur("47.14"))


def test_half_a_cent_rounds_up() -> None:
    totals = price([Item("a", eur("0.05"), 1)], currency="EUR", taxation=Taxation(), offers=[TEN_OFF])
    assert totals.discount == eur("0.01")


def test_a_class_without_a_rate_is_not_taxed() -> None:
    assert price([Item("a", eur("24.00"), 1, "zero")], currency="EUR", taxation=Taxation(RATES)).tax == eur(
        "0.00"
    )


@pytest.mark.parametrize(
    "item",
    [
        Item("a", eur("24.00"), 0),
        Item("a", eur("-1.00"), 1),
        Item("a", Money(1, "USD"), 1),
        Item("a", eur("24.00"), 1, full_price=eur("23.00")),
    ],
    ids=["no quantity", "negative price", "foreign currency", "dearer on sale"],
)
def test_what_cannot_be_priced_is_refused(item: Item) -> None:
    with pytest.raises(ValueError, match="cannot price"):
        price([item], currency="EUR", taxation=Taxation(RATES))


def test_an_amount_in_another_currency_is_refused() -> None:
    dollars = Terms(1, "Five off", AmountOff(Money(5, "USD")))
    with pytest.raises(ValueError, match="another currency"):
        price([Item("a", eur("24.00"), 1)], currency="EUR", taxation=Taxation(), offers=[dollars])
