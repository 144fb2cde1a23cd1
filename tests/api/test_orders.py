from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from notifications.log import position
from shop.cart.models import Cart
from shop.catalog.models import Variant
from shop.orders.models import Order
from shop.orders.services import mark_paid, pack_order, ship_order

pytestmark = pytest.mark.django_db
ORDERS = "/api/v1/orders/"


@pytest.fixture
def buyer(customer: User) -> Client:
    client = Client()
    client.force_login(customer, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def own_order(customer: User, place: Callable[..., Order], make_cart: Callable[..., Cart]) -> Order:
    return place(make_cart(quantity=2, user=customer))


def test_own_orders_with_where_the_inbox_stands(buyer: Client, own_order: Order, customer: User) -> None:
    here = position(f"user:{customer.pk}")
    shown = buyer.get(ORDERS).json()
    (order,) = shown["results"]
    assert order["url"] == f"http://testserver/api/v1/orders/{own_order.public_id}/"
    assert (order["number"], order["status"], order["status_text"]) == (
        own_order.number,
        "pending",
        "Awaiting payment",
    )
    assert order["total"] == {"amount": "52.90", "currency": "EUR"}
    assert [line["quantity"] for line in order["lines"]] == [2]
    assert here.offset > 0
    assert shown["stream"] == {"name": f"user:{customer.pk}", "epoch": here.epoch, "offset": here.offset}


def test_an_order_in_full_with_where_its_stream_stands(buyer: Client, own_order: Order) -> None:
    mark_paid(own_order)
    pack_order(own_order)
    ship_order(own_order, "Gannet", "GN 1")
    here = position(own_order.stream)
    shown = buyer.get(f"{ORDERS}{own_order.public_id}/").json()
    assert [event["kind"] for event in shown["events"]] == ["placed", "paid", "packed", "shipped"]
    assert [parcel["tracking_number"] for parcel in shown["shipments"]] == ["GN 1"]
    assert (shown["subtotal"]["amount"], shown["shipping"]["amount"]) == ("48.00", "4.90")
    assert (shown["address"]["city"], shown["address"]["country"]) == ("Howth", "IE")
    assert shown["stream"] == {"name": own_order.stream, "epoch": here.epoch, "offset": here.offset}
    assert here.offset == 4


def test_somebody_elses_order_is_not_found(buyer: Client, order: Order) -> None:
    answer = buyer.get(f"{ORDERS}{order.public_id}/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert buyer.get(ORDERS).json()["results"] == []


def test_a_stranger_is_told_to_sign_in(client: Client, own_order: Order) -> None:
    for path in (ORDERS, f"{ORDERS}{own_order.public_id}/"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_an_order_cannot_be_changed(buyer: Client, own_order: Order) -> None:
    path = f"{ORDERS}{own_order.public_id}/"
    for method in (buyer.post, buyer.put, buyer.patch, buyer.delete):
        assert method(path, {"status": "paid"}, content_type="application/json").status_code == 405
    own_order.refresh_from_db()
    assert own_order.status == "pending"


def test_fifty_orders_take_as_many_queries_as_five(
    buyer: Client,
    customer: User,
    place: Callable[..., Order],
    make_cart: Callable[..., Cart],
    make_variant: Callable[..., Variant],
    django_assert_num_queries: Callable,
) -> None:
    variant = make_variant(stock=100)
    for wanted in (5, 50):
        for _ in range(Order.objects.count(), wanted):
            Order.objects.filter(pk=place(make_cart(variant)).pk).update(user=customer)
        with django_assert_num_queries(5):  # session, user, stream, orders, lines
            assert len(buyer.get(ORDERS + "?limit=100").json()["results"]) == wanted
