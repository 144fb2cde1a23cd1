"""Sending back: asked for by the buyer, answered by a person, withdrawn until it has arrived."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from shop.cart.models import Cart
from shop.cart.services import add_to_cart
from shop.catalog.models import Variant
from shop.orders.models import Order
from shop.orders.services import deliver_order, mark_paid, pack_order, ship_order
from shop.returns.models import Return
from shop.returns.services import approve_return, receive_return, request_return

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivered(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> Order:
    """A guest's: three of one print and one of another."""
    cart = make_cart(make_variant(title="Ebb"), 3)
    add_to_cart(cart, make_variant(title="Flood"))
    order = place(cart)
    order.payments.create(amount=order.total, status="succeeded", intent_id="pi_1")
    mark_paid(order)
    pack_order(order)
    ship_order(order, "Gannet", "GN 1")
    deliver_order(order)
    return order


def path(order: Order, *more: object) -> str:
    return "/".join(["/api/v1/orders", order.public_id, "returns", *map(str, more), ""])


def ask(client: Client, order: Order, *quantities: int, **more: Any) -> Any:
    rows = zip(order.lines.all(), quantities, strict=False)
    lines = [{"line": line.pk, "quantity": count} for line, count in rows]
    body = {"lines": lines, "reason": "damaged", **more}
    return client.post(path(order), body, "application/json")


def test_a_guest_asks_to_send_something_back(client: Client, delivered: Order) -> None:
    answer = ask(client, delivered, 2, 1, wish="exchange", note="The same again, please.")
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["status"], shown["reason"], shown["wish"], shown["note"]) == (
        "requested",
        "damaged",
        "exchange",
        "The same again, please.",
    )
    assert [(line["title"], line["quantity"]) for line in shown["lines"]] == [("Ebb", 2), ("Flood", 1)]
    assert (shown["can_withdraw"], shown["replacement"], shown["answer"]) == (True, None, "")
    assert client.get(path(delivered)).json()["results"] == [shown]
    assert client.get(path(delivered, shown["id"])).json() == shown
    order = client.get(f"/api/v1/orders/{delivered.public_id}/").json()
    assert order["returns"] == [shown]
    assert [one["most"] for one in order["may"]["returns"]] == [1]


def test_money_back_is_what_is_wished_for_unless_said_otherwise(client: Client, delivered: Order) -> None:
    assert ask(client, delivered, 1).json()["wish"] == "refund"


def test_more_than_was_sent_is_refused(client: Client, delivered: Order, order: Order) -> None:
    answer = ask(client, delivered, 4)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_return")
    foreign = ask(client, order, 1)  # nothing of it has left
    assert (foreign.status_code, foreign.json()["code"]) == (409, "nothing_to_return")
    assert not Return.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({"reason": "damaged"}, 400, "/lines"),
        ({"lines": [], "reason": "damaged"}, 400, "/lines"),
        ({"lines": [{"line": 1, "quantity": 0}], "reason": "damaged"}, 400, "/lines/0/quantity"),
        ({"lines": [{"line": 2**53, "quantity": 1}], "reason": "damaged"}, 400, "/lines/0/line"),
        ({"lines": [{"line": 1, "quantity": 1}], "reason": "ugly"}, 400, "/reason"),
        ({"lines": [{"line": 1, "quantity": 1}], "reason": "mind", "note": "x" * 501}, 400, "/note"),
        ({"lines": [{"line": 1, "quantity": 1}] * 2, "reason": "mind"}, 422, "/lines/1/line"),
    ],
)
def test_what_cannot_be_meant_is_told_by_its_place(
    client: Client, delivered: Order, body: dict[str, Any], status: int, where: str
) -> None:
    answer = client.post(path(delivered), body, "application/json")
    assert answer.status_code == status
    assert [error["path"] for error in answer.json()["errors"]] == [where]


def test_it_is_kept_after_all_until_it_has_arrived(client: Client, delivered: Order) -> None:
    asked = ask(client, delivered, 1).json()
    answer = client.post(path(delivered, asked["id"], "withdraw"))
    assert (answer.status_code, answer.json()["status"], answer.json()["can_withdraw"]) == (
        200,
        "withdrawn",
        False,
    )
    kept = request_return(delivered, {delivered.lines.first().pk: 1}, reason="mind")
    approve_return(kept)
    receive_return(kept, {})
    late = client.post(path(delivered, kept.pk, "withdraw"))
    assert (late.status_code, late.json()["code"]) == (409, "wrong_return_status")


def test_a_return_of_another_order_is_not_there(client: Client, delivered: Order, order: Order) -> None:
    asked = ask(client, delivered, 1).json()
    assert client.get(path(order, asked["id"])).status_code == 404
    assert client.post(path(order, asked["id"], "withdraw")).status_code == 404
    assert client.get(path(delivered, 10**14)).status_code == 404
    assert Return.objects.get().status == "requested"


def test_ten_returns_take_as_many_queries_as_one(
    client: Client,
    place: Callable[..., Order],
    make_cart: Callable[..., Cart],
    make_variant: Callable[..., Variant],
    django_assert_num_queries: Callable,
) -> None:
    order = place(make_cart(make_variant(stock=20), 10))
    mark_paid(order)
    pack_order(order)
    ship_order(order, "Gannet", "GN 1")
    line = order.lines.get()
    for wanted in (1, 10):
        for _ in range(order.returns.count(), wanted):
            request_return(order, {line.pk: 1}, reason="mind")
        # the order with its lines, parcels, what is in them and its log; returns, their lines, what those are of
        with django_assert_num_queries(9):
            assert len(client.get(path(order)).json()["results"]) == wanted
