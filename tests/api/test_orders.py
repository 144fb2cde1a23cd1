from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from djmoney.money import Money

from accounts.models import User
from notifications.log import position
from shop.api.order_shapes import OrderSerializer
from shop.cart.models import Cart
from shop.cart.services import add_to_cart
from shop.catalog.models import Variant
from shop.giftcards.services import issue_card
from shop.inventory.models import Stock
from shop.orders.models import Order, OrderEvent
from shop.orders.services import deliver_parcel, mark_paid, pack_order, ship_order
from shop.payments.edits import edit_order
from shop.payments.models import Payment
from shop.returns.services import request_return

pytestmark = pytest.mark.django_db
ORDERS = "/api/v1/orders/"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def get(browser: Client, order: Order) -> dict[str, Any]:
    answer = browser.get(f"{ORDERS}{order.public_id}/")
    assert answer.status_code == 200
    return answer.json()


def pay(order: Order, amount: str = "52.90") -> Payment:
    return order.payments.create(
        amount=Money(amount, "EUR"), status="succeeded", intent_id="pi_1", method="visa ···· 4242"
    )


@pytest.fixture
def buyer(customer: User) -> Client:
    return signed_in(customer)


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


def test_orders_are_asked_for_by_status_and_by_what_happened_since(
    buyer: Client, customer: User, place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    old, new = (place(make_cart(), user=customer) for _ in range(2))
    OrderEvent.objects.update(created_at=timezone.now() - timedelta(days=2))
    as_of = buyer.get(ORDERS).json()["as_of"]
    assert numbers(buyer, changed_since=as_of) == []
    mark_paid(old)
    assert numbers(buyer, changed_since=as_of) == [old.number]
    assert numbers(buyer, status="paid") == [old.number]
    assert numbers(buyer, status="pending") == [new.number]
    assert numbers(buyer, status="pending", changed_since=as_of) == []


def numbers(browser: Client, **query: str) -> list[str]:
    return [order["number"] for order in browser.get(ORDERS, query).json()["results"]]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("status=lost", "status"),
        ("changed_since=yesterday", "changed_since"),
        ("changed_since=0001-01-01T00:00:00%2B14:00", "changed_since"),
        ("begun=1", "begun"),
        ("limit=0", "limit"),
        ("cursor=none", "cursor"),
        ("cursor=cD1ub25l", "cursor"),  # p=none
        ("statsu=paid", "statsu"),
        ("fields=number,email", "fields"),
        ("fields=", "fields"),
        ("status=paid&status=paid", "status"),
    ],
)
def test_a_query_that_means_nothing_is_refused(
    buyer: Client, own_order: Order, query: str, path: str
) -> None:
    answer = buyer.get(f"{ORDERS}?{query}")
    assert answer.status_code == (422 if path == "cursor" else 400)
    assert [(one["in"], one["path"]) for one in answer.json()["errors"]] == [("query", path)]


