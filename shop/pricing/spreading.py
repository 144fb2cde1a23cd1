"""Sharing an amount out so that the shares add up to it exactly."""

from __future__ import annotations

from collections.abc import Sequence

from djmoney.money import Money

from shop.money import minor_unit


def spread(amount: Money, weights: Sequence[Money]) -> list[Money]:
    """Shares of `amount` in proportion to `weights`, none above its weight, by largest remainder.

    Each gets its proportion rounded down to the minor unit; the units that are left go one each to those that lost
    most by it, the first of equals first. Of an amount above all the weights together only those are shared out.
    Raises ValueError for another currency than the weights'.
    """
    if any(weight.currency != amount.currency for weight in weights):
        raise ValueError(f"cannot spread {amount} over another currency")
    unit = minor_unit(amount.currency)
    parts = [int(weight.amount / unit) for weight in weights]
    whole = sum(parts)
    units = min(int(amount.amount / unit), whole)
    if not whole:
        return [Money(0, amount.currency) for _ in parts]
    shares = [units * part // whole for part in parts]
    most_lost = sorted(range(len(parts)), key=lambda n: -(units * parts[n] % whole))
    for n in most_lost[: units - sum(shares)]:
        shares[n] += 1
    return [Money(share * unit, amount.currency) for share in shares]
