"""The inbox, how far it is read, and what an account wants to be told."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import transaction
from django.test import Client

from accounts.models import User
from notifications.inbox import inbox_state
from notifications.preferences import chosen
from notifications.services import tell
from shop.cart.models import Cart
from shop.orders.models import Order

pytestmark = pytest.mark.django_db
INBOX, PREFERENCES = "/api/v1/inbox/", "/api/v1/preferences/"


@pytest.fixture
def buyer(client: Client, customer: User) -> Client:
    client.force_login(customer, "django.contrib.auth.backends.ModelBackend")
    return client


def say(user: User, count: int = 1) -> None:
    for number in range(count):
        with transaction.atomic():
            tell(user.pk, "order.paid", order="q0mXc3n5TzOe7XmFJ0aS9A", number=f"BW-{number}", status="paid")


def send(client: Client, method: str, path: str, body: Any) -> Any:
    return getattr(client, method)(path, body, "application/json")


def test_messages_in_the_words_of_the_page_with_where_the_inbox_stands(
    buyer: Client, customer: User, place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    order = place(make_cart(), user=customer)
    say(customer)
    shown = buyer.get(INBOX).json()
    here = inbox_state(customer).position
    newest, oldest = shown["results"]
    assert (oldest["kind"], oldest["title"], oldest["text"]) == (
        "order.placed",
        "Order placed",
        f"Order {order.number}",
    )
    assert oldest["url"] == f"http://testserver{order.get_absolute_url()}"
    assert (oldest["order"], oldest["sku"], oldest["unread"]) == (order.public_id, None, True)
    assert (newest["title"], newest["offset"]) == ("Paid", 2)
    assert shown["unread"] == 2
    assert shown["stream"] == {"name": f"user:{customer.pk}", "epoch": here.epoch, "offset": 2}


def test_what_is_read_stays_read(buyer: Client, customer: User) -> None:
    say(customer, 3)
    answer = send(buyer, "post", f"{INBOX}read/", {"offset": 2})
    assert (answer.status_code, answer.json()["unread"]) == (200, 1)
    assert answer.json()["stream"]["offset"] == 4  # the screens were told
    assert send(buyer, "post", f"{INBOX}read/", {"offset": 1}).json()["unread"] == 1
    assert [one["unread"] for one in buyer.get(INBOX).json()["results"]] == [True, False, False]
    assert send(buyer, "post", f"{INBOX}read/", {"offset": 2**53 - 1}).json()["unread"] == 0


@pytest.mark.parametrize("body", [{}, {"offset": -1}, {"offset": 2**53}, {"offset": "all"}, {"offsets": 1}])
def test_an_offset_that_is_none_is_refused(buyer: Client, body: Any) -> None:
    assert send(buyer, "post", f"{INBOX}read/", body).status_code == 400


def test_fifty_messages_take_as_many_queries_as_five(
    buyer: Client, customer: User, django_assert_num_queries: Callable
) -> None:
    for wanted in (5, 50):
        say(customer, wanted - inbox_state(customer).unread)
        with django_assert_num_queries(4):  # session, user, position with count, messages
            shown = buyer.get(INBOX, {"limit": 100}).json()
        assert len(shown["results"]) == wanted
    first = buyer.get(INBOX, {"limit": 30}).json()
    rest = buyer.get(first["next"]).json()
    assert [one["offset"] for one in first["results"] + rest["results"]] == list(range(50, 0, -1))


def test_an_account_chooses_kind_by_kind(buyer: Client, customer: User) -> None:
    shown = buyer.get(PREFERENCES).json()
    assert shown["email_confirmed"] is False
    before = {one["kind"]: (one["live"], one["email"]) for one in shown["kinds"]}
    assert (before["order"], before["order.shipped"]) == ((True, False), (True, True))
    wanted = {"kinds": [{"kind": "order.shipped", "email": False}, {"kind": "order", "live": False}]}
    answer = send(buyer, "patch", PREFERENCES, wanted)
    after = {one["kind"]: (one["live"], one["email"]) for one in answer.json()["kinds"]}
    assert after == before | {"order.shipped": (True, False), "order": (False, False)}
    assert chosen(customer.pk, "order.shipped").email is False
    EmailAddress.objects.create(user=customer, email=customer.email, verified=True, primary=True)
    assert buyer.get(PREFERENCES).json()["email_confirmed"] is True


def test_of_an_unknown_kind_nothing_is_chosen(buyer: Client, customer: User) -> None:
    wanted = {"kinds": [{"kind": "order", "live": False}, {"kind": "weather", "live": True}]}
    answer = send(buyer, "patch", PREFERENCES, wanted)
    assert answer.status_code == 422
    errors = [(one["path"], one["detail"]) for one in answer.json()["errors"]]
    assert errors == [("/kinds/1/kind", "There is no kind weather.")]
    assert chosen(customer.pk, "order").live is True
    assert send(buyer, "patch", PREFERENCES, {"kinds": []}).status_code == 400


def test_a_guest_has_no_inbox(client: Client) -> None:
    for method, path in (
        ("get", INBOX),
        ("post", f"{INBOX}read/"),
        ("get", PREFERENCES),
        ("patch", PREFERENCES),
    ):
        answer = getattr(client, method)(path, {"offset": 1}, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
