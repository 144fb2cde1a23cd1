"""A copy of the catalogue that asks for changes is the catalogue, whatever happened meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from djmoney.money import Money

from shop.api.sync import epoch, token_of
from shop.catalog.changes import Place, last_place
from shop.catalog.models import Category, Product, Variant
from shop.inventory.services import receive

pytestmark = pytest.mark.django_db(transaction=True)
PRODUCTS = "/api/v1/products/"


class Copy:
    """What an app keeps, and how it keeps it up to date."""

    def __init__(self, client: Client, limit: int = 2) -> None:
        self.client, self.rows, self.sync, self.limit = client, {}, "", limit

    def update(self) -> dict[str, Any]:
        since = f"&changed_since={self.sync}" if self.sync else ""
        url, told = f"{PRODUCTS}?limit={self.limit}{since}", {"slugs": [], "gone": [], "sync": set()}
        while url:
            answer = self.client.get(url)
            assert answer.status_code == 200, answer.content
            page = answer.json()
            self.rows |= {one["slug"]: one for one in page["results"]}
            told["slugs"] += [one["slug"] for one in page["results"]]
            told["gone"], url = page["gone"], page["next"]
            told["sync"].add(page["sync"])
        for slug in told["gone"]:
            self.rows.pop(slug, None)
        (self.sync,) = told["sync"]
        return told

    def whole(self) -> dict[str, Any]:
        results = self.client.get(PRODUCTS + "?limit=100").json()["results"]
        return {one["slug"]: one for one in results}


def test_a_copy_follows_every_kind_of_change(
    client: Client, make_variant: Callable[..., Variant], category: Category
) -> None:
    past = timezone.now() - timedelta(hours=1)
    variants = {
        slug: make_variant(slug=slug, visible_from=past)
        for slug in ("ebb", "flow", "neap", "spring", "slack")
    }
    copy = Copy(client)
    assert len(copy.update()["slugs"]) == 5
    assert copy.update()["slugs"] == []
    changes: list[tuple[Callable[[], object], set[str], list[str]]] = [
        (lambda: receive(variants["ebb"], 1), {"ebb"}, []),
        (
            lambda: Variant.objects.filter(sku=variants["flow"].sku).update(price=Money(5, "EUR")),
            {"flow"},
            [],
        ),
        (lambda: Product.objects.filter(slug="neap").update(title="Neap"), {"neap"}, []),
        (lambda: make_variant(slug="new"), {"new"}, []),
        (lambda: Product.objects.filter(slug="ebb").update(slug="ebb-tide"), {"ebb-tide"}, ["ebb"]),
        (
            lambda: Product.objects.filter(slug="flow").update(visible_until=timezone.now()),
            set(),
            ["flow"],
        ),
        (lambda: Product.objects.get(slug="slack").delete(), set(), ["slack"]),
        (lambda: Variant.objects.get(sku=variants["neap"].sku).delete(), set(), ["neap"]),
        (lambda: Category.objects.update(slug="waves"), {"ebb-tide", "spring", "new"}, []),
    ]
    for change, slugs, gone in changes:
        change()
        told = copy.update()
        assert (slugs <= set(told["slugs"]), set(gone) <= set(told["gone"])) == (True, True), told
        assert copy.rows == copy.whole()


def test_what_time_brings_and_takes_is_told(client: Client, make_variant: Callable[..., Variant]) -> None:
    now = timezone.now()
    make_variant(slug="ebb", visible_from=now, visible_until=now + timedelta(hours=1))
    make_variant(slug="flow", visible_from=now + timedelta(hours=2))
    copy = Copy(client)
    with time_machine.travel(now + timedelta(seconds=5), tick=False):
        assert copy.update()["slugs"] == ["ebb"]
    with time_machine.travel(now + timedelta(hours=1, seconds=5), tick=False):
        assert copy.update()["gone"] == ["ebb"]
    with time_machine.travel(now + timedelta(hours=2, seconds=5), tick=False):
        assert copy.update()["slugs"] == ["flow"]
        assert set(copy.rows) == {"flow"}


def test_what_was_never_on_sale_is_not_named(client: Client, make_variant: Callable[..., Variant]) -> None:
    make_variant(slug="ebb")
    copy = Copy(client)
    copy.update()
    secret = make_variant(slug="secret", visible_from=timezone.now() + timedelta(days=9))
    receive(secret, 1)
    assert "secret" not in str(copy.update())


def test_a_token_of_somebody_elses_making_is_refused(client: Client) -> None:
    for parameter in ("changed_since", "as_of"):
        answer = client.get(f"{PRODUCTS}?{parameter}=2026-11-28T00:00:00Z")
        told = [(one["path"], one["code"]) for one in answer.json()["errors"]]
        assert (answer.status_code, told) == (422, [(parameter, "bad_token")])


def test_a_token_from_before_a_restored_backup_is_refused_and_a_fresh_copy_follows(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    past = timezone.now() - timedelta(hours=1)
    make_variant(slug="ebb", visible_from=past)
    copy = Copy(client)
    copy.update()
    call_command("after_restore")
    make_variant(slug="flow", visible_from=past)
    for parameter in ("changed_since", "as_of"):
        answer = client.get(f"{PRODUCTS}?{parameter}={copy.sync}")
        told = [(one["path"], one["code"]) for one in answer.json()["errors"]]
        assert (answer.status_code, told) == (422, [(parameter, "bad_token")])
    fresh = Copy(client)
    fresh.update()
    make_variant(slug="neap", visible_from=past)
    assert fresh.update()["slugs"] == ["neap"]
    assert fresh.rows == fresh.whole()


def test_without_a_new_epoch_a_token_of_the_lost_time_would_pass(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    """The control: a place beyond the restored log is one where nothing of it is news."""
    variant = make_variant(slug="ebb", visible_from=timezone.now() - timedelta(hours=1))
    copy = Copy(client)
    copy.update()
    here = last_place()
    copy.sync = token_of(Place(here.number + 10**6, here.at), epoch())
    Product.objects.filter(pk=variant.product.pk).update(title="Changed since")
    assert copy.update()["slugs"] == []
    assert copy.rows != copy.whole()


def test_a_change_between_two_pages_is_told_the_next_time(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    for slug in ("ebb", "flow", "neap"):
        make_variant(slug=slug)
    first = client.get(PRODUCTS + "?limit=2").json()
    Product.objects.filter(slug="ebb").update(title="Changed behind the reader's back")
    second = client.get(first["next"]).json()
    assert second["sync"] == first["sync"]
    told = client.get(f"{PRODUCTS}?changed_since={second['sync']}").json()
    assert "ebb" in [one["slug"] for one in told["results"]]


def test_asking_for_changes_takes_a_few_queries_however_many_there_are(
    client: Client, make_variant: Callable[..., Variant], settings: Any, django_assert_num_queries: Callable
) -> None:
    settings.API_RENDERED_BYTES = 0
    sync = client.get(PRODUCTS).json()["sync"]
    for wanted in (3, 30):
        while Product.objects.count() < wanted:
            make_variant()
        with django_assert_num_queries(8):  # epoch, place, rows, told, ended, here, covers, prices and stock
            shown = client.get(f"{PRODUCTS}?limit=100&changed_since={sync}").json()
        assert len(shown["results"]) == wanted
