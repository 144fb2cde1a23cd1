from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from shop.alerts.models import Alert
from shop.alerts.services import ask
from shop.catalog.models import Variant
from shop.inventory.models import Stock, StockMovement
from shop.inventory.services import receive, reserve

pytestmark = pytest.mark.django_db
LIST = "/admin/inventory/stock/"


def page(variant: Variant) -> str:
    return reverse("admin:inventory_stock_change", args=[variant.pk])


def on_hand(variant: Variant) -> int:
    return Stock.objects.get(variant=variant).on_hand


def test_moving_stock_writes_who_how_many_and_why(
    packer: Client, make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(stock=5)
    packer.post(page(variant), {"quantity": "12", "reason": "received", "note": "Delivery 881"})
    packer.post(page(variant), {"quantity": "-3", "reason": "adjusted", "note": "Counted on Sunday"})
    assert on_hand(variant) == 14
    moves = (
        StockMovement.objects.filter(variant=variant)
        .order_by("id")
        .values_list("quantity", "reason", "reference", "actor__email")
    )
    assert list(moves)[1:] == [
        (12, "received", "Delivery 881", "packer@example.com"),
        (-3, "adjusted", "Counted on Sunday", "packer@example.com"),
    ]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"quantity": "0", "reason": "adjusted", "note": "none"}, "quantity"),
        ({"quantity": "-2", "reason": "received", "note": "less"}, "quantity"),
        ({"quantity": "2", "reason": "shipped", "note": "by hand"}, "reason"),
        ({"quantity": "2", "reason": "adjusted", "note": ""}, "note"),
        ({"quantity": "many", "reason": "adjusted", "note": "some"}, "quantity"),
    ],
)
def test_a_movement_that_says_nothing_is_refused_at_its_field(
    packer: Client, make_variant: Callable[..., Variant], data: dict[str, str], field: str
) -> None:
    variant = make_variant(stock=5)
    response = packer.post(page(variant), data)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert on_hand(variant) == 5


def test_what_is_reserved_cannot_be_taken_away(packer: Client, make_variant: Callable[..., Variant]) -> None:
    variant = make_variant(stock=5)
    reserve("somebody", {variant.pk: 4}, None)
    response = packer.post(page(variant), {"quantity": "-2", "reason": "adjusted", "note": "torn"})
    assert "Fewer would be left than are already reserved" in response.content.decode()
    assert on_hand(variant) == 5


def test_stock_is_never_edited_by_hand(owner: Client, make_variant: Callable[..., Variant]) -> None:
    variant = make_variant(stock=5)
    owner.post(page(variant), {"on_hand": "500", "reserved": "0"})
    assert on_hand(variant) == 5
    move = StockMovement.objects.get(variant=variant)
    for path in (
        reverse("admin:inventory_stockmovement_add"),
        reverse("admin:inventory_stockmovement_delete", args=[move.pk]),
        reverse("admin:inventory_stock_delete", args=[variant.pk]),
        reverse("admin:inventory_reservation_add"),
    ):
        assert owner.post(path, {"post": "yes"}).status_code == 403
    owner.post(reverse("admin:inventory_stockmovement_change", args=[move.pk]), {"quantity": "99"})
    move.refresh_from_db()
    assert move.quantity == 5


def test_who_may_only_look_finds_no_form(helper: Client, make_variant: Callable[..., Variant]) -> None:
    variant = make_variant(stock=5)
    assert helper.get(page(variant)).status_code == 403
    assert helper.post(page(variant), {"quantity": "1", "reason": "adjusted", "note": "x"}).status_code == 403


@pytest.mark.parametrize(("level", "found"), [("out", [0]), ("low", [0, 3]), ("held", [3])])
def test_the_list_narrows_to_what_runs_low(
    packer: Client, make_variant: Callable[..., Variant], level: str, found: list[int]
) -> None:
    make_variant(stock=0), make_variant(stock=9)
    held = make_variant(stock=5)
    reserve("somebody", {held.pk: 2}, None)
    rows = packer.get(f"{LIST}?level={level}").context["cl"].result_list
    assert sorted(stock.available for stock in rows) == found


def test_a_variant_is_found_by_its_sku(packer: Client, make_variant: Callable[..., Variant]) -> None:
    wanted, other = make_variant(), make_variant()
    receive(other, 1)
    rows = packer.get(f"{LIST}?q={wanted.sku.lower()}").context["cl"].result_list
    assert wanted.pk in [stock.pk for stock in rows]
    assert packer.get(f"{LIST}?q=nothing-like-it").context["cl"].result_list.count() == 0


def test_the_list_and_the_page_say_how_many_wait(
    owner: Client, make_variant: Callable[..., Variant], customer: User
) -> None:
    make_variant(stock=1)
    variant = make_variant(stock=0)
    for email in ("ada@example.com", "bob@example.com"):
        ask(variant, "stock.back", email=email)
    ask(variant, "price.drop", user=customer)
    Alert.objects.filter(email="bob@example.com").update(told_at=timezone.now())
    ask(variant, "stock.back", user=customer)

    rows = owner.get(f"{LIST}?o=-5").content.decode().partition("<tbody")[2].split("<tbody")
    assert variant.sku in rows[0]
    assert '"field-waiting' in rows[0]
    assert ">2<" in rows[0]
    assert ">2<" not in rows[1]
    assert "<dt>Waited for by</dt><dd>2</dd>" in owner.get(page(variant)).content.decode()
