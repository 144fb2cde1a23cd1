"""Numbers without gaps and without doubles, whatever happens at once."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from shop.invoices.models import Counter, Document
from shop.invoices.services import draw
from tests.racing import at_once

AT_ONCE = 50
pytestmark = pytest.mark.django_db(transaction=True)


class Spilt(Exception):
    pass


def write(number: int) -> None:
    Document.objects.create(
        kind="invoice", year=2026, serial=number, reference="x", data={}, issued_at="2026-03-02T12:00:00Z"
    )


def issue_in_turn(next_number: Callable[[], int], spill: bool) -> None:
    """One of fifty: every third dies after it drew its number."""
    with transaction.atomic():
        number = next_number()
        write(number)
        if spill:
            raise Spilt


def test_fifty_at_once_with_rollbacks_between_leave_no_gap_and_no_double() -> None:
    works = [
        lambda spill=place % 3 == 0: issue_in_turn(lambda: draw("invoice", 2026), spill)
        for place in range(AT_ONCE)
    ]
    raised = at_once(*works)
    assert {type(error) for error in raised} == {Spilt}
    issued = AT_ONCE - len(raised)
    assert sorted(Document.objects.values_list("serial", flat=True)) == list(range(1, issued + 1))
    assert Counter.objects.get().last == issued


def test_a_naive_counter_gives_numbers_twice() -> None:
    """The control: the highest number and one more, as PostgreSQL lets two read it. SQLite has one writer at a time."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one transaction write at a time, so there is no race to show")
    drawn, lock = [], threading.Lock()

    def naive() -> None:
        with transaction.atomic():
            last = Document.objects.order_by("-serial").values_list("serial", flat=True).first() or 0
            with lock:
                drawn.append(last + 1)
            time.sleep(0.05)
            write(last + 1)

    at_once(*[naive] * 10)
    assert len(set(drawn)) < len(drawn)


def test_each_kind_and_each_year_has_numbers_of_its_own() -> None:
    with transaction.atomic():
        drawn = [
            draw("invoice", 2026),
            draw("invoice", 2026),
            draw("credit_note", 2026),
            draw("invoice", 2027),
        ]
    assert drawn == [1, 2, 1, 1]
