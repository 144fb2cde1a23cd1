"""On SQLite one transaction writes at a time: others queue as they begin, and whoever waits too long is told so."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client

from shop.cart.models import Cart, CartLine
from shop.catalog.models import Variant
from shop.inventory.models import Stock
from shop.orders.models import Order
from shop.outages import RETRY_AFTER
from shop.sqlite3.base import Line

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite's one lock"),
]
WAITS = 30_000  # ms


@contextmanager
def somebody_writes() -> Iterator[None]:
    """From another connection, until the end of the block."""
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def test_a_transaction_takes_the_lock_as_it_begins_and_waits_for_it() -> None:
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA busy_timeout").fetchone() == (WAITS,)
        assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    said: list[str] = []
    with transaction.atomic():
        # Nothing is written yet, and still nobody else may begin to write.
        other = sqlite3.connect(connection.settings_dict["NAME"], timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="database is locked"):
            other.execute("BEGIN IMMEDIATE")
        other.execute("SELECT count(*) FROM inventory_stock").fetchone()  # reading goes on
        other.close()

    def write() -> None:
        with transaction.atomic():
            said.append("written")
        connection.close()

    with somebody_writes():
        waiting = threading.Thread(target=write)
        waiting.start()
        waiting.join(0.5)
        assert said == []
    waiting.join(10)
    assert said == ["written"]


def test_who_came_first_writes_first() -> None:
    """SQLite by itself lets a newcomer go ahead of those who have waited long, and ask less and less often."""
    order: list[int] = []

    def write(number: int) -> None:
        with transaction.atomic():
            order.append(number)
        connection.close()

    writers = [threading.Thread(target=write, args=[number]) for number in range(12)]
    with somebody_writes():
        for writer in writers:
            writer.start()
            writer.join(0.1)
    for writer in writers:
        writer.join(10)
    assert order == list(range(12))


def test_a_turn_that_does_not_come_in_time_is_given_up_and_holds_up_nobody() -> None:
    line, refused = Line(), []

    def wait() -> None:
        try:
            with line.turn(0.05):
                pass
        except OperationalError as error:
            refused.append(str(error))

    with line.turn(1):
        late = threading.Thread(target=wait)
        late.start()
        late.join(5)
    assert refused == ["database is locked"]
    with line.turn(1):
        pass


def test_a_buyer_who_waits_too_long_is_told_to_come_again_and_nothing_is_half_done(
    client: Client, make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(stock=3)
    client.post("/cart/add/", {"variant": variant.pk, "quantity": 1})
    client.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 200")  # as if it were the 30 seconds
    with somebody_writes():
        answer = client.post("/cart/add/", {"variant": variant.pk, "quantity": 1})
    connection.close()

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(RETRY_AFTER))
    assert "Please try again in a moment" in answer.text
    assert "locked" not in answer.text
    assert CartLine.objects.get().quantity == 1
    assert (Stock.objects.get(variant=variant).reserved, Order.objects.count()) == (0, 0)
    assert client.post("/cart/add/", {"variant": variant.pk, "quantity": 1}).status_code == 302
    assert CartLine.objects.get().quantity == 2
