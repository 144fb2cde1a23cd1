"""The log of changes: every way of writing is in it, and nothing that commits late is missed."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from djmoney.money import Money

from shop.catalog.changes import EVERYTHING, changed_after, forget_superseded, last_place
from shop.catalog.models import Attribute, Category, Change, OptionValue, Product, ProductImage, Variant
from shop.drops.models import Drop
from shop.inventory.models import Stock
from shop.inventory.services import release, reserve
from tests.waiting import eventually, place_after_all

pytestmark = pytest.mark.django_db(transaction=True)


def changed(work: Callable[[], object]) -> set[str]:
    before, _ = changed_after(None)
    work()
    return changed_after(before)[1]


def test_every_way_to_change_a_product_is_told(
    make_variant: Callable[..., Variant], category: Category
) -> None:
    variant, other = make_variant(slug="ebb"), make_variant(slug="flow")
    product = variant.product
    value = OptionValue.objects.get(code="30x40")
    year = Attribute.objects.create(code="year", name="Year")
    image = ProductImage(product=product, picture="p.webp", width=9, height=9, alt="Waves")
    ebb, both = {"ebb"}, {"ebb", "flow", EVERYTHING}
    assert changed(lambda: None) == set()
    assert changed(lambda: Product.objects.filter(pk=product.pk).update(title="Ebb tide")) == ebb
    assert changed(lambda: Variant.objects.filter(pk=variant.pk).update(price=Money(9, "EUR"))) == ebb
    assert changed(lambda: ProductImage.objects.bulk_create([image])) == ebb
    assert changed(lambda: product.images.update(alt="The sea")) == ebb
    assert changed(lambda: product.images.all().delete()) == ebb
    assert changed(lambda: product.attributes.create(attribute=year, text="1998")) == ebb
    assert changed(lambda: Attribute.objects.update(name="Printed in")) == ebb | {EVERYTHING}
    assert changed(lambda: variant.values.clear()) == ebb
    assert changed(lambda: variant.values.add(value)) == ebb
    assert changed(lambda: OptionValue.objects.update(label="30 by 40")) == both
    assert changed(lambda: reserve("somebody", {variant.pk: 1}, None)) == ebb
    assert changed(lambda: release("somebody")) == ebb
    assert changed(lambda: Category.objects.update(name="Waves")) == both
    assert changed(lambda: Stock.objects.filter(pk=other.pk).update(lead_days=9)) == {"flow"}
    assert changed(lambda: Product.objects.filter(slug="ebb").update(slug="neap")) == {"ebb", "neap"}
    assert changed(lambda: Product.objects.get(slug="flow").delete()) == {"flow"}


def test_a_drop_is_told_when_it_is_planned_and_not_as_its_line_moves(
    make_variant: Callable[..., Variant], make_drop: Callable[..., Drop]
) -> None:
    variant = make_variant(slug="ebb")
    assert changed(lambda: make_drop(variant)) == {"ebb", EVERYTHING}
    assert changed(lambda: Drop.objects.update(admitted=0, sold_out=True, paused=True)) == set()
    closes = timezone.now() + timedelta(days=1)
    assert changed(lambda: Drop.objects.update(closes_at=closes)) == {"ebb", EVERYTHING}


def test_what_is_undone_is_no_change(make_variant: Callable[..., Variant]) -> None:
    make_variant()

    def undo() -> None:
        with transaction.atomic():
            Product.objects.update(title="Never")
            transaction.set_rollback(True)

    assert changed(undo) == set()


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="writers queue on SQLite")
def test_a_change_that_commits_after_a_later_one_is_not_missed(make_variant: Callable[..., Variant]) -> None:
    make_variant(slug="early"), make_variant(slug="late")
    wrote, may_end = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            Product.objects.filter(slug="early").update(position=5)
            wrote.set()
            may_end.wait(20)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert wrote.wait(20)
    Product.objects.filter(slug="late").update(position=6)
    seen, _ = changed_after(None)
    place = last_place()
    highest = Change.objects.order_by("-pk")[0].pk
    may_end.set()
    thread.join(20)
    assert changed_after(seen)[1] == {"early"}
    assert "early" in set(Change.objects.since(place.number).values_list("slug", flat=True))
    # The control: by the rows' own numbers it would be lost.
    assert not Change.objects.filter(pk__gt=highest).exists()


def test_a_place_stays_while_nothing_changes(make_variant: Callable[..., Variant]) -> None:
    make_variant()
    before = place_after_all()
    Attribute.objects.filter(code="none").update(name="None")
    eventually(lambda: last_place() == before)
    Product.objects.update(title="Another")
    assert last_place() != before
    assert place_after_all() != before


def test_the_log_keeps_of_each_product_its_last_change(make_variant: Callable[..., Variant]) -> None:
    make_variant(slug="ebb"), make_variant(slug="flow")
    told = Change.objects.filter(slug__in=["ebb", "flow"])
    place = place_after_all()
    for title in ("One", "Two", "Three"):
        Product.objects.filter(slug="ebb").update(title=title)
    Change.objects.update(at=timezone.now() - timedelta(days=2))
    forget_superseded()
    assert sorted(told.values_list("slug", flat=True)) == ["ebb", "flow"]
    assert list(Change.objects.since(place.number).values_list("slug", flat=True)) == ["ebb"]
