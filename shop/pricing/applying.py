"""Several offers on some lines: one after another by priority, each on what those before it left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.formats import date_format
from djmoney.money import Money

from shop.money import in_words
from shop.pricing.offers import Buyer, BuyGet, FreeShipping, Terms, Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from shop.pricing.services import Item


@dataclass(frozen=True, slots=True)
class Taken:
    """`discounts` by line, `off_shipping`, and a verdict with the lines it touched for each offer in turn."""

    discounts: list[Money]
    off_shipping: Money
    verdicts: list[tuple[Verdict, list[int]]]


def apply_offers(
    items: Sequence[Item], offers: Iterable[Terms], *, zero: Money, buyer: Buyer, shipping: Money | None
) -> Taken:
    """The higher priority first, equals in the order given. `shipping` is None while nobody knows it yet."""
    left = [item.gross for item in items]
    off_shipping = zero
    told: list[tuple[Verdict, list[int]]] = []
    for terms in sorted(offers, key=lambda terms: -terms.priority):
        covered = [n for n, item in enumerate(items) if terms.covers(item)]
        words = _obstacle(terms, [items[n] for n in covered], buyer, [verdict for verdict, _ in told])
        if words:
            told.append((Verdict(terms, False, zero, words), []))
        elif isinstance(terms.benefit, FreeShipping):
            verdict = _free_shipping(terms, zero, None if shipping is None else shipping - off_shipping)
            off_shipping += verdict.amount
            told.append((verdict, []))
        else:
            shares = terms.benefit.shares([items[n] for n in covered], [left[n] for n in covered])
            for n, share in zip(covered, shares, strict=True):
                left[n] -= share
            touched = [n for n, share in zip(covered, shares, strict=True) if share.amount]
            told.append((_verdict(terms, reduce(add, shares, zero)), touched))
    return Taken([item.gross - rest for item, rest in zip(items, left, strict=True)], off_shipping, told)


def _verdict(terms: Terms, amount: Money) -> Verdict:
    if not amount.amount:
        return Verdict(terms, False, amount, "There is nothing left to take off.")
    return Verdict(terms, True, amount, f"Takes {in_words(amount)} off.")


def _free_shipping(terms: Terms, zero: Money, cost: Money | None) -> Verdict:
    if cost is None:
        return Verdict(terms, True, zero, "Delivery will be free.")
    if not cost.amount:
        return Verdict(terms, False, zero, "Delivery is free already.")
    return Verdict(terms, True, cost, f"Delivery is free: {in_words(cost)} less.")


def _obstacle(terms: Terms, covered: Sequence[Item], buyer: Buyer, before: Sequence[Verdict]) -> str:
    """Why it does not apply, or nothing. What the buyer cannot change comes first."""
    return (
        _closed(terms, buyer)
        or _out_of_reach(terms, covered)
        or _shut_out(terms, [verdict.terms for verdict in before if verdict.applied])
    )


def _closed(terms: Terms, buyer: Buyer) -> str:
    if buyer.at and terms.starts_at and terms.starts_at > buyer.at:
        return f"It starts on {_day(terms.starts_at)}."
    if buyer.at and terms.ends_at and terms.ends_at <= buyer.at:
        return f"It ended on {_day(terms.ends_at)}."
    if terms.left is not None and terms.left <= 0:
        return "It has been used up."
    if terms.left_for_buyer is not None and terms.left_for_buyer <= 0:
        return "You have used it as often as it may be."
    if terms.first_order and buyer.has_ordered():
        return "It is for a first order."
    return ""


def _out_of_reach(terms: Terms, covered: Sequence[Item]) -> str:
    if not covered:
        return "Nothing in the cart is part of it."
    if isinstance(terms.benefit, BuyGet):
        wanted, there = terms.benefit.buy + terms.benefit.get, sum(item.quantity for item in covered)
        if there < wanted:
            return f"It takes {wanted} of what it covers; there {'is' if there == 1 else 'are'} {there}."
    if terms.minimum is not None:
        missing = reduce(lambda rest, item: rest - item.gross, covered, terms.minimum)
        if missing.amount > 0:
            start = in_words(terms.minimum)
            return f"It starts at {start} of what it covers; {in_words(missing)} is missing."
    return ""


def _shut_out(terms: Terms, applied: Sequence[Terms]) -> str:
    alone = next((one for one in applied if one.exclusive), None)
    if alone:
        return f"“{alone.name}” applies, and nothing goes together with it."
    if terms.exclusive and applied:
        return f"It goes together with no other, and “{applied[0].name}” applies."
    return ""


def _day(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j F Y")
