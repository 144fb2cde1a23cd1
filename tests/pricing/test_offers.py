"""What each kind of offer takes off, in which order, and what is said where it does not apply."""

from datetime import UTC, datetime
from typing import Any

import pytest
from djmoney.money import Money

from shop.pricing.offers import AmountOff, Benefit, Buyer, BuyGet, FreeShipping, PercentOff, Terms
from shop.pricing.services import Item, Totals, price
from shop.pricing.taxation import Taxation

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def eur(amount: str) -> Money:
    return Money(amount, "EUR")


def total(items: list[Item], *offers: Terms, buyer: Buyer | None = None, shipping: str = "4.90") -> Totals:
    return price(
        items,
        currency="EUR",
        taxation=Taxation(),
        offers=offers,
        buyer=buyer,
        shipping=eur(shipping) if shipping else None,
    )


def offer(benefit: Benefit, key: int = 1, **terms: Any) -> Terms:
    return Terms(key, **{"name": f"Offer {key}", **terms}, benefit=benefit)


EBB = Item("ebb", eur("10.00"), 2, product=1, category="0001")
FLOW = Item("flow", eur("30.00"), 1, product=2, category="00010002")


def discounts(totals: Totals) -> list[str]:
    return [f"{line.discount.amount:.2f}" for line in totals.lines]


def test_a_percentage_covers_a_product_a_category_with_what_lies_below_or_everything() -> None:
    ten = PercentOff(10)
    assert discounts(total([EBB, FLOW], offer(ten, products=frozenset({2})))) == ["0.00", "3.00"]
    assert discounts(total([EBB, FLOW], offer(ten, categories=("0001",)))) == ["2.00", "3.00"]
    assert discounts(total([EBB, FLOW], offer(ten, categories=("00010002",)))) == ["0.00", "3.00"]
    assert discounts(total([EBB, FLOW], offer(ten))) == ["2.00", "3.00"]


def test_an_amount_is_spread_in_proportion_and_never_more_than_there_is() -> None:
    assert discounts(total([EBB, FLOW], offer(AmountOff(eur("5.00"))))) == ["2.00", "3.00"]
    assert total([EBB, FLOW], offer(AmountOff(eur("500.00"))), shipping="").total == eur("0.00")


@pytest.mark.parametrize(
    ("buy_get", "items", "expected"),
    [
        (BuyGet(2, 1), [EBB, FLOW], ["10.00", "0.00"]),
        (BuyGet(1, 1, 50), [EBB, FLOW], ["5.00", "0.00"]),
        (BuyGet(2, 1), [Item("ebb", eur("10.00"), 6), FLOW], ["20.00", "0.00"]),
        (BuyGet(1, 1), [EBB, Item("flow", eur("30.00"), 2)], ["20.00", "0.00"]),
    ],
    ids=["the cheapest of three", "half of the cheaper", "two of seven", "both cheaper ones"],
)
def test_of_every_so_many_the_cheapest_cost_less(
    buy_get: BuyGet, items: list[Item], expected: list[str]
) -> None:
    assert discounts(total(items, offer(buy_get))) == expected


def test_free_delivery_is_a_step_of_its_own_and_charged_with_nothing() -> None:
    totals = total([EBB], offer(FreeShipping(), name="On the house"))
    assert (totals.shipping, totals.discount, totals.total) == (eur("0.00"), eur("0.00"), eur("20.00"))
    assert [(step.reason, step.amount) for step in totals.steps][1:] == [
        ("Delivery", eur("4.90")),
        ("On the house", eur("-4.90")),
    ]
    assert total([EBB], offer(FreeShipping()), shipping="").verdicts[0].words == "Delivery will be free."


def test_the_higher_priority_comes_first_and_the_next_takes_from_what_is_left() -> None:
    half, five = offer(PercentOff(50), 1), offer(AmountOff(eur("5.00")), 2, priority=1)
    totals = total([Item("a", eur("20.00"), 1)], half, five)
    assert [verdict.terms.key for verdict in totals.verdicts] == [2, 1]
    assert [verdict.words for verdict in totals.verdicts] == ["Takes €5.00 off.", "Takes €7.50 off."]


def test_an_exclusive_offer_stands_alone_whichever_comes_first() -> None:
    alone, other = offer(PercentOff(5), 1, exclusive=True), offer(PercentOff(50), 2)
    first = total([EBB], alone, other)
    assert [verdict.applied for verdict in first.verdicts] == [True, False]
    assert first.verdicts[1].words == "“Offer 1” applies, and nothing goes together with it."
    second = total([EBB], other, alone)
    assert [verdict.applied for verdict in second.verdicts] == [True, False]
    assert second.verdicts[1].words == "It goes together with no other, and “Offer 2” applies."


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"starts_at": datetime(2026, 6, 2, 12, tzinfo=UTC)}, "It starts on 2 June 2026."),
        ({"ends_at": datetime(2026, 5, 31, 12, tzinfo=UTC)}, "It ended on 31 May 2026."),
        ({"left": 0}, "It has been used up."),
        ({"left_for_buyer": 0}, "You have used it as often as it may be."),
        ({"first_order": True}, "It is for a first order."),
        ({"products": frozenset({7})}, "Nothing in the cart is part of it."),
        ({"minimum": eur("50.00")}, "It starts at €50.00 of what it covers; €30.00 is missing."),
        ({"benefit": BuyGet(2, 1)}, "It takes 3 of what it covers; there are 2."),
        ({"benefit": PercentOff(1), "minimum": eur("20.00")}, "Takes €0.20 off."),
    ],
)
def test_every_offer_says_why_it_does_not_apply(terms: dict[str, Any], words: str) -> None:
    one = Terms(**{"key": 1, "name": "Offer", "benefit": PercentOff(10), **terms})
    verdict = total([EBB], one, buyer=Buyer(NOON, has_ordered=lambda: True)).verdicts[0]
    assert verdict.words == words
    assert verdict.applied == words.startswith("Takes")


def test_nothing_left_to_take_off_is_said_too() -> None:
    totals = total([EBB], offer(PercentOff(100), 1), offer(PercentOff(10), 2))
    assert totals.verdicts[1].words == "There is nothing left to take off."
    assert total([EBB], offer(FreeShipping()), shipping="0").verdicts[0].words == "Delivery is free already."
