"""Sold before it is there: who reserved first is served first, and nothing leaves that does not lie on the shelf."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from notifications.models import Pending
from shop.catalog.models import Variant
from shop.inventory.audit import stock_faults
from shop.inventory.models import Reservation, Stock
from shop.inventory.services import (
    BelowPromised,
    OutOfStock,
    allow_backorders,
    receive,
    release,
    reserve,
    ship,
)
from shop.inventory.shelf import NotThereYet, awaited
from shop.inventory.stocktake import BelowReserved, count_stock
from tests.racing import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(make_variant: Callable[..., Variant]) -> Variant:
    """One lies there, and up to four more may be sold."""
    variant = make_variant(stock=1)
    allow_backorders(variant, 4, 10)
    return variant


def missing() -> dict[str, int]:
    return {one.reference: one.missing for one in Reservation.objects.waiting()}


def test_who_reserved_first_is_served_first_by_whatever_comes(made: Variant) -> None:
    for reference, quantity in (("first", 2), ("second", 1), ("third", 2)):
        reserve(reference, {made.pk: quantity}, None)
    assert missing() == {"first": 1, "second": 1, "third": 2}
    receive(made, 2)
    assert missing() == {"third": 2}
    receive(made, -1, "adjusted")
    assert missing() == {"second": 1, "third": 2}  # one was damaged: the later order waits again
    release("first")
    assert missing() == {"third": 1}
    receive(made, 3)
    assert missing() == {}
    assert Stock.objects.get(variant=made).here == 2
    assert stock_faults() == []


def test_nothing_is_shipped_that_is_not_there_or_is_another_s(made: Variant) -> None:
    reserve("first", {made.pk: 2}, None)
    reserve("second", {made.pk: 1}, None)
    for reference, lacks in (("first", 1), ("second", 1)):
        with pytest.raises(NotThereYet, match=rf"{lacks} × {made.sku}") as refusal:
            ship(reference)
        assert (
            refusal.value.details["missing"] == {made.sku: lacks} == {made.sku: awaited(reference)[made.pk]}
        )
    ship("first", {made.pk: 1})  # a parcel with the one that is there
    receive(made, 1)
    with pytest.raises(NotThereYet):
        ship("second")
    ship("first")
    receive(made, 1)
    ship("second")
    stock = Stock.objects.get(variant=made)
    assert (stock.on_hand, stock.reserved) == (0, 0)
    assert stock_faults() == []


@pytest.mark.django_db(transaction=True)
def test_of_two_sent_at_once_the_one_print_goes_with_the_first(made: Variant) -> None:
    reserve("first", {made.pk: 1}, None)
    reserve("second", {made.pk: 1}, None)
    for _ in range(5):
        refused = at_once(*[lambda name=name: ship(name) for name in ("second", "first", "second")])
        assert {type(error) for error in refused} == {NotThereYet}
        assert Stock.objects.get(variant=made).on_hand == 0
    assert dict(Reservation.objects.values_list("reference", "state")) == {
        "first": "shipped",
        "second": "held",
    }
    assert stock_faults() == []


def test_the_database_holds_the_limit_even_if_the_code_is_wrong(made: Variant) -> None:
    reserve("first", {made.pk: 4}, None)
    for wrong in ({"reserved": 6}, {"backorder_limit": 2}, {"on_hand": -1}, {"lead_days": 0}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Stock.objects.filter(variant=made).update(**wrong)


def test_the_check_names_what_was_sold_beyond_the_limit(made: Variant) -> None:
    reserve("first", {made.pk: 5}, None)
    with unconstrained():
        Stock.objects.filter(variant=made).update(backorder_limit=2)
    with pytest.raises(CommandError, match="4 sold ahead, 2 allowed"):
        call_command("check_stock")


@contextmanager
def unconstrained() -> Iterator[None]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
            yield
            cursor.execute("PRAGMA ignore_check_constraints = OFF")
        else:  # until the test is rolled back
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE inventory_stock DROP CONSTRAINT stock_reserved_within_reach")
            yield


def test_the_shelf_may_be_counted_lower_than_what_is_sold_as_far_as_more_can_be_made(made: Variant) -> None:
    reserve("first", {made.pk: 4}, None)
    with pytest.raises(OutOfStock):
        receive(made, -2, "adjusted")  # fewer than none
    count_stock({made.pk: 0})
    assert missing() == {"first": 4}
    receive(made, 3)
    allow_backorders(made, 1, 10)
    with pytest.raises(BelowReserved):
        count_stock({made.pk: 2})


def test_a_limit_below_what_is_sold_ahead_is_refused_in_words(made: Variant) -> None:
    reserve("first", {made.pk: 3}, None)
    with pytest.raises(BelowPromised, match="2 are already sold"):
        allow_backorders(made, 1, 10)
    allow_backorders(made, 2, 10)
    assert Stock.objects.get(variant=made).available == 0


def test_pages_hear_what_is_here_and_staff_when_it_is_made_to_order(made: Variant) -> None:
    Pending.objects.all().delete()

    def heard() -> list[tuple[str, int, int]]:
        rows = Pending.objects.order_by("pk")
        new = [(row.kind, row.payload["available"], row.payload.get("here", -1)) for row in rows]
        rows.delete()
        return new

    reserve("first", {made.pk: 1}, None)
    assert heard() == [("stock", 4, 0), ("stock.ahead", 4, -1)]
    reserve("second", {made.pk: 4}, None)
    assert heard() == [("stock", 0, 0), ("stock.out", 0, -1)]
    receive(made, 2)
    assert heard() == [
        ("stock", 2, 0),
        ("stock.back", 2, -1),
    ]  # two more may be sold, none lies there for them
    allow_backorders(made, 2, 10)
    assert heard() == [("stock", 0, 0)]
