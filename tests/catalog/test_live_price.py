"""Whichever way a price or a product's time in the shop is written, its open pages are told with it."""

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from djmoney.money import Money

from notifications.models import Event, Pending
from notifications.services import relay
from shop.catalog.announcing import PRICES_AN_EVENT
from shop.catalog.models import Product, Variant
from tests.waiting import eventually

pytestmark = pytest.mark.django_db


def told(kind: str = "price") -> list[tuple[str, Any]]:
    """(slug, payload) of what waits for the relay, in order; forgotten once read."""
    waiting = Pending.objects.filter(kind=kind).order_by("pk")
    events = [(one.stream_name.removeprefix("product:"), one.payload) for one in waiting]
    waiting.delete()
    return events


def logged(count: int) -> list[Any]:
    """The payloads of ebb's prices in the log, in order, once there are so many."""
    events = Event.objects.filter(stream__name="product:ebb", kind="price").order_by("offset")
    relay()
    eventually(lambda: events.count() >= count)
    return [event.payload for event in events]


def euros(**prices: str) -> dict[str, Any]:
    return {
        "prices": {
            sku.replace("_", "-"): {"amount": price, "currency": "EUR"} for sku, price in prices.items()
        }
    }


@pytest.fixture
def print_of_two(make_variant: Callable[..., Variant]) -> Product:
    product = make_variant(price="24.00", slug="ebb").product
    product.variants.update(sku="A")
    product.variants.create(sku="B", price=Money("48", "EUR"), weight_g=300)
    return product


def test_saving_a_variant_tells_its_new_price(print_of_two: Product) -> None:
    variant = print_of_two.variants.get(sku="A")
    variant.price = Money("28", "EUR")
    variant.save()

    assert told() == [("ebb", euros(A="28.00"))]


def test_saving_the_same_price_tells_nothing(print_of_two: Product) -> None:
    variant = print_of_two.variants.get(sku="A")
    variant.price, variant.weight_g = Money("24.0", "EUR"), 500
    variant.save()
    variant.price = Money("1", "EUR")
    variant.save(update_fields=["weight_g"])

    assert told() == []
    print_of_two.variants.create(sku="C", price=Money("9", "EUR"), weight_g=1)
    assert told() == [], "a new variant is on no page that is open"


def test_one_update_tells_each_product_once_of_what_differs(
    print_of_two: Product, make_variant: Callable[..., Variant]
) -> None:
    make_variant(price="30.00", slug="storm")
    assert Variant.objects.filter(price__lt=40).update(price=F("price") - 4) == 2
    assert Variant.objects.update(price=Decimal(20)) == 3

    slugs = [slug for slug, _ in told()]
    assert slugs == ["ebb", "storm", "ebb", "storm"]


def test_a_bulk_update_tells_once_for_a_product(print_of_two: Product) -> None:
    variants = list(print_of_two.variants.order_by("sku"))
    for variant in variants:
        variant.price, variant.weight_g = Money("48", "EUR"), 700
    Variant.objects.bulk_update(variants, ["price", "weight_g"])

    assert told() == [("ebb", euros(A="48.00"))], "B cost that before"


def test_more_prices_than_fit_a_frame_are_told_in_several(print_of_two: Product) -> None:
    Variant.objects.bulk_create(
        Variant(product=print_of_two, sku=f"{'x' * 36}{number:04}", price=Money(1, "EUR"), weight_g=1)
        for number in range(PRICES_AN_EVENT + 20)
    )
    print_of_two.variants.filter(price=1).update(price=Decimal("1234567.89"))

    assert [len(payload["prices"]) for _, payload in told()] == [PRICES_AN_EVENT, 20]


def test_a_change_that_is_rolled_back_is_not_told(print_of_two: Product) -> None:
    with transaction.atomic():
        print_of_two.variants.update(price=Decimal(1))
        transaction.set_rollback(True)

    assert told() == []


@pytest.mark.parametrize("write", ["save", "update", "bulk_update"])
def test_coming_and_going_is_told(print_of_two: Product, write: str) -> None:
    for until, visible in ((timezone.now(), False), (None, True)):
        print_of_two.visible_until, print_of_two.visible_from = until, timezone.now() - timedelta(days=1)
        match write:
            case "save":
                print_of_two.save()
            case "update":
                Product.objects.filter(pk=print_of_two.pk).update(visible_until=until)
            case "bulk_update":
                Product.objects.bulk_update([print_of_two], ["title", "visible_until"])
        assert told("visibility") == [("ebb", {"visible": visible})]
    print_of_two.visible_until = timezone.now() + timedelta(days=1)
    print_of_two.save()
    assert told("visibility") == [], "it is still there to be seen"


@pytest.mark.django_db(transaction=True)
def test_of_two_changes_at_once_the_last_told_is_what_it_costs(print_of_two: Product) -> None:
    """One goes back to the price that the other has just changed: it must compare with that, not with the old."""
    one = print_of_two.variants.get(sku="A")
    started = threading.Event()

    def back() -> None:
        started.set()
        Variant.objects.filter(pk=one.pk).update(price=Decimal(24))
        connection.close()

    thread = threading.Thread(target=back)
    with transaction.atomic():
        Variant.objects.filter(pk=one.pk).update(price=Decimal(12))
        thread.start()
        started.wait(10)
        thread.join(0.3)  # time to read; it cannot write before this commits
    thread.join(20)

    # In the log: a server that other tests share may have relayed the first before the second was written.
    assert logged(2) == [euros(A="12.00"), euros(A="24.00")]
