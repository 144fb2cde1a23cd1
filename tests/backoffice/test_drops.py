"""The line in staff's hands: what they see of it, and what acts at once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notifications.models import Event
from shop.catalog.models import Variant
from shop.drops.models import Drop, Place
from shop.drops.services import steer, take_place
from tests.backoffice.conftest import queries, staff
from tests.drops.moving import let_in, pass_time

pytestmark = pytest.mark.django_db


def page(drop: Drop) -> str:
    return reverse("admin:drops_drop_change", args=[drop.pk])


def steering(drop: Drop) -> str:
    return reverse("admin:drops_drop_steer", args=[drop.pk])


def told(drop: Drop) -> dict:
    return Event.objects.on(drop.stream).latest("offset").payload


def figures(client: Client, drop: Drop) -> dict[str, int]:
    seen = client.get(page(drop)).context["drop"]
    return {"waiting": seen.in_line, "inside": seen.inside, "let_in": seen.admitted, "bought": seen.bought}


def test_the_page_counts_who_waits_is_inside_and_bought(
    owner: Client, make_drop: Callable[..., Drop]
) -> None:
    drop = make_drop()
    let_in(drop)
    let_in(drop)[0].use()
    late = let_in(drop)[0]
    Place.objects.filter(pk=late.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    steer(drop, paused=True)
    take_place(drop, None)
    assert figures(owner, drop) == {"waiting": 1, "inside": 1, "let_in": 3, "bought": 1}


def test_rate_and_pause_act_at_once_and_are_told(owner: Client, make_drop: Callable[..., Drop]) -> None:
    drop = make_drop(rate=1)  # nobody meanwhile, however slow the machine
    for _ in range(40):
        take_place(drop, None)
    owner.post(steering(drop), {"paused": "yes"})
    pass_time(drop, 60)
    assert (drop.admitted, told(drop)["paused"]) == (0, True)
    owner.post(steering(drop), {"paused": "no"})
    owner.post(steering(drop), {"rate": "600"})
    assert (told(drop)["paused"], told(drop)["rate"]) == (False, 600)
    pass_time(drop, 2.1)
    assert drop.admitted >= 20


@pytest.mark.parametrize("rate", ["0", "-5", "60001", "many", ""])
def test_a_rate_that_is_none_is_refused_in_words(
    owner: Client, make_drop: Callable[..., Drop], rate: str
) -> None:
    drop = make_drop(rate=60)
    answer = owner.post(steering(drop), {"rate": rate}, follow=True)
    assert [message.level_tag for message in answer.context["messages"]] == ["error"]
    assert Drop.objects.get(pk=drop.pk).rate == 60


def test_only_who_may_change_drops_steers_them(make_drop: Callable[..., Drop]) -> None:
    drop, viewer = make_drop(), staff("viewer@example.com", "view_drop")
    assert "Hold the line" not in viewer.get(page(drop)).text
    assert viewer.post(steering(drop), {"paused": "yes"}).status_code == 403
    assert staff("packer2@example.com", "view_order").get(page(drop)).status_code == 403
    assert Client().post(steering(drop), {"paused": "yes"}).status_code == 302
    assert not Drop.objects.get(pk=drop.pk).paused


def test_a_form_filled_in_slowly_does_not_set_the_line_back(
    owner: Client, make_drop: Callable[..., Drop]
) -> None:
    drop = make_drop(rate=60)
    form = owner.get(page(drop)).context["adminform"].form
    sent = {name: form[name].value() or "" for name in form.fields if name != "closes_at"}
    let_in(drop)
    drop.refresh_from_db()
    answer = owner.post(page(drop), {**sent, "title": "Day ferry", "rate": "1", "opens_at_0": "2030-01-01"})
    assert answer.status_code == 302
    after = Drop.objects.get(pk=drop.pk)
    assert (after.title, after.admitted, after.last_number) == ("Day ferry", drop.admitted, drop.last_number)
    # What has opened stays open, and the rate is turned elsewhere.
    assert (after.opens_at, after.rate, told(drop)["rate"]) == (drop.opens_at, 60, 60)


def test_a_drop_is_made_and_opens(owner: Client, make_variant: Callable[..., Variant]) -> None:
    opens = timezone.localtime() - timedelta(minutes=1)
    sent = {"title": "Night ferry", "slug": "night-ferry", "products": [make_variant().product.pk]}
    sent |= {"opens_at_0": f"{opens:%Y-%m-%d}", "opens_at_1": f"{opens:%H:%M}", "rate": 30}
    answer = owner.post(reverse("admin:drops_drop_add"), {**sent, "admission_minutes": 5})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert take_place(Drop.objects.get(), None)


def test_a_drop_that_would_close_before_it_opens_is_refused(
    owner: Client, make_variant: Callable[..., Variant]
) -> None:
    sent = {"title": "Night ferry", "slug": "night-ferry", "products": [make_variant().product.pk]}
    sent |= {"opens_at_0": "2030-01-02", "opens_at_1": "10:00", "rate": 30, "admission_minutes": 5}
    sent |= {"closes_at_0": "2030-01-01", "closes_at_1": "10:00"}
    answer = owner.post(reverse("admin:drops_drop_add"), sent)
    assert "It has to close after it opens." in answer.text


def test_a_line_of_hundreds_takes_as_many_queries_as_an_empty_one(
    owner: Client, make_drop: Callable[..., Drop]
) -> None:
    drop = make_drop()
    few = queries(owner, page(drop))
    Place.objects.bulk_create(Place(drop=drop, draw=str(number)) for number in range(300))
    assert queries(owner, page(drop)) == few
