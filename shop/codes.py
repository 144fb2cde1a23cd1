"""Codes that nobody can guess and everybody can type: for single coupons and for gift cards.

Sixteen letters of Crockford's alphabet of 32, in which none looks like another: 80 bits from the system's own source.
"""

from __future__ import annotations

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V", "-": None, " ": None})


def new_code() -> str:
    """`7K2Q-M0XW-9V4T-RB3H`."""
    return grouped("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))


def grouped(letters: str) -> str:
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def plain(typed: str) -> str:
    """What somebody typed, as it was printed: without case, spaces, hyphens, or an O for a 0."""
    return grouped(typed.upper().translate(_MISREAD))
