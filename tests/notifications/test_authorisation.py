"""Who may follow what, asked over real sockets: every kind of stream the shop has, by everybody who might ask."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import User
from notifications.identity import issue_ticket, reader_by_session
from notifications.streams import _kinds
from shop.cart.models import Cart
from shop.orders.models import Order

OF_THESE_TESTS = {"square", "room", "own", "guest", "crowd", "desk"}
# Staff with one permission, and with no other.
STAFF = {"staff_of_orders": "view_order", "staff_of_stock": "view_stock"}
READERS = ["anonymous", "guest", "owner", "other", "staff", *STAFF]
# Kind of stream: who may read it.
MATRIX = {
    "user": {"owner"},
    "cart": {"owner"},
    "cart of a guest": {"guest"},
    "order": {"owner", "staff_of_orders"},
    "order of a guest": {"guest", "staff_of_orders"},
    "product": set(READERS),
    "product to come": set(),
    "drop": set(READERS),
    "staff orders": {"staff_of_orders"},
    "staff stock": {"staff_of_stock"},
    "staff desk": {"staff_of_orders"},
    "staff unknown": set(),
    "nothing of the kind": set(),
}
GRANTS = ["cart", "guest_orders"]


@dataclass
class World:
    streams: dict[str, str]
    sessions: dict[str, str]


@pytest.fixture
def world(transactional_db, make_variant, make_cart, make_drop, place) -> World:
    people = {name: _user(name) for name in ("owner", "other", "staff", *STAFF)}
    for name in ("staff", *STAFF):
        User.objects.filter(pk=people[name].pk).update(is_staff=True)
    for name, permission in STAFF.items():
        people[name].user_permissions.set([Permission.objects.get(codename=permission)])
    variant, hidden = make_variant(), make_variant(visible_from=timezone.now() + timedelta(days=1))
    order = place(make_cart(variant, user=people["owner"]), user=people["owner"])
    guests, guests_cart = place(make_cart(variant)), make_cart(variant)
    streams = {
        "user": f"user:{people['owner'].pk}",
        "cart": Cart.objects.get(user=people["owner"]).stream,
        "cart of a guest": guests_cart.stream,
        "order": order.stream,
        "order of a guest": guests.stream,
        "product": f"product:{variant.product.slug}",
        "product to come": f"product:{hidden.product.slug}",
        "drop": make_drop(hidden).stream,
        "staff orders": "staff:orders",
        "staff stock": "staff:stock",
        "staff desk": "staff:desk",
        "staff unknown": "staff:secrets",
        "nothing of the kind": "nothing:here",
    }
    sessions = {
        name: _session(lambda browser, who=who: browser.force_login(who)) for name, who in people.items()
    }
    sessions["guest"] = _session(lambda browser: _visit_as_guest(browser, guests, guests_cart))
    return World(streams, sessions)


def _user(name: str) -> User:
    return User.objects.create_user(f"{name}@example.com", "a-long-passphrase")


def _session(visit: Callable[[Browser], object]) -> str:
    browser = Browser()
    visit(browser)
    return browser.cookies["sessionid"].value


def _visit_as_guest(browser: Browser, order: Order, cart: Cart) -> None:
    browser.get(order.get_absolute_url())
    session = browser.session
    session["cart"] = cart.token
    session.save()


@pytest.mark.parametrize("reader", READERS)
def test_each_reader_may_follow_what_is_theirs_and_nothing_else(connect, harbour, world, reader):
    signed_in = (
        {"headers": {"Cookie": f"sessionid={world.sessions[reader]}"}} if reader != "anonymous" else {}
    )
    client = connect(origin=f"http://127.0.0.1:{harbour.port}", **signed_in)
    assert client.hello()["t"] == "welcome"
    answers = {name: client.sub(stream) for name, stream in world.streams.items()}
    assert {name for name, answer in answers.items() if answer["t"] == "ok"} == {
        name for name, readers in MATRIX.items() if reader in readers
    }
    # Whoever is refused learns nothing: not whether there is such a stream.
    refused = {(answer["code"], answer["temporary"]) for answer in answers.values() if answer["t"] == "err"}
    assert refused == {("not_found", False)}


@pytest.mark.parametrize("reader", READERS)
def test_ticket_of_an_app_opens_what_the_session_of_a_browser_would(connect, world, reader):
    known = reader_by_session(world.sessions.get(reader, ""))
    grants = {name: known.session[name] for name in GRANTS if name in known.session}
    client = connect()
    assert client.hello(ticket=issue_ticket(known.user, known.session_key, grants))["t"] == "welcome"
    opened = {name for name, stream in world.streams.items() if client.sub(stream)["t"] == "ok"}
    assert opened == {name for name, readers in MATRIX.items() if reader in readers}


@pytest.mark.parametrize("reader", READERS)
def test_plain_http_lets_in_the_same(visitor, world, reader):
    signed_in = {} if reader == "anonymous" else {"Cookie": f"sessionid={world.sessions[reader]}"}
    answers = {
        name: visitor.poll((stream, "", 0), wait=0, **signed_in) for name, stream in world.streams.items()
    }
    assert {name for name, answer in answers.items() if answer.status == 200} == {
        name for name, readers in MATRIX.items() if reader in readers
    }
    assert {answer.error for answer in answers.values() if answer.status != 200} == {(404, "not_found")}


def test_every_kind_of_stream_is_in_the_matrix():
    assert {name.split()[0] for name in MATRIX} - {"nothing"} == set(_kinds) - OF_THESE_TESTS