def test_a_client_names_the_members_of_the_orders_that_it_wants(
    buyer: Client, customer: User, place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    placed = [place(make_cart(), user=customer) for _ in range(3)]
    first = buyer.get(f"{ORDERS}?fields=number,total&fields=status&limit=2").json()
    assert first["results"][0] == {
        "number": placed[2].number,
        "status": "pending",
        "total": {"amount": str(placed[2].total.amount), "currency": "EUR"},
    }
    assert (first["stream"]["name"], "as_of" in first) == (f"user:{customer.pk}", True)
    (last,) = buyer.get(first["next"]).json()["results"]
    assert last.keys() == {"number", "status", "total"}
    whole = buyer.get(ORDERS).json()["results"][0]
    assert (whole.keys(), len(whole["lines"])) == ({*OrderSerializer.Meta.fields}, 1)


def test_every_page_says_where_the_inbox_stood_at_the_first(
    buyer: Client, customer: User, place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    placed = [place(make_cart(), user=customer) for _ in range(3)]
    first = buyer.get(ORDERS, {"limit": 2}).json()
    mark_paid(placed[2])
    second = buyer.get(first["next"]).json()
    assert (second["stream"], second["as_of"]) == (first["stream"], first["as_of"])
    assert position(f"user:{customer.pk}").offset == first["stream"]["offset"] + 1
    back = buyer.get(second["previous"]).json()
    assert back["stream"] == first["stream"]
    shown = [order["number"] for page in (first, second) for order in page["results"]]
    assert shown == [order.number for order in reversed(placed)]


def test_an_order_in_full_with_where_its_stream_stands(buyer: Client, own_order: Order) -> None:
    pay(own_order)
    mark_paid(own_order)
    pack_order(own_order)
    parcel = ship_order(own_order, "Gannet", "GN 1")
    here = position(own_order.stream)
    shown = get(buyer, own_order)
    line = own_order.lines.get()
    sent = {"line": line.pk, "sku": line.sku, "title": line.title, "quantity": 2}
    assert [one["tracking_number"] for one in shown["shipments"]] == ["GN 1"]
    assert shown["shipments"][0]["lines"] == [sent]
    (told,) = shown["lines"]
    assert (told["id"], told["quantity"], told["shipped"], told["to_ship"]) == (line.pk, 2, 2, 0)
    assert (told["gross"]["amount"], told["total"]["amount"]) == ("48.00", "48.00")
    assert (shown["subtotal"]["amount"], shown["shipping"]["amount"]) == ("48.00", "4.90")
    assert (shown["address"]["city"], shown["address"]["country"]) == ("Howth", "IE")
    assert shown["address"]["lines"][-1] == "Ireland"
    assert shown["delivery"] == {"name": "Tube by post", "days_min": 2, "days_max": 4, "leaves_by": None}
    assert [(one["method"], one["amount"]["amount"], one["status"]) for one in shown["payments"]] == [
        ("visa ···· 4242", "52.90", "succeeded")
    ]
    assert [one["kind"] for one in shown["documents"]] == ["invoice"]
    assert shown["may"]["returns"] == [{"line": line.pk, "sku": line.sku, "most": 2}]
    assert (shown["may"]["cancel"], shown["may"]["pay"], shown["may"]["claim"]) == (False, False, False)
    assert shown["stream"] == {"name": own_order.stream, "epoch": here.epoch, "offset": here.offset}
    assert here.offset == 4
    deliver_parcel(parcel)
    assert get(buyer, own_order)["status"] == "delivered"


def test_what_waits_to_be_paid_says_how_much(buyer: Client, own_order: Order) -> None:
    may = get(buyer, own_order)["may"]
    assert (may["pay"], may["to_pay"]["amount"], may["cancel"]) == (True, "52.90", True)
    own_order.payments.create(amount=own_order.total, status="processing", intent_id="pi_1")
    shown = get(buyer, own_order)
    assert (shown["may"]["pay"], shown["may"]["to_pay"], shown["payment_processing"]) == (False, None, True)


def test_a_gift_card_and_a_refund_are_told_as_payments(buyer: Client, own_order: Order) -> None:
    card, _ = issue_card(Money("20", "EUR"))
    own_order.payments.create(
        amount=Money("20", "EUR"), status="succeeded", gift_card=card, method="Gift card ···· 1234"
    )
    paid = pay(own_order, "32.90")
    mark_paid(own_order)
    paid.refunds.create(amount=Money("10", "EUR"), status="succeeded")
    shown = get(buyer, own_order)
    gift, by_card = shown["payments"]
    assert (gift["gift_card"], gift["amount"]["amount"]) == (True, "20.00")
    assert [(one["amount"]["amount"], one["status"]) for one in by_card["refunds"]] == [
        ("10.00", "succeeded")
    ]
    assert (shown["refunded"]["amount"], shown["may"]["goes_back"]["amount"]) == ("10.00", "42.90")


def test_a_change_that_waits_for_its_difference_is_told(
    buyer: Client, own_order: Order, make_variant: Callable[..., Variant]
) -> None:
    pay(own_order)
    mark_paid(own_order)
    edit_order(own_order, {}, {make_variant(title="Ebb", price="30.00").pk: 1}, why="As you asked.")
    shown = get(buyer, own_order)
    assert (shown["edit"]["difference"]["amount"], shown["edit"]["why"]) == ("30.00", "As you asked.")
    assert [(line["title"], line["quantity"]) for line in shown["edit"]["lines"]] == [("Ebb", 1)]
    assert (shown["may"]["pay"], shown["may"]["to_pay"]["amount"]) == (True, "30.00")


def test_a_guests_order_opens_by_its_public_id(client: Client, buyer: Client, order: Order) -> None:
    for visitor in (client, buyer):
        shown = get(visitor, order)
        assert (shown["number"], shown["may"]["cancel"]) == (order.number, True)
    assert client.get(f"{ORDERS}AAAAAAAAAAAAAAAAAAAAAA/").status_code == 404


def test_somebody_elses_order_is_not_found(client: Client, own_order: Order) -> None:
    other = signed_in(User.objects.create_user("mo@example.com", "x"))
    for visitor in (client, other):
        for path in ("", "timeline/", "returns/", "documents/"):
            answer = visitor.get(f"{ORDERS}{own_order.public_id}/{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
        for path in ("cancel/", "refill/", "returns/", "returns/1/withdraw/"):
            assert visitor.post(f"{ORDERS}{own_order.public_id}/{path}").status_code == 404, path
    assert other.get(ORDERS).json()["results"] == []
    assert client.get(ORDERS).json()["code"] == "not_authenticated"


def test_staff_look_at_any_order_and_act_on_none(own_order: Order) -> None:
    clerk = User.objects.create_user("mo@example.com", "x", is_staff=True)
    browser = signed_in(clerk)
    assert browser.get(f"{ORDERS}{own_order.public_id}/").status_code == 404
    clerk.user_permissions.add(Permission.objects.get(codename="view_order"))
    assert get(browser, own_order)["may"] == {
        "cancel": False,
        "goes_back": {"amount": "0.00", "currency": "EUR"},
        "pay": False,
        "to_pay": None,
        "claim": False,
        "returns": [],
    }
    for path in ("cancel/", "claim/", "returns/", "payment/"):
        answer = browser.post(f"{ORDERS}{own_order.public_id}/{path}", {}, "application/json")
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied"), path
    own_order.refresh_from_db()
    assert own_order.status == "pending"


def test_a_buyer_calls_an_order_off_once(buyer: Client, own_order: Order, customer: User) -> None:
    path = f"{ORDERS}{own_order.public_id}/cancel/"
    key = {"Idempotency-Key": "cancel-0123456789"}
    answers = [
        buyer.post(path, {"why": "The wrong size."}, "application/json", headers=key) for _ in range(2)
    ]
    assert [(one.status_code, one.json()["status"]) for one in answers] == [(200, "cancelled")] * 2
    assert [line["to_ship"] for line in answers[0].json()["lines"]] == [0]
    assert "Idempotency-Replayed" in answers[1].headers
    event = own_order.events.last()
    assert (event.kind, event.why, event.actor) == ("cancelled", "The wrong size.", customer)


def test_what_is_packed_is_not_called_off(client: Client, order: Order) -> None:
    mark_paid(order)
    pack_order(order)
    answer = client.post(f"{ORDERS}{order.public_id}/cancel/", {}, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_status")
    assert answer.json()["details"] == {"status": "packed"}


def test_guest_orders_of_a_confirmed_address_are_claimed(
    buyer: Client, client: Client, order: Order, customer: User
) -> None:
    path = f"{ORDERS}{order.public_id}/claim/"
    assert client.post(path).status_code == 401
    assert get(buyer, order)["may"]["claim"] is False
    assert buyer.post(path).json()["code"] == "email_not_verified"
    EmailAddress.objects.create(user=customer, email=customer.email, verified=True, primary=True)
    assert get(buyer, order)["may"]["claim"] is True
    answer = buyer.post(path)
    assert (answer.status_code, answer.json()["may"]["claim"]) == (200, False)
    assert numbers(buyer) == [order.number]
    assert buyer.post(path).status_code == 200


def test_an_order_for_another_address_is_not_claimed(
    buyer: Client, order: Order, customer: User, place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    EmailAddress.objects.create(user=customer, email=customer.email, verified=True, primary=True)
    theirs = place(make_cart(), email="mo@example.com")
    answer = buyer.post(f"{ORDERS}{theirs.public_id}/claim/")
    assert (answer.status_code, answer.json()["code"]) == (409, "other_address")
    assert numbers(buyer) == []
    assert buyer.post(f"{ORDERS}claim/").json() == {"claimed": 1}
    assert numbers(buyer) == [order.number]


def test_an_order_is_put_back_into_the_cart_as_far_as_it_can_be_had(
    client: Client,
    place: Callable[..., Order],
    make_cart: Callable[..., Cart],
    make_variant: Callable[..., Variant],
) -> None:
    cart = make_cart(make_variant(title="Ebb", stock=9), 3)
    for title in ("Flood", "Slack"):
        add_to_cart(cart, make_variant(title=title, stock=5), 4)
    order = place(cart)
    Stock.objects.filter(variant__product__title="Flood").update(on_hand=5, reserved=4)
    order.lines.filter(title="Slack").update(variant=None)
    answer = client.post(f"{ORDERS}{order.public_id}/refill/", headers={"Cart-Token": cart.token}).json()
    assert answer["cart_token"] == cart.token
    told = [(line["title"], line["wanted"], line["added"], line["code"]) for line in answer["lines"]]
    assert told == [("Ebb", 3, 3, ""), ("Flood", 4, 1, ""), ("Slack", 4, 0, "no_longer_for_sale")]
    assert answer["lines"][1]["words"] == "Of “Flood” there are only 1 left."
    assert sorted(line.quantity for line in cart.lines.all()) == [1, 3]


def test_a_guest_without_a_cart_gets_one_and_an_account_has_its_own(
    client: Client, buyer: Client, order: Order, customer: User
) -> None:
    path = f"{ORDERS}{order.public_id}/refill/"
    token = client.post(path).json()["cart_token"]
    assert Cart.objects.get(token=token).count() == 2
    assert buyer.post(path).json()["cart_token"] is None
    assert customer.cart.count() == 2


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
        with django_assert_num_queries(4):  # the same without lines
            few = buyer.get(ORDERS + "?limit=100&fields=number,total").json()["results"]
        assert len(few) == wanted


def test_an_order_in_full_takes_as_many_queries_however_much_happened(
    buyer: Client,
    own_order: Order,
    place: Callable[..., Order],
    make_cart: Callable[..., Cart],
    make_variant: Callable[..., Variant],
    customer: User,
    django_assert_max_num_queries: Callable,
) -> None:
    cart = make_cart()
    for _ in range(9):
        add_to_cart(cart, make_variant())
    large = place(cart, user=customer)
    for order in (own_order, large):
        pay(order, str(order.total.amount)) if order == large else own_order.payments.create(
            amount=own_order.total, status="succeeded"
        )
        mark_paid(order)
        pack_order(order)
        lines = list(order.lines.all())
        for number, line in enumerate(lines):
            parcel = ship_order(order, "Gannet", f"{order.pk}-{number}", quantities={line.pk: line.quantity})
            deliver_parcel(parcel)
        for line in lines:
            request_return(order, {line.pk: 1}, reason="mind")
        with django_assert_max_num_queries(26):
            assert len(get(buyer, order)["returns"]) == len(lines)
