"""Streams for apps: a ticket opens what the caller may read and no more, and an access token the long poll."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from notifications.identity import reader_by_credentials, reader_by_ticket, withdrawn
from notifications.models import Ticket
from notifications.streams import may_read
from shop.cart.models import Cart
from shop.orders.models import Order
from tests.api.people import App, refused

pytestmark = pytest.mark.django_db
PATH = "/api/v1/events/ticket/"


def ticket(client: Client, body: Any = None, **headers: str) -> dict[str, Any]:
    answer = client.post(PATH, body or {}, "application/json", headers=headers)
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json()


def test_a_guests_ticket_opens_the_cart_and_the_orders_that_it_names(
    client: Client, order: Order, place: Callable[..., Order], make_cart: Callable[..., Cart], customer: User
) -> None:
    cart, other = make_cart(), place(make_cart())
    owned = place(make_cart(), user=customer)
    told = ticket(client, {"orders": [order.public_id, owned.public_id]}, **{"Cart-Token": cart.token})
    reader = reader_by_ticket(told["ticket"])
    assert reader is not None
    streams = [
        cart.stream,
        order.stream,
        other.stream,
        owned.stream,
        f"user:{customer.pk}",
        make_cart().stream,
    ]
    assert [may_read(reader, stream) for stream in streams] == [True, True, False, False, False, False]
    assert withdrawn([(reader, streams)]) == [(True, [])]
    assert reader_by_ticket(told["ticket"]) is None


def test_a_ticket_says_how_the_socket_is_opened(client: Client) -> None:
    told = ticket(client)
    assert (told["socket"], told["subprotocol"], told["expires_in"]) == (
        "ws://testserver/ws/notifications/",
        "shop-notify.v1",
        60,
    )
    assert told["limits"]["streams"] == 32
    secure = client.post(PATH, {}, "application/json", secure=True).json()
    assert secure["socket"] == "wss://testserver/ws/notifications/"
    assert all(told["ticket"] not in row.digest for row in Ticket.objects.all())


def test_an_accounts_ticket_ends_with_its_sign_in(customer: User, order: Order) -> None:
    app = App().sign_in()
    answer = app.post("events/ticket/", {"orders": [order.public_id]})
    reader = reader_by_ticket(answer.json()["ticket"])
    assert reader is not None
    assert (reader.user, bool(reader.session_key)) == (customer, True)
    assert may_read(reader, f"user:{customer.pk}")
    assert may_read(reader, order.stream)
    assert withdrawn([(reader, [])]) == [(True, [])]
    app.post("auth/sign-out/")
    assert withdrawn([(reader, [])]) == [(False, [])]


def test_an_accounts_ticket_opens_nothing_once_its_sign_in_or_password_is_another(customer: User) -> None:
    app, second = App().sign_in(), App().sign_in()
    tickets = [each.post("events/ticket/", {}).json()["ticket"] for each in (app, second, second)]
    assert reader_by_ticket(tickets[1]) is not None
    app.post("auth/sign-out/")
    assert reader_by_ticket(tickets[0]) is None
    customer.set_password("another-long-passphrase")
    customer.save()
    assert reader_by_ticket(tickets[2]) is None


def test_an_access_token_reads_as_its_account_until_it_signs_out(customer: User) -> None:
    app = App().sign_in()
    token = app.tokens["access_token"]
    reader = reader_by_credentials("bearer", token)
    assert reader is not None
    assert may_read(reader, f"user:{customer.pk}")
    assert withdrawn([(reader, [])]) == [(True, [])]
    app.post("auth/sign-out/")
    assert withdrawn([(reader, [])]) == [(False, [])]
    assert reader_by_credentials("Bearer", token) is None


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "x" * 5000])
def test_a_token_that_is_none_opens_nothing(token: str) -> None:
    assert reader_by_credentials("Bearer", token) is None


@pytest.mark.parametrize(
    "body", [{"orders": ["a/b"]}, {"orders": "x"}, {"orders": ["x"] * 31}, {"cart": "x"}]
)
def test_what_is_no_list_of_orders_is_refused(client: Client, body: Any) -> None:
    answer = client.post(PATH, body, "application/json")
    assert answer.status_code == 400
    assert refused(answer, 400, "invalid")
    assert not Ticket.objects.exists()
