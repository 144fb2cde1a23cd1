"""What is kept of an account, as its owner gets it; and what is left of it when it is closed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session

from accounts.models import Address, User
from notifications.models import Event, Preference
from notifications.preferences import choose
from shop.alerts.models import Alert
from shop.cart.models import Cart
from shop.idempotency.models import KeptAnswer
from shop.invoices.models import Document
from shop.orders.models import Order
from shop.orders.services import deliver_order, mark_paid, pack_order, ship_order
from shop.payments.cancellations import cancel_order
from shop.payments.customers import ProviderCustomer
from shop.privacy.export import export_of
from shop.returns.models import Return
from tests.api.people import EMAIL, PASSWORD, App, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def app(customer: User) -> App:
    EmailAddress.objects.create(user=customer, email=EMAIL, verified=True, primary=True)
    return App().sign_in()


@pytest.fixture
def delivered(customer: User, place: Callable[..., Order], make_cart: Callable[..., Cart]) -> Order:
    order = place(make_cart(quantity=2, user=customer))
    mark_paid(order)
    pack_order(order)
    ship_order(order, "Gannet", "GN 1")
    order.refresh_from_db()
    deliver_order(order)
    order.refresh_from_db()
    return order


def test_the_export_has_all_that_is_kept(
    app: App, customer: User, delivered: Order, address: dict[str, str], make_variant: Callable
) -> None:
    customer.addresses.create(**address, is_default=True)
    customer.alerts.create(variant=make_variant(stock=0), kind=Alert.Kind.BACK)
    told = app.get("account/export/")
    assert told.headers["Cache-Control"] == "no-store"
    found = told.json()
    assert found["account"]["email"] == EMAIL
    assert [one["email"] for one in found["emails"]] == [EMAIL]
    assert found["addresses"][0]["line1"] == address["line1"]
    assert [one["name"] for one in found["devices"]] == ["Breakwater on iPhone"]
    (order,) = found["orders"]
    assert (order["number"], order["status"], order["email"]) == (delivered.number, "delivered", EMAIL)
    assert [(line["quantity"], line["total"]["amount"]) for line in order["lines"]] == [(2, "48.00")]
    assert [one["kind"] for one in order["events"]] == ["placed", "paid", "packed", "shipped", "delivered"]
    assert order["parcels"][0]["tracking_number"] == "GN 1"
    assert order["documents"][0]["number"] == Document.objects.get().number
    assert [one["kind"] for one in found["alerts"]] == ["stock.back"]
    assert found["messages"]
    assert found["preferences"]


def test_the_export_has_nothing_of_others(app: App, delivered: Order) -> None:
    User.objects.create_user("ada@example.com", PASSWORD)
    found = App().sign_in("ada@example.com").get("account/export/")
    assert (found.json()["orders"], found.json()["messages"], found.json()["addresses"]) == ([], [], [])
    assert EMAIL not in found.content.decode()


def test_more_orders_take_no_more_queries(
    app: App,
    customer: User,
    place: Callable[..., Order],
    make_cart: Callable[..., Cart],
    make_variant: Callable,
    django_assert_max_num_queries: Callable,
) -> None:
    variant = make_variant(stock=100)
    for _ in range(12):
        Order.objects.filter(pk=place(make_cart(variant)).pk).update(user=customer)
    with django_assert_max_num_queries(16):
        assert len(export_of(customer)["orders"]) == 12


def test_closing_an_account_asks_for_the_password_once_more(app: App) -> None:
    assert refused(app.delete("account/"), 401, "reauthentication_required")
    assert app.is_in
    assert refused(App().delete("account/"), 401, "not_authenticated")


def test_a_closed_account_is_gone_and_signed_out_everywhere(
    app: App, customer: User, make_cart: Callable[..., Cart], make_variant: Callable, address: dict[str, str]
) -> None:
    make_cart(user=customer)
    customer.addresses.create(**address)
    Alert.objects.create(user=customer, variant=make_variant(stock=0), kind=Alert.Kind.BACK)
    Alert.objects.create(email=EMAIL, variant=make_variant(stock=0), kind=Alert.Kind.BACK)
    choose(customer, "order", live=False, email=False)
    ProviderCustomer.objects.create(user=customer, customer_id="cus_1")
    app.patch("account/", {"first_name": "Nora"})
    app.send("patch", "account/", {"last_name": "Byrne"}, **{"Idempotency-Key": "a-key-of-a-name-change"})
    other = App().sign_in()
    assert app.reauthenticate().delete("account/").status_code == 204
    assert not app.is_in
    assert not other.is_in
    assert refused(
        App().post("auth/sign-in/", {"email": EMAIL, "password": PASSWORD}),
        422,
        "email_password_mismatch",
        "/password",
    )
    for model in (User, Address, Cart, Alert, Preference, EmailAddress, UserSession, KeptAnswer):
        assert not model.objects.exists(), model
    assert not Session.objects.exists()
    assert not Event.objects.filter(stream__name__startswith="user:").exists()
    # The provider is told by the background work, which looks for customers of nobody.
    assert ProviderCustomer.objects.get().user is None


def test_with_a_key_it_is_closed_once_and_told_twice(app: App) -> None:
    app.reauthenticate()
    answer = app.send("delete", "account/", **{"Idempotency-Key": "a-key-of-a-deletion"})
    assert answer.status_code == 204
    assert not User.objects.exists()


def test_what_was_bought_stays_in_the_books_and_belongs_to_nobody(app: App, delivered: Order) -> None:
    Return.objects.create(order=delivered, reason="mind", note="My cat ate it", status="refused")
    before = Document.objects.get().data
    assert app.reauthenticate().delete("account/").status_code == 204
    delivered.refresh_from_db()
    assert (delivered.user, delivered.email, delivered.phone) == (None, "", "")
    assert delivered.line1 == "4 Harbour Row"  # as its invoice says
    assert Document.objects.get().data == before
    assert Return.objects.get().note == ""
    assert delivered.lines.get().quantity == 2


def test_of_what_was_never_paid_only_the_goods_are_known(
    app: App, customer: User, place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    order = place(make_cart(user=customer))
    cancel_order(order)
    assert app.reauthenticate().delete("account/").status_code == 204
    order.refresh_from_db()
    assert {order.email, order.name, order.line1, order.city, order.postal_code} == {""}
    assert order.country.code == "IE"


@pytest.mark.parametrize("reached", ["pending", "paid", "packed"])
def test_an_account_stays_while_an_order_is_under_way(
    app: App, customer: User, place: Callable[..., Order], make_cart: Callable[..., Cart], reached: str
) -> None:
    order = place(make_cart(user=customer))
    if reached != "pending":
        mark_paid(order)
    if reached == "packed":
        pack_order(order)
    answer = app.reauthenticate().delete("account/")
    assert refused(answer, 409, "orders_under_way")
    assert answer.json()["details"] == {"orders": [order.number]}
    assert app.is_in


def test_an_account_stays_while_something_comes_back(app: App, delivered: Order) -> None:
    Return.objects.create(order=delivered, reason="mind")
    assert refused(app.reauthenticate().delete("account/"), 409, "orders_under_way")


def test_staff_do_not_close_their_own_account(app: App) -> None:
    User.objects.update(is_staff=True)
    assert refused(app.reauthenticate().delete("account/"), 409, "staff_account")
