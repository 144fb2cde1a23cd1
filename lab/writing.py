"""What loads ask of the process that writes: events as the shop commits them, numbered before any server hears of them.

Not every rung runs the relay that numbers the streams which many write to, so here the writer does, in the same
transaction: to servers it is what any event is, and no server is measured relaying.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import count

from django.db import connection, transaction

from lab.faults.acts import KIND, add_product, add_sessions
from notifications.services import notify, relay

_numbers = count(1)


def new_stream() -> str:
    """A public one, of a new product."""
    slug = f"lab-{next(_numbers)}"
    add_product(slug)
    return f"product:{slug}"


def signed_in(number: int) -> list[tuple[str, str]]:
    """So many new users, each as its own stream and the cookie that opens it."""
    return [(f"user:{pk}", f"sessionid={key}") for pk, key in add_sessions(number)]


def say(stream: str, number: int = 1, *, every: float = 0.0, size: int = 200) -> None:
    """So many events, each committed by itself; `at` is this machine's monotonic clock before the transaction."""
    begun = time.monotonic()
    for n in range(number):
        time.sleep(max(0.0, begun + n * every - time.monotonic()))
        _say(stream, size)
    connection.close()


def say_to_each(streams: Sequence[str], *, every: float = 0.0, size: int = 200) -> None:
    begun = time.monotonic()
    for n, stream in enumerate(streams):
        time.sleep(max(0.0, begun + n * every - time.monotonic()))
        _say(stream, size)
    connection.close()


def say_together(streams: Sequence[str], size: int = 200) -> float:
    """One event on each, all in one transaction: when its commit began."""
    with transaction.atomic():
        for stream in streams:
            notify(stream, KIND, ballast="x" * size)
        committing = time.monotonic()
    connection.close()
    return committing


@transaction.atomic
def _say(stream: str, size: int) -> None:
    notify(stream, KIND, at=time.monotonic(), ballast="x" * size)
    if stream.startswith("product:"):
        relay()
