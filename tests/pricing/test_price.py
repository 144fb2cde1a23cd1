from decimal import Decimal

import pytest
from djmoney.money import Money
from hypothesis import given
from hypothesis import strategies as st

from shop.money import minor_unit
from shop.pricing.services import Item, price
from shop.pricing.taxation import Taxation, Treatment

RATES = {"standard": Decimal(23), "reduced": Decimal("13.5")}


def eur(amount: str) -> Money:
    return Money(amount, "EUR")


def test_the_worked_example_of_the_docs() -> None:
    totals = price(
        [Item("a", eur("24.00"), 2), Item("b", eur("9.99"), 1, "reduced")],
        currency="EUR",
        taxation=Taxation(RATES),
        percent_off=10,
        shipping=eur("4.90"),
    )
    assert (totals.subtotal, totals.discount, totals.total) == (eur("57.99"), eur("5.80"), eur("57.09"))
    assert [line.tax for line in totals.lines] == [eur("8.08"), eur("1.07")]
    assert totals.tax == eur("8.08") + eur("1.07") + eur("0.92")


def test_half_a_cent_rounds_up() -> None:
    assert price(
        [Item("a", eur("0.05"), 1)], currency="EUR", taxation=Taxation(), percent_off=10
    ).discount == eur("0.01")


def test_a_class_without_a_rate_is_not_taxed() -> None:
    assert price([Item("a", eur("24.00"), 1, "zero")], currency="EUR", taxation=Taxation(RATES)).tax == eur(
        "0.00"
    )


@pytest.mark.parametrize(
    "item",
    [Item("a", eur("24.00"), 0), Item("a", eur("-1.00"), 1), Item("a", Money(1, "USD"), 1)],
    ids=["no quantity", "negative price", "foreign currency"],
)
def test_what_cannot_be_priced_is_refused(item: Item) -> None:
    with pytest.raises(ValueError, match="cannot price"):
        price([item], currency="EUR", taxation=Taxation(RATES))


@given(
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
    lines=st.lists(
        st.tuples(
            st.integers(0, 10**7), st.integers(1, 20), st.sampled_from(["standard", "reduced", "zero"])
        ),
        max_size=12,
    ),
    percent_off=st.integers(0, 100),
    shipping=st.integers(0, 10**5),
    rate=st.decimals(0, 100, places=2),
    treatment=st.sampled_from(Treatment),
)
def test_no_total_is_anything_but_the_sum_of_its_parts(
    currency: str,
    lines: list[tuple[int, int, str]],
    percent_off: int,
    shipping: int,
    rate: Decimal,
    treatment: Treatment,
) -> None:
    unit = minor_unit(Money(0, currency).currency)
    items = [Item(n, Money(minor * unit, currency), q, c) for n, (minor, q, c) in enumerate(lines)]
    totals = price(
        items,
        currency=currency,
        taxation=Taxation({"standard": rate}, treatment),
        percent_off=percent_off,
        shipping=Money(shipping * unit, currency),
    )
    amounts = [totals.subtotal, totals.discount, totals.shipping, totals.tax, totals.total]
    for line in totals.lines:
        amounts += [line.gross, line.discount, line.total, line.tax]
        assert line.total == line.gross - line.discount + line.tax_added
        assert line.tax <= line.total
    assert all(amount.amount >= 0 and amount.amount % unit == 0 for amount in amounts)
    added_to_lines = sum((line.tax_added for line in totals.lines), Money(0, currency))
    sent = totals.shipping + totals.tax_added - added_to_lines
    assert totals.total == sum((line.total for line in totals.lines), sent)
    assert totals.total == totals.subtotal - totals.discount + totals.shipping + totals.tax_added
    assert totals.tax <= totals.total
