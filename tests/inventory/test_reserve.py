from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum

from notifications.models import Pending
from shop.catalog.models import Variant
from shop.inventory.models import Reservation, Stock
from shop.inventory.services import OutOfStock, receive, release, reserve, ship
from shop.inventory.stocktake import count_stock

pytestmark = pytest.mark.django_db


def figures(variant: Variant) -> tuple[int, int]:
    stock = Stock.objects.get(variant=variant)
    assert stock.on_hand == variant.movements.aggregate(sum=Sum("quantity"))["sum"]
    return stock.on_hand, stock.reserved


def test_reserving_holds_stock_and_tells_the_product_page(make_variant: Callable[..., Variant]) -> None:
    variant = make_variant(stock=5)
    Pending.objects.all().delete()
    reserve("order-1", {variant.pk: 2}, None)
    assert figures(variant) == (5, 2)
    told = Pending.objects.exclude(stream_name="staff:stock").get()
    assert told.stream_name == f"product:{variant.product.slug}"
    assert told.payload == {
        "sku": variant.sku,
        "available": 3,
        "reserved": 2,
        "here": 3,
        "lead_days": None,
    }


def test_staff_hear_once_when_a_variant_runs_low_out_or_is_back(make_variant: Callable[..., Variant]) -> None:
    variant = make_variant(stock=6)
    Pending.objects.all().delete()

    def heard() -> list[tuple[str, int]]:
        rows = Pending.objects.filter(stream_name="staff:stock").order_by("pk")
        new = list(rows.values_list("kind", "payload__available"))
        rows.delete()
        return new

    reserve("order-1", {variant.pk: 2}, None)
    assert heard() == []  # 4
    reserve("order-2", {variant.pk: 2}, None)
    assert heard() == [("stock.low", 2)]
    reserve("order-3", {variant.pk: 1}, None)
    ship("order-3")
    assert heard() == []  # 1, lower but still low
    receive(variant, -1, "adjusted")
    assert heard() == [("stock.out", 0)]
    release("order-1")
    assert heard() == [("stock.back", 2)]
    count_stock({variant.pk: 9})
    assert heard() == []  # 7
    count_stock({variant.pk: 2})
    assert heard() == [("stock.out", 0)]  # past both marks at once


def test_all_or_none_is_reserved_and_each_shortage_named(make_variant: Callable[..., Variant]) -> None:
    plenty, one, none = make_variant(stock=5), make_variant(stock=1), make_variant(stock=0)
    with pytest.raises(OutOfStock) as refusal:
        reserve("order-1", {plenty.pk: 2, one.pk: 2, none.pk: 1}, None)
    assert refusal.value.details["short"] == {one.pk: 1, none.pk: 0}
    assert figures(plenty) == (5, 0)
    assert not Reservation.objects.exists()


def test_releasing_twice_gives_back_once(make_variant: Callable[..., Variant]) -> None:
    variant = make_variant(stock=5)
    reserve("order-1", {variant.pk: 2}, None)
    reserve("order-2", {variant.pk: 1}, None)
    assert release("order-1") is True
    assert release("order-1") is False
    assert figures(variant) == (5, 1)


def test_shipping_twice_sends_once(make_variant: Callable[..., Variant]) -> None:
    variant = make_variant(stock=5)
    reserve("order-1", {variant.pk: 2}, None)
    ship("order-1")
    ship("order-1")
    assert release("order-1") is False
    assert figures(variant) == (3, 0)


def test_what_is_reserved_cannot_be_taken_off_the_shelf(make_variant: Callable[..., Variant]) -> None:
    variant = make_variant(stock=5)
    reserve("order-1", {variant.pk: 4}, None)
    with pytest.raises(OutOfStock, match="already reserved"):
        receive(variant, -2, "adjusted")
    assert figures(variant) == (5, 4)


@pytest.mark.parametrize("wrong", [{"on_hand": 0}, {"reserved": 6}], ids=["below reserved", "above on hand"])
def test_the_database_holds_even_if_the_code_is_wrong(
    make_variant: Callable[..., Variant], wrong: dict[str, int]
) -> None:
    variant = make_variant(stock=5)
    reserve("order-1", {variant.pk: 1}, None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Stock.objects.filter(variant=variant).update(**wrong)
