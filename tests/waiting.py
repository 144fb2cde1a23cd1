"""Waiting for what other threads and processes do."""

import time
from collections.abc import Callable

from shop.catalog.changes import Place, last_place
from shop.catalog.models import Change


def eventually(check: Callable[[], object], seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.02)


def place_after_all() -> Place:
    """While another transaction is open, of PostgreSQL's own cleaning as well, the last place is before it."""
    eventually(lambda: not Change.objects.since(last_place().number))
    return last_place()
