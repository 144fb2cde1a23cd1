"""How a total came about, step by step: what is added or taken off, and the reason in words."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from djmoney.money import Money

from shop.money import as_json, from_json


class Kind(StrEnum):
    PRICE = "price"  # the catalogue's price of a line
    SALE = "sale"  # a scheduled sale price
    OFFER = "offer"
    COUPON = "coupon"
    SHIPPING = "shipping"
    FREE_SHIPPING = "free_shipping"
    TAX = "tax"
    CHANGE = "change"  # of an order, after it was placed


@dataclass(frozen=True, slots=True)
class Step:
    """`amount` is added to the total, or taken off where below zero; `lines` are the keys of those it is about."""

    kind: str
    reason: str
    amount: Money
    lines: tuple[Hashable, ...] = ()


def steps_as_json(steps: Iterable[Step], names: Mapping[Hashable, str]) -> list[dict[str, Any]]:
    """For an order to keep: `names` says what to call each line, such as its SKU."""
    return [
        {
            "kind": str(step.kind),
            "reason": step.reason,
            "amount": as_json(step.amount),
            "lines": [names[key] for key in step.lines],
        }
        for step in steps
    ]


def steps_from_json(kept: Iterable[Mapping[str, Any]]) -> list[Step]:
    return [Step(one["kind"], one["reason"], from_json(one["amount"]), tuple(one["lines"])) for one in kept]
