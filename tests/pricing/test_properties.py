"""Whatever is in a cart, whatever is offered and wherever it goes: a total is the sum of its parts."""

from collections.abc import Sequence
from decimal import Decimal

from djmoney.money import Money
from hypothesis import given
from hypothesis import strategies as st

from shop.money import minor_unit
from shop.pricing.offers import AmountOff, BuyGet, FreeShipping, PercentOff, Terms
from shop.pricing.services import Item, Totals, price
from shop.pricing.spreading import spread
from shop.pricing.taxation import Taxation, Treatment

CURRENCIES = ("EUR", "JPY", "KWD")  # 2, 0 and 3 decimals
CLASSES = st.sampled_from(["standard", "reduced", "zero"])
PERCENTS = st.integers(1, 100)


def amounts(currency: str, most: int = 10**7) -> st.SearchStrategy[Money]:
    unit = minor_unit(Money(0, currency).currency)
    return st.integers(0, most).map(lambda units: Money(units * unit, currency))


@st.composite
def items(draw: st.DrawFn, currency: str) -> list[Item]:
    found = []
    for key in range(draw(st.integers(0, 8))):
        now, saved = draw(amounts(currency)), draw(st.one_of(st.none(), amounts(currency)))
        product, category = draw(st.integers(1, 4)), draw(st.sampled_from(["0001", "00010001", "0002"]))
        full = None if saved is None else now + saved
        quantity = draw(st.integers(1, 20))
        found.append(Item(key, now, quantity, draw(CLASSES), "", product, category, full))
    return found


@st.composite
def offers(draw: st.DrawFn, currency: str) -> list[Terms]:
    benefit = st.one_of(
        PERCENTS.map(PercentOff),
        amounts(currency).map(AmountOff),
        st.builds(BuyGet, st.integers(1, 3), st.integers(1, 3), PERCENTS),
        st.just(FreeShipping()),
    )
    terms = st.builds(
        Terms,
        key=st.integers(1, 9),
        name=st.just("Offer"),
        benefit=benefit,
        code=st.sampled_from(["", "CODE"]),
        products=st.frozensets(st.integers(1, 4), max_size=2),
        categories=st.sampled_from([(), ("0001",), ("0001", "0002")]),
        minimum=st.one_of(st.none(), amounts(currency)),
        left=st.one_of(st.none(), st.integers(0, 2)),
        priority=st.integers(-2, 2),
        exclusive=st.booleans(),
    )
    return draw(st.lists(terms, max_size=5))


@st.composite
def priced(draw: st.DrawFn) -> tuple[str, Totals, Sequence[Terms]]:
    currency = draw(st.sampled_from(CURRENCIES))
    given_offers = draw(offers(currency))
    rates = {"standard": draw(st.decimals(0, 100, places=2)), "reduced": draw(st.decimals(0, 30, places=1))}
    totals = price(
        draw(items(currency)),
        currency=currency,
        taxation=Taxation(rates, draw(st.sampled_from(Treatment))),
        offers=given_offers,
        shipping=draw(st.one_of(st.none(), amounts(currency, 10**5))),
    )
    return currency, totals, given_offers


@given(priced())
def test_no_total_is_anything_but_the_sum_of_its_parts(case: tuple[str, Totals, Sequence[Terms]]) -> None:
    currency, totals, _ = case
    zero = Money(0, currency)
    assert totals.total == sum((step.amount for step in totals.steps), zero)
    assert totals.total == totals.subtotal - totals.discount + totals.shipping + totals.tax_added
    added_to_lines = sum((line.tax_added for line in totals.lines), zero)
    sent = totals.shipping + totals.tax_added - added_to_lines
    assert totals.total == sum((line.total for line in totals.lines), sent)
    assert totals.discount == sum((line.discount for line in totals.lines), zero)
    assert totals.tax <= totals.total


@given(priced())
def test_no_line_is_below_zero_and_no_discount_above_its_line(
    case: tuple[str, Totals, Sequence[Terms]],
) -> None:
    currency, totals, _ = case
    unit = minor_unit(Money(0, currency).currency)
    found = [totals.subtotal, totals.discount, totals.shipping, totals.tax, totals.total]
    for line in totals.lines:
        found += [line.gross, line.discount, line.total, line.tax]
        assert line.discount <= line.gross
        assert line.total == line.gross - line.discount + line.tax_added
        assert line.tax <= line.total
    assert all(amount.amount >= 0 and amount.amount % unit == 0 for amount in found)


@given(priced())
def test_every_offer_is_told_of_once_and_what_applied_is_what_was_taken_off(
    case: tuple[str, Totals, Sequence[Terms]],
) -> None:
    currency, totals, given_offers = case
    assert sorted(verdict.terms.key for verdict in totals.verdicts) == sorted(one.key for one in given_offers)
    assert all(verdict.words and verdict.amount.amount >= 0 for verdict in totals.verdicts)
    assert not any(verdict.amount.amount for verdict in totals.verdicts if not verdict.applied)
    taken = sum((verdict.amount for verdict in totals.applied), Money(0, currency))
    shown = sum((step.amount for step in totals.steps if step.kind == "shipping"), Money(0, currency))
    assert taken == totals.discount + shown - totals.shipping
    if any(verdict.terms.exclusive for verdict in totals.applied):
        assert len(totals.applied) == 1


@given(
    st.sampled_from(CURRENCIES).flatmap(
        lambda currency: st.tuples(amounts(currency), st.lists(amounts(currency), max_size=12))
    )
)
def test_what_is_spread_adds_up_and_no_share_is_above_its_weight(case: tuple[Money, list[Money]]) -> None:
    amount, weights = case
    shares, zero = spread(amount, weights), amount * Decimal(0)
    assert sum(shares, zero) == min(amount, sum(weights, zero))
    assert all(zero <= share <= weight for share, weight in zip(shares, weights, strict=True))
