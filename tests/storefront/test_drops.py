"""The waiting room as a buyer meets it: with and without JavaScript, with and without an account."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from shop.cart.models import Cart, CartLine
from shop.catalog.models import Variant
from shop.drops.models import Drop, Place
from shop.drops.rooms import wait_in_words
from shop.drops.services import advance, steer, take_place
from shop.orders.models import Order
from shop.payments.cancellations import cancel_order
from shop.shipping.models import ShippingMethod
from tests.drops.moving import let_in, pass_time
from tests.live import live_shop
from tests.storefront.test_checkout import order_form, to_delivery

pytestmark = pytest.mark.django_db


@pytest.fixture
def variant(make_variant: Callable[..., Variant], settings: Any, delivery: ShippingMethod) -> Variant:
    settings.CARRIERS = {}
    return make_variant(title="Pier heads", slug="pier-heads", stock=5)


@pytest.fixture
def drop(make_drop: Callable[..., Drop], variant: Variant) -> Drop:
    return make_drop(variant, slug="night-ferry")


ROOM = "/drops/night-ferry/"


def shown(page: Any) -> list[str]:
    """The headings of what is in sight."""
    parts = re.findall(r'<div class="stack" data-stage="[^"]*"( hidden)?>\s*<h2[^>]*>(.*?)</h2>', page.text)
    found = [words for hidden, words in parts if not hidden]
    return [re.sub(r"<[^>]+>", "", words).partition(" in ")[0] for words in found]


def enter(client: Client, drop: Drop) -> None:
    """Takes a place and waits until it is let in."""
    client.post(ROOM)
    while client.get(f"{ROOM}place/").json()["number"] > drop.admitted:
        pass_time(drop, 5)


# --- The room -------------------------------------------------------------------------------------


def test_the_room_says_where_everybody_stands(
    client: Client, make_drop: Callable[..., Drop], variant: Variant
) -> None:
    drop = make_drop(variant, slug="night-ferry", opens_in=60)
    assert shown(client.get(ROOM)) == ["Opens"]
    client.post(ROOM)
    assert "You have a place." in client.get(ROOM).text
    Drop.objects.update(opens_at=timezone.now() - timedelta(seconds=1))
    advance(drop.pk)
    page = client.get(ROOM)
    assert shown(page) == ["You are number 1"]
    assert "about a minute" in page.text
    Drop.objects.update(paused=True)
    assert re.search(r'data-when="paused">', client.get(ROOM).text)
    assert shown(Client().get(ROOM)) == ["The line is open"]
    Drop.objects.update(sold_out=True)
    assert shown(Client().get(ROOM)) == ["All prints are taken"]
    Drop.objects.update(closes_at=timezone.now())
    assert "This drop is over" in client.get(ROOM).text


def test_a_room_that_does_not_exist_is_not_found(client: Client) -> None:
    assert {client.get(f"{ROOM}{path}").status_code for path in ("", "place/", "draw/")} == {404}


def test_a_waiting_guest_costs_one_row_and_no_session(client: Client, drop: Drop) -> None:
    client.get(ROOM)
    client.post(ROOM)
    client.get(ROOM)
    client.get(f"{ROOM}place/")
    assert (Place.objects.count(), Session.objects.count(), Cart.objects.count()) == (1, 0, 0)
    cookie = client.cookies["place-night-ferry"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")


def test_a_hundred_tabs_are_one_place(client: Client, drop: Drop) -> None:
    for _ in range(100):
        client.post(ROOM)
    assert Place.objects.count() == 1


def test_a_browser_without_its_cookies_stands_at_the_end(client: Client, drop: Drop) -> None:
    client.post(ROOM)
    client.cookies.clear()
    client.post(ROOM)
    assert client.get(f"{ROOM}place/").json()["number"] == 2


def test_an_accounts_place_is_the_same_on_every_device(customer: User, drop: Drop) -> None:
    phone, desk = Client(), Client()
    for device in (phone, desk):
        device.force_login(customer)
    phone.post(ROOM)
    desk.post(ROOM)
    assert Place.objects.get().user == customer
    assert desk.get(f"{ROOM}place/").json()["number"] == 1
    enter(desk, drop)
    # No cookie carries it: the account does.
    assert "place-night-ferry" not in phone.cookies
    phone.post("/cart/add/", {"variant": drop.products.get().variants.get().pk, "quantity": 1})
    assert CartLine.objects.count() == 1


def test_who_signs_in_takes_the_place_along_and_leaves_nothing_behind(
    client: Client, customer: User, drop: Drop
) -> None:
    client.post(ROOM)
    client.post("/accounts/login/", {"login": customer.email, "password": "a-long-passphrase"})
    assert Place.objects.get().user == customer
    assert client.get(f"{ROOM}place/").json()["number"] == 1
    client.logout()
    assert client.get(f"{ROOM}place/").json()["number"] is None


def test_a_false_cookie_is_no_place(client: Client, drop: Drop) -> None:
    let_in(drop)
    client.cookies["place-night-ferry"] = "night-ferry:forged"
    assert shown(client.get(ROOM)) == ["The line is open"]
    client.post(ROOM)
    assert client.get(f"{ROOM}place/").json()["number"] == 2


def test_what_lapsed_or_was_used_is_told_and_followed_by_a_new_place(client: Client, drop: Drop) -> None:
    for state, words in (("lapsed", "Your time inside is over"), ("bought", "You have ordered here")):
        enter(client, drop)
        Place.objects.filter(state="inside").update(state=state)
        page = client.get(ROOM)
        assert words in page.text
        assert shown(page) == ["The line is open"]


def test_the_draw_is_published_at_the_opening_and_not_before(
    client: Client, make_drop: Callable[..., Drop]
) -> None:
    drop = make_drop(slug="night-ferry", opens_in=60)
    place = take_place(drop, None)
    before = client.get(ROOM).text
    assert drop.seed_digest in before
    assert drop.seed not in before
    assert client.get(f"{ROOM}draw/").status_code == 404
    Drop.objects.update(opens_at=timezone.now() - timedelta(seconds=1))
    advance(drop.pk)
    assert drop.seed in client.get(ROOM).text
    take_place(Drop.objects.get(pk=drop.pk), None)
    assert client.get(f"{ROOM}draw/").text == f"seed {drop.seed}\n1 {place.public_id} {place.draw}\n"


@pytest.mark.parametrize(
    ("position", "rate", "words"),
    [
        (1, 60, "about a minute"),
        (61, 60, "about 2 minutes"),
        (214, 40, "about 6 minutes"),
        (600, 5, "about 2 hours"),
    ],
)
def test_the_wait_is_told_in_words(position: int, rate: int, words: str) -> None:
    assert wait_in_words(position, rate) == words


def test_a_room_of_thousands_costs_what_an_empty_one_does(
    client: Client, customer: User, drop: Drop, django_assert_max_num_queries: Any
) -> None:
    drop.places.bulk_create(Place(drop=drop, draw=str(number), number=None) for number in range(3000))
    client.force_login(customer)
    client.post(ROOM)
    client.get(ROOM)
    with django_assert_max_num_queries(11):
        client.get(ROOM)
    with django_assert_max_num_queries(4):
        client.get(f"{ROOM}place/")


# --- The print, the cart, the order --------------------------------------------------------------


def test_without_javascript_a_guest_waits_is_let_in_and_orders(
    client: Client, drop: Drop, variant: Variant
) -> None:
    page = client.get("/products/pier-heads/")
    assert "Enter the waiting room" in page.text
    assert re.search(r"<form [^>]*data-add hidden>", page.text)
    client.post(ROOM)
    assert "Back to the waiting room" in client.get("/products/pier-heads/").text
    assert client.get(f"{ROOM}?watch").headers["Refresh"] == "10"
    assert "Refresh" not in client.get(ROOM).headers
    enter(client, drop)
    assert client.get(f"{ROOM}?watch").headers["Location"] == "/products/pier-heads/"
    page = client.get("/products/pier-heads/")
    assert "It is your turn." in page.text
    assert re.search(r"<form [^>]*data-add>", page.text)
    client.post("/cart/add/", {"variant": variant.pk, "quantity": 2})
    answer = client.post("/checkout/delivery/", order_form(to_delivery(client).text))
    assert answer.headers["Location"] == f"/checkout/{Order.objects.get().public_id}/pay/"
    assert Place.objects.get().state == "bought"


def test_a_drop_of_several_prints_lets_its_visitor_choose(
    client: Client, drop: Drop, make_variant: Callable[..., Variant]
) -> None:
    drop.products.add(make_variant(title="Outer Skerry", slug="outer-skerry").product)
    enter(client, drop)
    page = client.get(ROOM)
    assert "It is your turn" in page.text
    assert page.text.count('<article class="card"') == 2


def test_a_print_added_past_the_line_leads_to_it_and_says_why(
    client: Client, drop: Drop, variant: Variant
) -> None:
    sent = {"variant": variant.pk, "quantity": 1}
    answer = client.post("/cart/add/", sent)
    assert answer.headers["Location"] == ROOM
    assert "is sold through a waiting room" in client.get(ROOM).text
    scripted = client.post("/cart/add/", sent, headers={"HX-Request": "true"})
    assert (scripted.status_code, scripted.headers["HX-Redirect"]) == (204, ROOM)
    assert CartLine.objects.count() == 0
    drop.products.clear()
    assert client.post("/cart/add/", sent).headers["Location"] == "/cart/"


def test_an_order_placed_after_its_time_leads_to_the_line_and_the_cart_keeps_its_print(
    client: Client, drop: Drop, variant: Variant
) -> None:
    enter(client, drop)
    client.post("/cart/add/", {"variant": variant.pk, "quantity": 1})
    form = order_form(to_delivery(client).text)
    Place.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = client.post("/checkout/delivery/", form)
    assert answer.headers["Location"] == ROOM
    assert "Your time inside is over" in client.get(ROOM).text
    assert (Order.objects.count(), CartLine.objects.count()) == (0, 1)


def test_an_order_is_not_refilled_past_the_line(
    client: Client,
    make_variant: Callable[..., Variant],
    make_cart: Callable[..., Cart],
    make_drop: Callable[..., Drop],
    place: Callable[..., Order],
) -> None:
    variant = make_variant()
    order = place(make_cart(variant))
    cancel_order(order)
    client.get(order.get_absolute_url())
    make_drop(variant)
    page = client.post(f"{order.get_absolute_url()}refill/", follow=True)
    assert "could not be put back" in page.text
    assert CartLine.objects.count() == 0


# --- In a browser ---------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_line_moves_under_the_visitors_eyes_and_leads_in(
    make_drop: Callable[..., Drop], variant: Variant, open_page: Callable[..., Page]
) -> None:
    drop = make_drop(variant, slug="night-ferry", opens_in=3600, rate=600, paused=True)
    for _ in range(3):
        take_place(drop, None)
    with live_shop() as shop:
        page = open_page(f"{shop.url}{ROOM}")
        expect(page.get_by_role("heading", name="Opens in 59:")).to_be_visible()
        page.get_by_role("button", name="Take a place").click()
        expect(page.get_by_text("You have a place.")).to_be_visible()
        Drop.objects.update(opens_at=timezone.now())
        steer(drop)  # the page looks again, because its countdown is wrong now
        expect(page.get_by_role("heading", name="You are number")).to_be_visible(timeout=15_000)
        expect(page.get_by_text("We hold the line")).to_be_visible()
        place = Place.objects.latest("pk")
        expect(page.locator("[data-position]")).to_have_text(str(place.number))
        expect(page.get_by_text("It will be your turn in")).to_be_hidden()
        steer(drop, paused=False)
        expect(page).to_have_url(f"{shop.url}/products/pier-heads/", timeout=15_000)
        expect(page.get_by_text(re.compile(r"You have 9:\d\d to place your order"))).to_be_visible()
        page.get_by_role("button", name="Add to cart").click()
        expect(page.get_by_role("link", name="See your cart")).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_axe_finds_nothing_in_the_waiting_room(
    live_server: Any,
    make_drop: Callable[..., Drop],
    variant: Variant,
    open_page: Callable[..., Page],
    scheme: str,
    width: int,
) -> None:
    to_come = make_drop(slug="to-come", opens_in=3600)
    drop = make_drop(variant, slug="night-ferry", paused=True)
    page = open_page(f"{live_server.url}{to_come.get_absolute_url()}", scheme=scheme, width=width)

    def check() -> None:
        for part in page.locator("details").all():
            part.evaluate("part => (part.open = true)")
        report = Axe().run(page)
        assert report.violations_count == 0, f"{page.url}\n{report.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url

    check()
    for path in (ROOM, "/products/pier-heads/"):
        page.goto(f"{live_server.url}{path}")
        check()
    page.goto(f"{live_server.url}{ROOM}")
    page.get_by_role("button", name="Take a place").click()
    expect(page.get_by_role("heading", name="You are number 1")).to_be_visible()
    check()
    steer(drop, paused=False)
    pass_time(drop, 5)
    page.goto(f"{live_server.url}{ROOM}")
    expect(page.get_by_text("It is your turn.")).to_be_visible()
    check()
