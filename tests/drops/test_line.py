"""The line: fair at the opening, in order of arrival after it, moved once however many move it."""

import time
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from notifications.models import Event
from shop.catalog.models import Variant
from shop.drops.admission import claim_places, sign
from shop.drops.models import Drop, Place
from shop.drops.services import DropOver, advance, move_lines, steer, take_place
from shop.inventory.services import release, reserve
from tests.checkout.test_locks import at_once
from tests.drops.moving import let_in, pass_time

pytestmark = pytest.mark.django_db


def open_now(drop: Drop) -> None:
    Drop.objects.filter(pk=drop.pk).update(opens_at=timezone.now() - timedelta(seconds=1))
    advance(drop.pk)
    drop.refresh_from_db()


def numbers(drop: Drop) -> list[int | None]:
    return list(drop.places.order_by("pk").values_list("number", flat=True))


def told(drop: Drop) -> list[dict]:
    return list(Event.objects.on(drop.stream).order_by("offset").values_list("payload", flat=True))


# --- Fair ---------------------------------------------------------------------------------------


def test_who_waits_for_the_opening_is_drawn_by_a_seed_that_was_fixed_before(
    make_drop: Callable[..., Drop],
) -> None:
    drop = make_drop(opens_in=60)
    digest = drop.seed_digest
    for _ in range(40):
        take_place(drop, None)
    advance(drop.pk)
    assert set(numbers(drop)) == {None}
    open_now(drop)
    # Anybody can draw again, from what is public afterwards.
    ids = list(drop.places.values_list("public_id", flat=True))
    drawn = sorted(ids, key=lambda one: sha256(f"{drop.seed}:{one}".encode()).hexdigest())
    assert list(drop.places.order_by("number").values_list("public_id", flat=True)) == drawn
    assert sha256(drop.seed.encode()).hexdigest() == digest
    assert (sorted(numbers(drop)), drop.drawn) == (list(range(1, 41)), 40)
    assert numbers(drop) != list(range(1, 41))


def test_who_comes_later_stands_behind_in_order_of_arrival(make_drop: Callable[..., Drop]) -> None:
    drop = make_drop(opens_in=60)
    for _ in range(3):
        take_place(drop, None)
    open_now(drop)
    assert [take_place(drop, None).number for _ in range(3)] == [4, 5, 6]


def test_an_account_has_one_place_and_keeps_it(make_drop: Callable[..., Drop], customer: User) -> None:
    drop = make_drop()
    place = take_place(drop, customer)
    take_place(drop, None)
    assert take_place(drop, customer) == place
    assert take_place(drop, customer, held=take_place(drop, None)) == place


def test_a_guest_keeps_the_place_that_the_token_stands_for(make_drop: Callable[..., Drop]) -> None:
    drop = make_drop(opens_in=60)
    place = take_place(drop, None)
    assert take_place(drop, None, held=place) == place
    assert take_place(drop, None) != place


def test_a_guest_who_signs_in_brings_the_place_along(make_drop: Callable[..., Drop], customer: User) -> None:
    drop = make_drop()
    place = take_place(drop, None)
    claim_places(customer, {drop.slug: sign(place), "nowhere": "x"})
    assert take_place(drop, customer) == place


def test_a_second_place_cannot_be_brought_to_an_account(
    make_drop: Callable[..., Drop], customer: User
) -> None:
    drop = make_drop()
    mine, guests = take_place(drop, customer), take_place(drop, None)
    claim_places(customer, {drop.slug: sign(guests)})
    assert take_place(drop, customer) == mine
    assert Place.objects.get(pk=guests.pk).user is None


