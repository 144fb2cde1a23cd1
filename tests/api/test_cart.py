from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from djmoney.money import Money

from accounts.models import User
from notifications.log import position
from shop.cart.models import Cart
from shop.cart.services import add_to_cart
from shop.catalog.models import ProductImage, Variant
from shop.drops.admission import sign
from shop.drops.models import Drop
from shop.drops.services import take_place
from shop.giftcards.services import issue_card
from shop.inventory.services import receive
from shop.orders.models import Order
from shop.payments.cancellations import expire_orders
from shop.promotions.guessing import WRONG_FROM_AN_ADDRESS
from shop.shipping.models import ShippingMethod
from tests.drops.moving import let_in
from tests.offers import make_coupon, make_offer

pytestmark = pytest.mark.django_db
CART = "/api/v1/cart/"
JSON = "application/json"


class Guest:
    """An app without an account: it keeps the token that it was given."""

    def __init__(self, client: Client) -> None:
        self.client, self.headers = client, {}

    def ask(self, method: str, path: str = "", body: Any = None, **headers: str) -> Any:
        sent = {"data": body, "content_type": JSON} if body is not None else {}
        answer = getattr(self.client, method)(CART + path, **sent, headers={**self.headers, **headers})
        if answer.status_code < 300 and answer.json()["token"]:
            self.headers["Cart-Token"] = answer.json()["token"]
        return answer

    def add(self, sku: str, quantity: int = 1, **headers: str) -> Any:
        return self.ask("post", "lines/", {"sku": sku, "quantity": quantity}, **headers)


@pytest.fixture
def guest(client: Client) -> Guest:
    return Guest(client)


@pytest.fixture
def buyer(customer: User) -> Guest:
    client = Client()
    client.force_login(customer, "django.contrib.auth.backends.ModelBackend")
    return Guest(client)


