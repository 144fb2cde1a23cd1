"""How often somebody may do a thing: counted in the cache, so that what is counted costs the database nothing."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from django.core.cache import cache

from shop.caching import incr_all


def spend(what: str, who: str, *, most: int, seconds: int) -> bool:
    """One of so many of `what` in so many seconds; False where `who` has had them all."""
    return spend_counted(what, who, seconds=seconds) <= most


def spend_counted(what: str, who: str, *, seconds: int) -> int:
    """One more of `what`; returns how many `who` has had within `seconds` of the first of them."""
    return spend_all(what, {who: 1}, seconds=seconds)[who]


def spend_all(what: str, whos: Mapping[str, int], *, seconds: int) -> dict[str, int]:
    """So many more of `what` for each, in one trip to the cache; how many each has had now."""
    names = {_name(what, who): who for who in whos}
    counts = incr_all(cache, {name: whos[who] for name, who in names.items()}, seconds)
    return {names[name]: count for name, count in counts.items()}


def unspend(what: str, who: str) -> None:
    """It was no harm after all, and is not counted."""
    try:
        cache.decr(_name(what, who))
    except ValueError:
        return


def _name(what: str, who: str) -> str:
    return f"{what}:{sha256(who.encode()).hexdigest()}"