def test_what_was_used_or_lapsed_is_followed_by_a_new_place_at_the_end(
    make_drop: Callable[..., Drop], customer: User
) -> None:
    drop = make_drop()
    first, _ = let_in(drop, customer)
    Place.objects.filter(pk=first.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    take_place(drop, None)
    again = take_place(drop, customer)
    assert (again.number, Place.objects.get(pk=first.pk).state) == (3, "lapsed")


def test_a_drop_that_is_over_gives_no_places(make_drop: Callable[..., Drop]) -> None:
    drop = make_drop(opens_in=-60, closes_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(DropOver):
        take_place(drop, None)


# --- Moved --------------------------------------------------------------------------------------


def test_the_line_moves_at_its_rate_and_never_past_its_end(make_drop: Callable[..., Drop]) -> None:
    drop = make_drop(rate=60)
    for _ in range(7):
        take_place(drop, None)
    advance(drop.pk)
    drop.refresh_from_db()
    assert drop.admitted == 0
    pass_time(drop, 3.1)
    assert 3 <= drop.admitted < 7
    assert drop.places.inside().count() == drop.admitted
    pass_time(drop, 3600)
    assert drop.admitted == 7


def test_nobody_is_let_in_before_the_opening_while_held_or_after_the_end(
    make_drop: Callable[..., Drop],
) -> None:
    drop = make_drop(opens_in=60)
    take_place(drop, None)
    pass_time(drop, 60)
    assert (drop.opened_at, drop.admitted) == (None, 0)
    open_now(drop)
    steer(drop, paused=True)
    pass_time(drop, 60)
    assert drop.admitted == 0
    steer(drop, paused=False)
    Drop.objects.update(closes_at=timezone.now())
    pass_time(drop, 60)
    assert drop.admitted == 0
    Drop.objects.update(closes_at=None)
    pass_time(drop, 60)
    assert drop.admitted == 1


def test_staff_turn_the_rate_and_it_is_told_at_once(make_drop: Callable[..., Drop]) -> None:
    drop = make_drop(rate=60)
    for _ in range(30):
        take_place(drop, None)
    steer(drop, rate=600)
    assert told(drop)[-1]["rate"] == 600
    pass_time(drop, 2.1)
    assert drop.admitted >= 20  # 2 or 3 at the old rate


def test_a_bound_on_those_inside_holds_and_a_lapsed_place_makes_room(make_drop: Callable[..., Drop]) -> None:
    drop = make_drop(rate=600, inside_limit=2)
    for _ in range(5):
        take_place(drop, None)
    pass_time(drop, 5)
    assert drop.admitted == 2
    drop.places.inside().filter(number=1).update(expires_at=timezone.now() - timedelta(seconds=1))
    pass_time(drop, 5)
    assert (drop.admitted, drop.places.get(number=1).state) == (3, "lapsed")
    assert drop.places.get(number=2).use()
    pass_time(drop, 5)
    assert drop.admitted == 4


def test_the_line_stands_while_everything_is_taken_and_goes_on_when_a_print_comes_back(
    make_drop: Callable[..., Drop], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(stock=1)
    drop = make_drop(variant)
    take_place(drop, None)
    reserve("an-order", {variant.pk: 1}, None)
    pass_time(drop, 60)
    assert (drop.admitted, drop.sold_out, told(drop)[-1]["sold_out"]) == (0, True, True)
    release("an-order")
    pass_time(drop, 60)
    assert (drop.admitted, drop.sold_out, told(drop)[-1]["sold_out"]) == (1, False, False)


def test_the_line_is_told_of_when_it_moved_and_not_of_every_arrival(make_drop: Callable[..., Drop]) -> None:
    drop = make_drop(rate=1)
    assert told(drop) == [drop.as_told()]
    for _ in range(20):
        take_place(drop, None)
    assert len(told(drop)) == 1
    pass_time(drop, 61)
    assert told(drop)[1:] == [drop.as_told()]
    assert (drop.admitted, drop.last_number) == (1, 20)


def test_the_job_moves_every_line_that_is_open(make_drop: Callable[..., Drop]) -> None:
    drops = [make_drop(), make_drop(), make_drop(opens_in=60)]
    move_lines()
    assert [Drop.objects.get(pk=drop.pk).opened_at is None for drop in drops] == [False, False, True]


# --- At once ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_many_who_move_a_line_at_once_move_it_once(make_drop: Callable[..., Drop]) -> None:
    drop = make_drop(rate=60)
    for _ in range(40):
        take_place(drop, None)
    slack = 0.0
    for step in range(1, 6):
        Drop.objects.update(paced_at=F("paced_at") - timedelta(seconds=2))
        at = Drop.objects.get(pk=drop.pk).paced_at
        assert at_once(*[lambda: advance(drop.pk)] * 8) == []
        drop.refresh_from_db()
        # The moments that the calls themselves take are time as well.
        slack += (timezone.now() - at).total_seconds() - 2
        assert 2 * step <= drop.admitted <= 2 * step + slack + 1
    assert drop.places.inside().count() == drop.admitted


@pytest.mark.django_db(transaction=True)
def test_one_account_in_many_tabs_gets_one_place(make_drop: Callable[..., Drop], customer: User) -> None:
    drop, got = make_drop(), []
    assert at_once(*[lambda: got.append(take_place(drop, customer).pk)] * 8) == []
    assert (len(set(got)), Place.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_who_joins_while_it_opens_gets_a_number_too(make_drop: Callable[..., Drop]) -> None:
    drop = make_drop(opens_in=60)
    Drop.objects.update(opens_at=timezone.now() - timedelta(seconds=1))
    assert at_once(*[lambda: take_place(drop, None)] * 12, *[lambda: advance(drop.pk)] * 4) == []
    advance(drop.pk)
    assert sorted(numbers(drop)) == list(range(1, 13))


@pytest.mark.django_db(transaction=True)
def test_a_place_buys_once_from_two_tabs(make_drop: Callable[..., Drop]) -> None:
    drop, used = make_drop(), []
    place, _ = let_in(drop)
    assert at_once(*[lambda: used.append(place.use())] * 6) == []
    assert sorted(used) == [False] * 5 + [True]


@pytest.mark.django_db(transaction=True)
def test_a_step_that_another_process_is_taking_is_left_to_it(make_drop: Callable[..., Drop]) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one transaction write at a time: the second step waits")
    drop = make_drop(opens_in=60)
    place = take_place(drop, None)
    Drop.objects.update(opens_at=timezone.now() - timedelta(seconds=1))
    with transaction.atomic():
        Drop.objects.select_for_update().get(pk=drop.pk)
        began = time.monotonic()
        assert at_once(lambda: advance(drop.pk)) == []
        assert time.monotonic() - began < 5
        assert Place.objects.get(pk=place.pk).number is None
    advance(drop.pk)
    assert Place.objects.get(pk=place.pk).number == 1