def euros(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def test_looking_makes_no_cart(guest: Guest) -> None:
    for token in ({}, {"Cart-Token": "none-of-ours"}):
        answer = guest.ask("get", **token)
        shown = answer.json()
        assert answer.status_code == 200
        assert (shown["token"], shown["checkout_key"], shown["stream"]) == (None, None, None)
        assert (shown["count"], shown["lines"], shown["can_be_ordered"]) == (0, [], False)
        assert shown["totals"]["total"] == euros("0.00")
    assert not Cart.objects.exists()


def test_a_guest_gets_a_cart_and_a_token_with_the_first_print(
    guest: Guest, make_variant: Callable[..., Variant], delivery: ShippingMethod
) -> None:
    variant = make_variant(title="Ebb", slug="ebb", price="24.00", stock=5)
    ProductImage.objects.create(
        product=variant.product, picture="ebb.webp", width=90, height=120, alt="Waves"
    )
    answer = guest.add(variant.sku, 2)
    assert answer.status_code == 201
    made, shown = Cart.objects.get(), answer.json()
    assert (shown["token"], shown["checkout_key"]) == (made.token, made.checkout_key)
    (line,) = shown["lines"]
    assert line["product"] == {
        "url": "http://testserver/api/v1/products/ebb/",
        "slug": "ebb",
        "title": "Ebb",
    }
    assert (line["sku"], line["quantity"], line["options_text"]) == (variant.sku, 2, "30 × 40 cm")
    assert [option["value"] for option in line["options"]] == ["30x40"]
    assert (line["unit_price"], line["full_price"], line["total"]) == (euros("24.00"), None, euros("48.00"))
    assert (line["picture"]["alt"], line["problem"], line["lead_days"]) == ("Waves", None, 0)
    assert (shown["count"], shown["can_be_ordered"], shown["delivery_from"]) == (2, True, euros("4.90"))
    assert shown["totals"]["due"] == euros("48.00")
    here = position(made.stream)
    assert here.offset == 1
    assert shown["stream"] == {"name": made.stream, "epoch": here.epoch, "offset": 1}
    again = guest.add(variant.sku).json()
    assert (again["token"], again["count"]) == (made.token, 3)
    assert guest.ask("get").json()["count"] == 3


def test_every_step_and_a_word_on_every_offer(guest: Guest, make_variant: Callable[..., Variant]) -> None:
    sku = make_variant(price="24.00", title="Ebb").sku
    make_offer(percent=50, name="Big orders", minimum=Money(100, "EUR"))
    make_coupon("HARBOUR10", percent=10, name="Harbour welcome")
    guest.add(sku, 2)
    shown = guest.ask("put", "code/", {"code": "harbour10"}).json()
    assert shown["coupon"] == {"code": "HARBOUR10", "name": "Harbour welcome", "gives": "10 % off"}
    sums = shown["totals"]
    assert (sums["subtotal"], sums["discount"], sums["total"]) == (
        euros("48.00"),
        euros("4.80"),
        euros("43.20"),
    )
    assert [(step["kind"], step["lines"]) for step in sums["steps"]] == [("price", [sku]), ("coupon", [sku])]
    assert [(one["name"], one["applied"], one["words"]) for one in sums["offers"]] == [
        ("Big orders", False, "It starts at €100.00 of what it covers; €52.00 is missing."),
        ("Harbour welcome", True, "Takes €4.80 off."),
    ]
    assert guest.ask("delete", "coupon/").json()["coupon"] is None


def test_a_gift_card_pays_and_says_how_much(guest: Guest, make_variant: Callable[..., Variant]) -> None:
    card, code = issue_card(Money("30.00", "EUR"))
    guest.add(make_variant(price="24.00").sku, 2)
    shown = guest.ask("put", "code/", {"code": code}).json()
    assert (shown["gift_card"]["ending"], shown["gift_card"]["balance"]) == (card.ending, euros("30.00"))
    assert (shown["totals"]["gift_card_pays"], shown["totals"]["due"]) == (euros("30.00"), euros("18.00"))
    bare = guest.ask("delete", "gift-card/").json()
    assert (bare["gift_card"], bare["totals"]["due"]) == (None, euros("48.00"))


def test_wrong_codes_are_counted_and_leave_no_cart(guest: Guest, settings: Any) -> None:
    settings.API_LIMITS = settings.API_LIMITS | {"code": (1000, 60)}
    answers = [guest.ask("put", "code/", {"code": "WRONG"}) for _ in range(WRONG_FROM_AN_ADDRESS + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {422}
    assert answers[0].json()["code"] == "gift_card_unknown"
    assert [one["path"] for one in answers[0].json()["errors"]] == ["/code"]
    assert (answers[-1].status_code, answers[-1].json()["code"]) == (429, "too_many_guesses")
    assert not Cart.objects.exists()


def test_codes_have_a_limit_of_their_own(guest: Guest, settings: Any) -> None:
    most, _ = settings.API_LIMITS["code"]
    assert guest.ask("put", "code/", {"code": "WRONG"}).headers["RateLimit-Limit"] == str(most)


def test_quantities_change_and_lines_go(guest: Guest, make_variant: Callable[..., Variant]) -> None:
    (line,) = guest.add(make_variant(stock=5).sku).json()["lines"]
    path = f"lines/{line['id']}/"
    assert guest.ask("patch", path, {"quantity": 4}).json()["count"] == 4
    answer = guest.ask("patch", path, {"quantity": 6})
    assert (answer.status_code, answer.json()["code"]) == (409, "out_of_stock")
    assert answer.json()["detail"] == "There are only 5 left."
    assert guest.ask("patch", path, {}).json()["count"] == 4
    for wrong in (0, 21, "two", None, 10**15):
        assert guest.ask("patch", path, {"quantity": wrong}).status_code == 400
    assert guest.ask("get").json()["count"] == 4
    assert guest.ask("delete", path).json()["lines"] == []
    gone = guest.ask("delete", path)
    assert (gone.status_code, gone.json()["code"]) == (404, "line_gone")


def test_nobody_reaches_into_another_s_cart(
    guest: Guest, buyer: Guest, make_variant: Callable[..., Variant]
) -> None:
    sku = make_variant().sku
    (line,) = guest.add(sku).json()["lines"]
    token, path = guest.headers["Cart-Token"], f"lines/{line['id']}/"
    for method, body in (("patch", {"quantity": 2}), ("delete", None)):
        assert Guest(Client()).ask(method, path, body).status_code == 404
        # An account has its own: a guest's token opens nothing beside it.
        assert buyer.ask(method, path, body, **{"Cart-Token": token}).status_code == 404
    mine = buyer.add(sku, 3).json()
    assert (mine["token"], mine["count"]) == (None, 3)
    stolen = Cart.objects.get(user__isnull=False).token
    assert guest.ask("get", **{"Cart-Token": stolen}).json()["count"] == 0
    assert guest.ask("get", **{"Cart-Token": token}).json()["count"] == 1


def test_what_cannot_be_had_is_refused_and_leaves_no_cart(
    guest: Guest, make_variant: Callable[..., Variant]
) -> None:
    later = make_variant(visible_from=timezone.now() + timedelta(days=1))
    for sku, quantity, code in (
        ("NONE", 1, "not_for_sale"),
        (later.sku, 1, "not_for_sale"),
        (make_variant(stock=2).sku, 3, "out_of_stock"),
    ):
        answer = guest.add(sku, quantity)
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert not Cart.objects.exists()
    sku = make_variant(stock=50).sku
    guest.add(sku, 20)
    assert guest.add(sku, 1).json()["code"] == "quantity_too_large"


def test_what_changed_is_told_once_and_problems_by_code(
    guest: Guest, make_variant: Callable[..., Variant]
) -> None:
    dearer, rare = make_variant(title="Ebb"), make_variant(stock=3)
    guest.add(dearer.sku)
    guest.add(rare.sku, 3)
    Variant.objects.filter(pk=dearer.pk).update(price="30.00")
    receive(rare, -2, "adjusted")
    shown = guest.ask("get").json()
    assert shown["notices"] == ["The price of “Ebb” changed from €24.00 to €30.00."]
    assert [line["problem"] for line in shown["lines"]] == [
        None,
        {"code": "too_few", "detail": "Only 1 left: please take fewer."},
    ]
    assert not shown["can_be_ordered"]
    assert guest.ask("get").json()["notices"] == []


def test_emptying_takes_codes_too(guest: Guest, make_variant: Callable[..., Variant]) -> None:
    make_coupon("HARBOUR10", percent=10)
    token = guest.add(make_variant().sku).json()["token"]
    guest.ask("put", "code/", {"code": "HARBOUR10"})
    shown = guest.ask("delete").json()
    assert (shown["lines"], shown["coupon"], shown["token"]) == ([], None, token)
    assert Guest(Client()).ask("delete").json()["lines"] == []


def test_signing_in_brings_the_guest_s_cart_and_places(
    guest: Guest,
    buyer: Guest,
    customer: User,
    make_variant: Callable[..., Variant],
    make_drop: Callable[..., Drop],
) -> None:
    sku = make_variant().sku
    token = guest.add(sku, 2).json()["token"]
    drop = make_drop()
    place = take_place(drop, None)
    places = {"Drop-Places": f"{drop.slug}={sign(place)}"}
    assert guest.ask("post", "merge/", {"token": token}).status_code == 401
    assert buyer.ask("post", "merge/", {"token": token}, **places).json()["count"] == 2
    assert buyer.ask("post", "merge/", {"token": token}, **places).json()["count"] == 2
    place.refresh_from_db()
    assert place.user == customer
    assert guest.ask("get").json()["count"] == 0


def test_what_a_drop_guards_needs_a_place_inside(
    guest: Guest, make_variant: Callable[..., Variant], make_drop: Callable[..., Drop]
) -> None:
    variant = make_variant()
    drop = make_drop(variant)
    refused = guest.add(variant.sku)
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "waiting_room")
    assert problem["details"] == {"reason": "no_place", "drop": drop.slug, "url": f"/drops/{drop.slug}/"}
    waits = f"other=x, {drop.slug}={sign(take_place(drop, None))}"
    assert guest.add(variant.sku, **{"Drop-Places": waits}).json()["details"]["reason"] == "waiting"
    _, places = let_in(drop)
    inside = f"nonsense, {drop.slug}={places[drop.slug]}"
    assert guest.add(variant.sku, **{"Drop-Places": inside}).status_code == 201


def test_orders_that_wait_to_be_paid_are_told_of(guest: Guest, buyer: Guest, order: Order) -> None:
    assert guest.ask("get").json()["held_orders"] == []
    mine = {"Guest-Orders": f"none-such, {order.public_id}"}
    (held,) = guest.ask("get", **mine).json()["held_orders"]
    assert (held["number"], held["status"], held["prints"]) == (order.number, "pending", 2)
    assert held["due"] == euros("52.90")
    assert held["stream"]["name"] == order.stream
    assert held["stream"]["offset"] == position(order.stream).offset == 1
    Order.objects.update(reserved_until=timezone.now() - timedelta(minutes=1))
    expire_orders()
    assert guest.ask("get", **mine).json()["held_orders"][0]["status"] == "cancelled"
    Order.objects.update(user=User.objects.create_user("max@example.com"))
    assert guest.ask("get", **mine).json()["held_orders"] == []
    assert buyer.ask("get", **mine).json()["held_orders"] == []


def test_a_key_adds_once(guest: Guest, make_variant: Callable[..., Variant]) -> None:
    sku, key = make_variant().sku, {"Idempotency-Key": "5d2ad0c2-31cd-4b0f-9d3f-000000000001"}
    first = Guest(Client()).add(sku, 2, **key)
    again = Guest(Client()).add(sku, 2, **key)
    assert first.content == again.content
    assert Cart.objects.get().count() == 2


def test_fifteen_lines_take_as_many_queries_as_two(
    guest: Guest,
    make_variant: Callable[..., Variant],
    delivery: ShippingMethod,
    django_assert_num_queries: Callable,
) -> None:
    make_coupon("HARBOUR10", percent=10)
    guest.add(make_variant().sku)
    guest.ask("put", "code/", {"code": "HARBOUR10"})
    cart = Cart.objects.get()
    for wanted in (2, 15):
        while cart.lines.count() < wanted:
            variant = make_variant()
            ProductImage.objects.create(
                product=variant.product, picture=f"{variant.pk}.webp", width=90, height=90, alt="Waves"
            )
            add_to_cart(cart, variant)
        # cart, stream; lines, variants, their options and covers; coupon, its offer, offers and what each covers,
        # tax and its rates, delivery and its rates
        with django_assert_num_queries(15):
            assert guest.ask("get").json()["count"] == wanted
