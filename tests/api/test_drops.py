from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from notifications.log import position
from shop.catalog.models import Variant
from shop.drops.models import Drop, Place
from shop.drops.services import advance, take_place
from tests.drops.moving import let_in

pytestmark = pytest.mark.django_db
DROPS = "/api/v1/drops/"


@pytest.fixture
def buyer(customer: User) -> Client:
    client = Client()
    client.force_login(customer, "django.contrib.auth.backends.ModelBackend")
    return client


def held(drop: Drop, token: str) -> dict[str, str]:
    return {"Drop-Places": f"{drop.slug}={token}"}


def test_an_announced_drop_says_when_and_promises_its_draw(
    client: Client, make_variant: Callable[..., Variant], make_drop: Callable[..., Drop]
) -> None:
    drop = make_drop(make_variant(slug="ebb", title="Ebb"), opens_in=600, rate=30)
    here = position(drop.stream)
    shown = client.get(f"{DROPS}{drop.slug}/").json()
    assert (shown["stage"], shown["place"], shown["draw_url"]) == ("before", None, None)
    assert shown["products"] == [
        {"url": "http://testserver/api/v1/products/ebb/", "slug": "ebb", "title": "Ebb"}
    ]
    assert shown["seed_digest"] == drop.seed_digest
    assert drop.seed not in str(shown)
    assert shown["line"] == drop.as_told()
    assert (shown["position"], shown["wait"]) == (1, "about a minute")
    assert shown["stream"] == {"name": drop.stream, "epoch": here.epoch, "offset": here.offset}
    (listed,) = client.get(DROPS).json()
    assert {**listed, "now": shown["now"]} == shown


def test_a_guest_takes_a_place_and_comes_in(client: Client, make_drop: Callable[..., Drop]) -> None:
    drop = make_drop()
    path = f"{DROPS}{drop.slug}/place/"
    assert client.get(path).status_code == 404
    answer = client.post(path)
    taken = answer.json()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert (taken["state"], taken["number"], taken["position"]) == ("waiting", 1, 1)
    mine = held(drop, taken["token"])
    assert client.post(path, headers=mine).json()["number"] == 1
    assert Place.objects.count() == 1
    assert client.get(f"{DROPS}{drop.slug}/", headers=mine).json()["stage"] == "line"
    place, places = let_in(drop)
    inside = held(drop, places[drop.slug])
    shown = client.get(path, headers=inside).json()
    assert (shown["state"], shown["number"]) == ("inside", place.number)
    assert shown["expires_at"]
    assert "token" not in shown
    whole = client.get(f"{DROPS}{drop.slug}/", headers=inside).json()
    assert (whole["stage"], whole["place"]["state"]) == ("inside", "inside")
    assert client.get(whole["draw_url"]).text.startswith(f"seed {drop.seed}")


def test_an_account_has_its_place_on_every_device(
    buyer: Client, customer: User, make_drop: Callable[..., Drop]
) -> None:
    drop = make_drop(opens_in=600)
    taken = buyer.post(f"{DROPS}{drop.slug}/place/").json()
    assert (taken["token"], taken["number"]) == (None, None)
    assert Place.objects.get().user == customer
    other = Client()
    other.force_login(customer, "django.contrib.auth.backends.ModelBackend")
    assert other.post(f"{DROPS}{drop.slug}/place/").status_code == 201
    assert Place.objects.count() == 1
    assert other.get(DROPS).json()[0]["place"]["state"] == "waiting"


def test_another_s_or_a_false_place_is_none(
    client: Client, customer: User, make_drop: Callable[..., Drop]
) -> None:
    drop, other = make_drop(), make_drop()
    theirs = held(drop, let_in(drop, customer)[1][drop.slug])
    elsewhere = held(drop, let_in(other)[1][other.slug])
    for headers in (theirs, elsewhere, held(drop, "forged:1:x"), {"Drop-Places": ",=,;"}, {}):
        assert client.get(f"{DROPS}{drop.slug}/place/", headers=headers).status_code == 404
        assert client.get(f"{DROPS}{drop.slug}/", headers=headers).json()["place"] is None


def test_a_drop_that_is_over_gives_no_places(client: Client, make_drop: Callable[..., Drop]) -> None:
    drop = make_drop()
    Drop.objects.update(closes_at=drop.opens_at + (drop.opened_at - drop.opens_at) / 2)
    answer = client.post(f"{DROPS}{drop.slug}/place/")
    assert (answer.status_code, answer.json()["code"]) == (409, "drop_over")
    assert client.get(DROPS).json() == []
    assert client.get(f"{DROPS}{drop.slug}/").json()["stage"] == "over"
    assert client.get(f"{DROPS}nowhere/").status_code == 404


def test_one_key_is_one_place(client: Client, make_drop: Callable[..., Drop]) -> None:
    drop = make_drop()
    key: Any = {"Idempotency-Key": "5d2ad0c2-31cd-4b0f-9d3f-000000000001"}
    answers = [client.post(f"{DROPS}{drop.slug}/place/", headers=key) for _ in range(3)]
    assert len({answer.content for answer in answers}) == 1
    assert Place.objects.count() == 1


def test_ten_drops_take_as_many_queries_as_two(
    buyer: Client, customer: User, make_drop: Callable[..., Drop], django_assert_num_queries: Callable
) -> None:
    for wanted in (2, 10):
        while Drop.objects.count() < wanted:
            drop = make_drop()
            take_place(drop, customer)
            advance(drop.pk)
        with django_assert_num_queries(5):  # session, account, drops with their streams, prints, places
            assert len(buyer.get(DROPS).json()) == wanted
