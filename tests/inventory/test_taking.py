"""The three ways to take stock hold the same; the fourth, without a guard, shows what they keep from."""

from collections.abc import Callable

import pytest
from django.conf import settings as site
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from shop.catalog.models import Variant
from shop.inventory.audit import stock_faults
from shop.inventory.models import Reservation, Stock
from shop.inventory.services import OutOfStock, allow_backorders, receive, reserve
from tests.racing import at_once

BUYERS, UNITS = 14, 5
pytestmark = pytest.mark.django_db(transaction=True)


def rush(variant: Variant) -> list[BaseException]:
    works = [
        lambda number=number: reserve(f"order-{number}", {variant.pk: 1}, None) for number in range(BUYERS)
    ]
    return at_once(*works)


@pytest.mark.parametrize("way", site.STOCK_WAYS)
@pytest.mark.parametrize("ahead", [0, 3])
def test_of_many_at_once_as_many_are_served_as_there_are_and_may_be_made(
    way, ahead, settings, make_variant: Callable[..., Variant]
) -> None:
    settings.STOCK_TAKING = way
    variant = make_variant(stock=UNITS - ahead)
    allow_backorders(variant, ahead, 10)
    refused = rush(variant)
    assert [type(error) for error in refused] == [OutOfStock] * (BUYERS - UNITS)
    assert Reservation.objects.count() == Stock.objects.get(variant=variant).reserved == UNITS
    assert sum(one.missing for one in Reservation.objects.waiting()) == ahead
    assert stock_faults() == []


@pytest.mark.parametrize("ahead", [0, 3])
def test_without_a_guard_more_are_served(ahead, settings, make_variant: Callable[..., Variant]) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one transaction write at a time, so there is no race to show")
    settings.STOCK_TAKING = "tests.checkout.unguarded.take"
    variant = make_variant(stock=UNITS - ahead)
    allow_backorders(variant, ahead, 10)
    rush(variant)
    assert Reservation.objects.count() > UNITS
    assert len(stock_faults()) == 1


@pytest.mark.parametrize("way", site.STOCK_WAYS)
def test_too_many_take_nothing_and_the_last_may_be_taken(way, settings, make_variant) -> None:
    settings.STOCK_TAKING = way
    variant, unstocked = make_variant(stock=3), make_variant(stock=0)
    Stock.objects.filter(variant=unstocked).delete()
    for quantities in ({variant.pk: 4}, {variant.pk: 1, unstocked.pk: 1}):
        with pytest.raises(OutOfStock):
            reserve("too-many", quantities, None)
    assert reserve("all", {variant.pk: 3}, None) == {}
    assert Stock.objects.get(variant=variant).available == 0


@pytest.mark.parametrize("way", site.STOCK_WAYS)
def test_what_is_not_there_is_sold_up_to_the_limit_and_counted(way, settings, make_variant) -> None:
    settings.STOCK_TAKING = way
    variant, shelf = make_variant(stock=3), make_variant(stock=9)
    allow_backorders(variant, 2, 10)
    assert reserve("first", {variant.pk: 2}, None) == {}
    assert reserve("second", {variant.pk: 2, shelf.pk: 9}, None) == {variant.pk: 1}
    with pytest.raises(OutOfStock) as refusal:
        reserve("third", {variant.pk: 2}, None)
    assert refusal.value.details["short"] == {variant.pk: 1}
    assert reserve("fourth", {variant.pk: 1}, None) == {variant.pk: 1}
    assert Stock.objects.get(variant=variant).available == 0
    assert stock_faults() == []


def test_an_advisory_lock_waits_for_the_transaction_before_it(settings, make_variant) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("advisory locks are PostgreSQL's")
    settings.STOCK_TAKING = "shop.inventory.taking.advisory_lock"
    variant = make_variant(stock=1)
    with transaction.atomic():
        reserve("first", {variant.pk: 1}, None)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()"
            )
            assert cursor.fetchall() == [(variant.pk,)]
    assert [type(error) for error in at_once(lambda: reserve("second", {variant.pk: 1}, None))] == [
        OutOfStock
    ]


def test_the_check_names_what_differs(make_variant: Callable[..., Variant], capsys) -> None:
    right, wrong = make_variant(stock=4), make_variant(stock=4)
    receive(right, 2)
    reserve("order-1", {right.pk: 3}, None)
    call_command("check_stock")
    assert capsys.readouterr().out == "2 variants, each as its movements and orders say.\n"
    Stock.objects.filter(variant=wrong).update(on_hand=5, reserved=1)
    with pytest.raises(CommandError) as fault:
        call_command("check_stock")
    assert str(fault.value) == f"{wrong.sku}: 5 on hand, 4 by its movements; 1 reserved, 0 held by orders"
