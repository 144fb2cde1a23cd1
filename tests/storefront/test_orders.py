"""An order's page: who may see it, what it shows, and what its owner may do."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission
from django.template.loader import render_to_string
from django.test import Client

from accounts.models import User
from shop.cart.models import Cart
from shop.orders.models import Order
from shop.orders.services import mark_paid, pack_order, ship_order
from shop.storefront.orders import GUEST_ORDERS_KEPT
from shop.storefront.passage import passage_of

HTMX = {"HX-Request": "true"}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def own_order(place: Callable[..., Order], make_cart: Callable[..., Cart], customer: User) -> Order:
    return place(make_cart(user=customer))


@pytest.fixture
def staff(db: None) -> User:
    clerk = User.objects.create_user("mo@example.com", first_name="Mo", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_order"))
    return clerk


# --- Who may see it -----------------------------------------------------------------------------


def test_a_guest_order_opens_by_its_link_and_is_remembered(client: Client, order: Order) -> None:
    page = client.get(order.get_absolute_url())

    assert page.status_code == 200
    assert order.number in page.text
    assert client.session["guest_orders"] == [order.public_id]


def test_a_guessed_link_opens_nothing(client: Client, order: Order) -> None:
    assert client.get("/orders/AAAAAAAAAAAAAAAAAAAAAA/").status_code == 404


def test_the_session_remembers_a_bounded_number_of_orders(client: Client, order: Order) -> None:
    session = client.session
    session["guest_orders"] = [f"order-{number}" for number in range(GUEST_ORDERS_KEPT)]
    session.save()

    client.get(order.get_absolute_url())

    known = client.session["guest_orders"]
    assert len(known) == GUEST_ORDERS_KEPT
    assert known[-1] == order.public_id
    assert "order-0" not in known


def test_an_order_of_an_account_is_its_own(
    client: Client, own_order: Order, customer: User, staff: User
) -> None:
    url = own_order.get_absolute_url()
    assert client.get(url).status_code == 404

    client.force_login(User.objects.create_user("eve@example.com"))
    assert client.get(url).status_code == 404
    client.force_login(staff)
    assert client.get(url).status_code == 200
    client.force_login(customer)
    assert client.get(url).status_code == 200
    assert "guest_orders" not in client.session


@pytest.mark.parametrize("what", ["cancel", "refill", "claim"])
def test_nobody_else_may_do_anything_to_it(client: Client, own_order: Order, what: str) -> None:
    client.force_login(User.objects.create_user("eve@example.com"))

    assert client.post(f"/orders/{own_order.public_id}/{what}/").status_code == 404
    own_order.refresh_from_db()
    assert own_order.status == "pending"


# --- What it shows ------------------------------------------------------------------------------


def test_the_log_tells_when_what_why_and_by_whose_hand(client: Client, order: Order, staff: User) -> None:
    mark_paid(order, why="Visa ···· 4242")
    pack_order(order, by=staff)
    ship_order(order, "Gannet", "GN 1", by=staff)

    page = client.get(order.get_absolute_url())

    log = [(entry.title, entry.hand, entry.why) for entry in page.context["log"]]
    assert log == [
        ("On its way", "Mo", "Gannet GN 1"),
        ("Packed", "Mo", ""),
        ("Paid", "you", "Visa ···· 4242"),
        ("Order placed", "you", ""),
    ]
    assert "/sandbox/carriers/gannet/track/GN%201" in page.text
    assert f"2 × {order.lines.get().title}" in page.text


def test_it_follows_its_stream_from_where_the_rows_were_read(client: Client, order: Order) -> None:
    before = client.get(order.get_absolute_url()).text
    mark_paid(order)
    after = client.get(order.get_absolute_url()).text

    assert f'data-stream="{order.stream}"' in before
    assert 'data-offset="1"' in before
    assert 'data-offset="2"' in after


def test_htmx_gets_the_living_part_only_with_the_newest_arriving(client: Client, order: Order) -> None:
    mark_paid(order)

    part = client.get(order.get_absolute_url(), headers=HTMX).text

    assert "<html" not in part
    assert "Thank you. It is paid" in part
    assert part.count("arriving") == 1
    assert 'id="order-said" hx-swap-oob="true">Paid.' in part


def test_a_chart_shows_how_far_the_parcel_is() -> None:
    progress = {
        status: passage_of(status, {"placed": NOON}).x  # type: ignore[union-attr]
        for status in ("pending", "paid", "packed", "shipped", "delivered")
    }

    assert list(progress.values()) == sorted(set(progress.values()))
    assert passage_of("cancelled", {"placed": NOON}) is None


def test_the_chart_names_the_ports_reached() -> None:
    passage = passage_of("packed", {"placed": NOON, "packed": NOON})

    assert passage is not None
    assert [(port.name, port.reached_at is not None, port.is_last) for port in passage.ports] == [
        ("Ordered", True, False),
        ("Packed", True, True),
        ("Under way", False, False),
        ("Delivered", False, False),
    ]


# --- What its owner may do ----------------------------------------------------------------------


def test_a_buyer_calls_an_order_off_after_a_second_look(client: Client, order: Order) -> None:
    cancel = f"/orders/{order.public_id}/cancel/"
    assert "Cancel this order?" in client.get(cancel).text
    order.refresh_from_db()
    assert order.status == "pending"

    client.post(cancel, {"why": "Wrong size"})

    order.refresh_from_db()
    assert order.status == "cancelled"
    assert order.events.last().why == "Wrong size"


def test_a_packed_order_is_not_called_off_here(client: Client, order: Order, staff: User) -> None:
    mark_paid(order)
    pack_order(order, by=staff)

    assert "Cancel the order" not in client.get(order.get_absolute_url()).text
    client.post(f"/orders/{order.public_id}/cancel/", {"why": ""})

    order.refresh_from_db()
    assert order.status == "packed"


def test_staff_look_but_do_not_cancel_as_the_buyer(client: Client, own_order: Order, staff: User) -> None:
    client.force_login(staff)

    assert "Cancel the order" not in client.get(own_order.get_absolute_url()).text
    client.post(f"/orders/{own_order.public_id}/cancel/")

    own_order.refresh_from_db()
    assert own_order.status == "pending"


def test_putting_it_all_back_takes_what_is_left_and_says_so(client: Client, order: Order) -> None:
    stock = order.lines.get().variant.stock
    stock.on_hand = stock.reserved + 1
    stock.save()

    answer = client.post(f"/orders/{order.public_id}/refill/", follow=True)

    assert "there are only 1 left" in answer.text
    assert Cart.objects.get(token=client.session["cart"]).lines.get().quantity == 1


def test_a_verified_address_claims_its_guest_orders(client: Client, order: Order, customer: User) -> None:
    client.force_login(customer)
    url = order.get_absolute_url()
    assert "Move it to my account" not in client.get(url).text
    EmailAddress.objects.create(user=customer, email=customer.email, verified=True, primary=True)
    assert "Move it to my account" in client.get(url).text

    answer = client.post(f"{url}claim/", follow=True)

    assert "1 order moved to your account" in answer.text
    order.refresh_from_db()
    assert order.user == customer


def test_guest_orders_are_offered_and_claimed_on_the_list_of_orders(
    client: Client, order: Order, customer: User
) -> None:
    client.force_login(customer)
    assert "Move it to my account" not in client.get("/account/orders/").text
    EmailAddress.objects.create(user=customer, email=customer.email, verified=True, primary=True)
    assert "Move it to my account" in client.get("/account/orders/").text
    assert "Move it to my account" in client.get("/account/").text

    answer = client.post("/account/orders/claim/", follow=True)

    assert order.number in answer.text
    assert "Move it to my account" not in answer.text


# --- Mail ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "details", "says"),
    [
        ("confirmation", {}, "is paid"),
        ("shipped", {}, "GN 1"),
        ("cancelled", {"why": "It was not paid in time."}, "It was not paid in time."),
        ("cancelled", {}, "Nothing was charged"),
        ("cancelled", {"back": "€20.00"}, "€20.00 goes back the way it came"),
        ("refunded", {"amount": "€12.00", "reason": "A dent"}, "€12.00"),
    ],
)
def test_mail_says_the_same_in_text_and_html(
    order: Order, staff: User, kind: str, details: dict[str, str], says: str
) -> None:
    mark_paid(order)
    pack_order(order, by=staff)
    ship_order(order, "Gannet", "GN 1", by=staff)
    order.name = "Byrne & O'Neill"
    context: dict[str, Any] = {
        "order": order,
        "url": "https://shop.example/orders/x/",
        "SHOP_NAME": "Breakwater",
        "shop_url": "https://shop.example",
        "shipment": order.shipments.last(),
        **details,
    }

    subject = render_to_string(f"mail/{kind}_subject.txt", context)
    text, html = (render_to_string(f"mail/{kind}.{form}", context) for form in ("txt", "html"))

    assert order.number in subject
    for body in (text, html):
        assert says in body
        assert "Breakwater" in body
        assert "https://shop.example/orders/x/" in body
    assert "&amp;" not in text
    if kind in ("confirmation", "shipped"):
        assert "Byrne & O'Neill" in text
        assert "Byrne &amp; O&#x27;Neill" in html


def test_the_confirmation_adds_up(order: Order) -> None:
    context = {"order": order, "url": "", "SHOP_NAME": "", "shop_url": ""}

    text = render_to_string("mail/confirmation.txt", context)

    assert "2 x Swell" in text
    assert "Tube by post: €4.90" in text
    assert "Total: €52.90" in text
