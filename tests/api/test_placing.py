"""From a cart to an order by way of the API, with the carriers and the register of VAT ids played by the sandbox."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from django.test import Client
from djmoney.money import Money

from accounts.models import Address, User
from shop.cart.models import Cart
from shop.catalog.models import Variant
from shop.drops.models import Drop
from shop.giftcards.services import issue_card
from shop.inventory.models import Stock
from shop.inventory.services import receive
from shop.orders.models import Order
from shop.pricing.models import TaxRate, TaxZone
from shop.shipping.models import Quote, ShippingMethod
from tests.drops.moving import let_in

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1/"
JSON = "application/json"
CALM = {
    **{f"{name}_fault": "none" for name in ("tideway", "gannet", "vies")},
    **{f"{name}_latency_ms": 0 for name in ("tideway", "gannet", "vies")},
}
Json = dict[str, Any]


@pytest.fixture
def address(address: Json) -> Json:
    return {**address, "region": "Co. Dublin"}


@pytest.fixture(autouse=True)
def own_ways_alone(settings: Any, delivery: ShippingMethod) -> None:
    settings.CARRIERS = {}


@pytest.fixture
def world(sandbox_url: str, settings: Any) -> Callable[..., None]:
    """The carriers and the register; `world(gannet_fault="error")`."""
    settings.CARRIERS = {name: f"{sandbox_url}/carriers/{name}" for name in ("tideway", "gannet")}
    settings.CARRIER_DEADLINE_SECONDS = 1.0
    settings.VIES_URL = f"{sandbox_url}/vies/rest-api"
    settings.VIES_DEADLINE_SECONDS = 1.0

    def turn(**knobs: Any) -> None:
        requests.post(f"{sandbox_url}/knobs", json=CALM | knobs, timeout=5).raise_for_status()

    turn()
    return turn


@pytest.fixture
def buyer(customer: User) -> Client:
    client = Client()
    client.force_login(customer, "django.contrib.auth.backends.ModelBackend")
    return client


def fill(client: Client, variant: Variant, quantity: int = 1, **headers: str) -> Json:
    body = {"sku": variant.sku, "quantity": quantity}
    answer = client.post(f"{API}cart/lines/", body, JSON, headers=headers)
    assert answer.status_code == 201, answer.content
    return answer.json()


def mine(cart: Json) -> dict[str, str]:
    return {"Cart-Token": cart["token"]} if cart["token"] else {}


def ask_options(client: Client, cart: Json, **body: Any) -> Any:
    return client.post(f"{API}cart/shipping-options/", body, JSON, headers=mine(cart))


def order_body(cart: Json, address: Json, total: str = "28.90", **more: Any) -> Json:
    return {
        "checkout_key": cart["checkout_key"],
        "email": "nora@example.com",
        "address": address,
        "shipping": "method:tube",
        "expected_total": {"amount": total, "currency": "EUR"},
        **more,
    }


def place(client: Client, cart: Json, body: Json, **headers: str) -> Any:
    return client.post(f"{API}orders/", body, JSON, headers=mine(cart) | headers)


# --- Ways to send it -----------------------------------------------------------------------------


def test_every_way_comes_with_all_it_would_come_to(
    client: Client, make_variant: Callable[..., Variant], world: Callable[..., None], address: Json
) -> None:
    cart = fill(client, make_variant(price="24.00"), 2)
    answer = ask_options(client, cart, address=address).json()
    assert answer["left_out"] == []
    options = {option["code"]: option for option in answer["options"]}
    tube = options["method:tube"]
    assert (tube["price"]["amount"], tube["totals"]["shipping"]["amount"]) == ("4.90", "4.90")
    assert (tube["totals"]["total"]["amount"], tube["totals"]["due"]["amount"]) == ("52.90", "52.90")
    assert sum(code.startswith("quote:") for code in options) == Quote.objects.count() >= 2
    for option in answer["options"]:
        added = float(option["price"]["amount"]) + 48
        assert float(option["totals"]["total"]["amount"]) == pytest.approx(added)


def test_a_carrier_that_is_too_slow_is_left_out_and_named(
    client: Client, make_variant: Callable[..., Variant], world: Callable[..., None], address: Json
) -> None:
    cart = fill(client, make_variant())
    world(tideway_latency_ms=20_000, gannet_fault="error")
    answer = ask_options(client, cart, address=address).json()
    assert [option["code"] for option in answer["options"]] == ["method:tube"]
    assert answer["left_out"] == ["Tideway did not answer in time.", "Gannet cannot quote at the moment."]


def test_a_carrier_s_price_for_a_place_holds_for_the_address_written_otherwise(
    client: Client, make_variant: Callable[..., Variant], world: Callable[..., None], address: Json
) -> None:
    cart = fill(client, make_variant(price="24.00"))
    asked = ask_options(client, cart, country="IE", postal_code="d13 f6k7 ").json()
    quote = next(one for one in asked["options"] if one["code"].startswith("quote:"))
    body = order_body(cart, address, quote["totals"]["total"]["amount"], shipping=quote["code"])
    placed = place(client, cart, body)
    assert placed.status_code == 201, placed.content
    assert placed.json()["shipping"] == quote["price"]


def test_tax_is_that_of_where_it_goes_and_of_who_buys(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    zone = TaxZone.objects.create(country="FR", name="France", in_vat_union=True)
    TaxRate.objects.create(zone=zone, percent="20")
    cart = fill(client, make_variant(price="24.00"))
    sums = ask_options(client, cart, country="FR").json()["options"][0]["totals"]
    assert (sums["total"]["amount"], sums["tax"]["amount"]) == ("28.90", "4.82")
    sums = ask_options(client, cart, country="FR", vat_id="40303265045").json()["options"][0]["totals"]
    assert (sums["tax"]["amount"], "Reverse charge" in sums["tax_note"]) == ("0.00", True)
    wrong = ask_options(client, cart, country="FR", vat_id="FR1")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "vat_id_invalid")


def test_what_cannot_be_sent_is_refused(
    client: Client, make_variant: Callable[..., Variant], address: Json
) -> None:
    variant = make_variant(stock=3)
    cart = fill(client, variant, 3)
    nothing = ask_options(client, {"token": ""}, address=address)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "empty_cart")
    for body in ({}, {"address": address, "country": "IE"}, {"address": address, "address_id": 1}):
        assert ask_options(client, cart, **body).status_code == 422
    receive(variant, -2, "adjusted")
    short = ask_options(client, cart, address=address)
    assert (short.status_code, short.json()["code"]) == (409, "cart_changed")
    assert short.json()["details"]["notices"] == ["Only 1 left: please take fewer."]


def test_more_ways_take_no_more_queries(
    client: Client,
    make_variant: Callable[..., Variant],
    django_assert_max_num_queries: Callable,
) -> None:
    cart = fill(client, make_variant())
    for wanted in (1, 12):
        for number in range(ShippingMethod.objects.count(), wanted):
            ShippingMethod.objects.create(
                code=f"way-{number}", name=f"Way {number}", price=Money(number, "EUR"), everywhere=True
            )
        with django_assert_max_num_queries(9):
            assert len(ask_options(client, cart, country="IE").json()["options"]) == wanted


# --- The order -----------------------------------------------------------------------------------


def test_a_guest_orders_and_finds_the_order_by_its_id(
    client: Client, make_variant: Callable[..., Variant], address: Json
) -> None:
    variant = make_variant(price="24.00", stock=5)
    cart = fill(client, variant, 2)
    answer = place(client, cart, order_body(cart, address, "52.90"))
    placed, order = answer.json(), Order.objects.get()
    assert answer.status_code == 201
    assert (placed["public_id"], placed["number"], placed["status"]) == (
        order.public_id,
        order.number,
        "pending",
    )
    assert (order.user, order.email, order.postal_code) == (None, "nora@example.com", "D13 F6K7")
    assert placed["total"] == {"amount": "52.90", "currency": "EUR"}
    assert (placed["stream"]["name"], placed["stream"]["offset"]) == (order.stream, 1)
    assert Stock.objects.get(variant=variant).reserved == 2
    after = client.get(f"{API}cart/", headers=mine(cart) | {"Guest-Orders": order.public_id}).json()
    assert (after["count"], [one["number"] for one in after["held_orders"]]) == (0, [order.number])
    assert after["checkout_key"] != cart["checkout_key"]


def test_the_same_cart_is_one_order_however_often_it_is_sent(
    client: Client, make_variant: Callable[..., Variant], address: Json
) -> None:
    cart = fill(client, make_variant(price="24.00"))
    body = order_body(cart, address)
    first = place(client, cart, body).json()
    assert place(client, cart, body).json()["public_id"] == first["public_id"]
    keyed = {"Idempotency-Key": "a-key-of-the-app-0001"}
    again = [place(client, cart, body, **keyed) for _ in range(2)]
    assert {answer.json()["public_id"] for answer in again} == {first["public_id"]}
    assert again[1].headers["Idempotency-Replayed"] == "true"
    # Another's key, or without the cart that it is of, is nobody's order.
    stranger = place(Client(), {"token": "another"}, {**body, "checkout_key": "guessed"})
    assert (stranger.status_code, stranger.json()["code"]) == (409, "empty_cart")
    assert Order.objects.count() == 1


def test_an_account_orders_to_an_address_of_its_book(
    buyer: Client, customer: User, make_variant: Callable[..., Variant], address: Json
) -> None:
    kept = Address.objects.create(user=customer, **address)
    cart = fill(buyer, make_variant(price="24.00"))
    body = order_body(cart, address)
    del body["address"], body["email"]
    theirs = Address.objects.create(user=User.objects.create_user("max@example.com"), **address)
    refused = place(buyer, cart, {**body, "address_id": theirs.pk})
    assert [(one["path"], one["code"]) for one in refused.json()["errors"]] == [("/address_id", "unknown")]
    assert refused.status_code == 422
    placed = place(buyer, cart, {**body, "address_id": kept.pk}).json()
    order = Order.objects.get(public_id=placed["public_id"])
    assert (order.user, order.email, order.city) == (customer, customer.email, "Howth")
    assert buyer.get(f"{API}orders/{order.public_id}/").status_code == 200


def test_an_address_may_be_kept(
    buyer: Client, customer: User, make_variant: Callable[..., Variant], address: Json
) -> None:
    for keep, count in ((False, 0), (True, 1), (True, 1)):
        cart = fill(buyer, make_variant(price="24.00"))
        assert place(buyer, cart, order_body(cart, address, keep_address=keep)).status_code == 201
        assert customer.addresses.count() == count


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"postal_code": "nonsense"}, "/address/postal_code", "does not look like an Eircode"),
        ({"city": " "}, "/address/city", "Please enter the town or city."),
        ({"name": " "}, "/address/name", "Please enter the name on the parcel."),
        ({"line1": ""}, "/address/line1", "Please enter the street and house number."),
        ({"country": "US", "region": "Dublin"}, "/address/region", "Please choose a state from the list."),
    ],
)
def test_an_address_is_checked_as_it_is_where_it_goes(
    client: Client,
    make_variant: Callable[..., Variant],
    address: Json,
    changes: Json,
    path: str,
    words: str,
) -> None:
    cart = fill(client, make_variant())
    answer = place(client, cart, order_body(cart, address | changes))
    assert answer.status_code == 422
    assert words in {one["path"]: one["detail"] for one in answer.json()["errors"]}[path]
    assert not Order.objects.exists()


def test_what_a_request_lacks_is_named(
    client: Client, make_variant: Callable[..., Variant], address: Json
) -> None:
    cart = fill(client, make_variant())
    body = order_body(cart, address)
    for changes, status, path in (
        ({"email": "nora at example"}, 422, "/email"),
        ({"email": None}, 400, "/email"),
        ({"expected_total": {"amount": "28.90", "currency": "USD"}}, 422, "/expected_total/currency"),
        ({"expected_total": {"amount": "28.90 EUR", "currency": "EUR"}}, 400, "/expected_total/amount"),
        ({"expected_total": "28.90"}, 400, "/expected_total"),
        ({"address": {**address, "planet": "Earth"}}, 400, "/address/planet"),
        ({"address_id": 1}, 422, "/address"),
        ({"total": "0.00"}, 400, "/total"),
    ):
        answer = place(client, cart, body | changes)
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (status, path), changes
    del body["email"]
    assert place(client, cart, body).json()["errors"][0]["detail"] == "Please enter an e-mail address."
    assert not Order.objects.exists()


def test_nobody_buys_at_another_price_than_was_shown(
    client: Client, make_variant: Callable[..., Variant], address: Json
) -> None:
    cart = fill(client, make_variant(price="24.00"))
    for more, words in (
        ({"total": "27.90"}, "The total is now €28.90."),
        ({"expected_due": {"amount": "1.00", "currency": "EUR"}}, "What is left to pay is now €28.90."),
    ):
        answer = place(client, cart, order_body(cart, address, **more))
        assert (answer.status_code, answer.json()["code"]) == (409, "cart_changed")
        assert words in answer.json()["detail"]
    Variant.objects.update(price="30.00")
    changed = place(client, cart, order_body(cart, address)).json()
    assert "changed from €24.00 to €30.00" in changed["details"]["notices"][0]
    assert client.get(f"{API}cart/", headers=mine(cart)).json()["notices"] == changed["details"]["notices"]
    gone = place(client, cart, order_body(cart, address, "34.90", shipping="method:none"))
    assert (gone.status_code, gone.json()["code"]) == (409, "shipping_gone")
    assert not Order.objects.exists()


def test_what_is_sold_out_meanwhile_is_not_sold(
    client: Client, make_variant: Callable[..., Variant], address: Json
) -> None:
    variant = make_variant(stock=2)
    cart = fill(client, variant, 2)
    receive(variant, -1, "adjusted")
    answer = place(client, cart, order_body(cart, address, "52.90"))
    assert (answer.status_code, answer.json()["code"]) == (409, "out_of_stock")
    assert answer.json()["details"]["short"] == {variant.sku: 1}


def test_a_gift_card_that_pays_all_makes_it_paid(
    client: Client, make_variant: Callable[..., Variant], address: Json
) -> None:
    cart = fill(client, make_variant(price="24.00"))
    _, code = issue_card(Money(50, "EUR"))
    client.put(f"{API}cart/code/", {"code": code}, JSON, headers=mine(cart))
    due = {"amount": "0.00", "currency": "EUR"}
    placed = place(client, cart, order_body(cart, address, expected_due=due)).json()
    assert (placed["status"], Order.objects.get().due.amount) == ("paid", 0)


def test_each_place_in_a_drop_buys_once(
    client: Client,
    make_variant: Callable[..., Variant],
    make_drop: Callable[..., Drop],
    address: Json,
) -> None:
    variant = make_variant(price="24.00")
    drop = make_drop(variant)
    inside = {"Drop-Places": f"{drop.slug}={let_in(drop)[1][drop.slug]}"}
    cart = fill(client, variant, **inside)
    bare = place(client, cart, order_body(cart, address))
    assert (bare.status_code, bare.json()["code"]) == (409, "waiting_room")
    assert bare.json()["details"]["drop"] == drop.slug
    assert place(client, cart, order_body(cart, address), **inside).status_code == 201
    with_it = client.post(f"{API}cart/lines/", {"sku": variant.sku, "quantity": 1}, JSON, headers=inside)
    assert with_it.json()["details"]["reason"] == "used"


def test_a_vat_id_is_a_company_s_and_the_register_knows_it(
    client: Client, make_variant: Callable[..., Variant], world: Callable[..., None], address: Json
) -> None:
    zone = TaxZone.objects.create(country="DE", name="Germany", in_vat_union=True)
    TaxRate.objects.create(zone=zone, percent="19")
    abroad = {**address, "city": "Kiel", "region": "", "postal_code": "24103", "country": "DE"}
    firm = {**abroad, "company": "Kogge GmbH"}
    cart = fill(client, make_variant(price="24.00"))
    for parcel, vat_id, code in (
        (abroad, "DE136695976", "vat_id_needs_company"),
        (firm, "DE1", "vat_id_invalid"),
        (firm, "DE100000049", "vat_id_unknown"),
    ):
        answer = place(client, cart, order_body(cart, parcel, vat_id=vat_id))
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert [(one["path"], one["code"]) for one in answer.json()["errors"]] == [("/vat_id", code)]
    total = ask_options(client, cart, address=firm, vat_id="DE136695976").json()["options"]
    sums = next(one["totals"] for one in total if one["code"] == "method:tube")
    body = order_body(cart, firm, sums["total"]["amount"], vat_id="DE136695976")
    placed = place(client, cart, body).json()
    order = Order.objects.get(public_id=placed["public_id"])
    assert (order.tax_treatment, order.tax.amount) == ("reverse_charge", 0)
    assert order.tax_evidence["vies"]["answer"] == "known"


def test_placing_has_a_limit_of_its_own(client: Client, settings: Any) -> None:
    answer = client.post(f"{API}orders/", {}, JSON)
    assert answer.status_code == 400
    assert answer.headers["RateLimit-Limit"] == str(settings.API_LIMITS["checkout"][0])
    assert client.get(f"{API}orders/").status_code == 401


def test_a_key_of_a_request_that_waits_is_answered_once(
    client: Client, make_variant: Callable[..., Variant], world: Callable[..., None], address: Json
) -> None:
    """The wait is outside of any transaction, also under a key: were it not, it would be refused with a fault."""
    cart = fill(client, make_variant())
    keyed = {**mine(cart), "Idempotency-Key": "options-asked-for-once"}
    ask = [
        client.post(f"{API}cart/shipping-options/", {"country": "IE"}, JSON, headers=keyed) for _ in range(2)
    ]
    assert ask[0].status_code == 200
    assert ask[0].content == ask[1].content
    assert Quote.objects.count() == sum("quote:" in one["code"] for one in ask[0].json()["options"])
    assert Cart.objects.get().count() == 1
