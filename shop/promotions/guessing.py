"""Codes are not to be found by trying: wrong ones are counted for the account and for the address they come from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shop.errors import ShopError, TooOften
from shop.throttling import spend, unspend

QUARTER = 15 * 60
WRONG_OF_AN_ACCOUNT = 10
WRONG_FROM_AN_ADDRESS = 30


class TooManyGuesses(TooOften):
    code = "too_many_guesses"
    message = "Too many wrong codes were tried. Please wait a quarter of an hour and try yours again."
    retry_after = QUARTER


class CodeUnknown(ShopError):
    """Of a coupon or a gift card: only this is a guess. One that has expired was known to whoever typed it."""


@contextmanager
def counting_guesses(user_id: int | None, address: str) -> Iterator[None]:
    """Around looking a code up. Raises TooManyGuesses before it is looked at, also if it would be right."""
    mine = [(f"account {user_id}", WRONG_OF_AN_ACCOUNT)] if user_id is not None else []
    counted = [*mine, (f"address {address}", WRONG_FROM_AN_ADDRESS)]
    # Counted before it is known to be wrong: many guesses in one instant must not all find the count still low.
    within = [spend("guesses", who, most=most, seconds=QUARTER) for who, most in counted]
    if not all(within):
        raise TooManyGuesses
    try:
        yield
    except CodeUnknown:
        raise
    except ShopError:
        _forget(counted)
        raise
    else:
        _forget(counted)


def _forget(counted: list[tuple[str, int]]) -> None:
    for who, _ in counted:
        unspend("guesses", who)
