"""Checkout without JavaScript up to the card form, and what stops it on the way."""

import re
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import AsyncClient, Client
from django.utils import timezone
from djmoney.money import Money

from accounts.models import Address, User
from accounts.postal import AddressInvalid, normalise, rules_for
from shop.cart.models import Cart, CartLine
from shop.catalog.models import Variant
from shop.orders.models import Order
from shop.payments import stripe_gateway
from shop.payments.cancellations import cancel_order
from shop.payments.services import apply_intent, open_payment
from shop.payments.stripe_gateway import Intent
from shop.shipping.models import ShippingMethod

DETAILS, DELIVERY = "/checkout/", "/checkout/delivery/"
TYPED = {
    "email": "nora@example.com",
    "name": "Nora Byrne",
    "line1": "4 Harbour Row",
    "city": "Howth",
    "postal_code": "d13 f6k7",
    "country": "IE",
}


@pytest.fixture(autouse=True)
def no_carriers(settings: Any, delivery: ShippingMethod) -> None:
    settings.CARRIERS = {}
    ShippingMethod.objects.create(
        code="crate",
        name="Crate by ship",
        price=Money("12.00", "EUR"),
        everywhere=True,
        days_min=5,
        days_max=9,
        position=2,
    )


@pytest.fixture
def buyer(client: Client, make_variant: Callable[..., Variant]) -> Client:
    """A guest with two prints of €24.00 in the cart."""
    client.post("/cart/add/", {"variant": make_variant(price="24.00").pk, "quantity": 2})
    return client


@pytest.fixture
def silent_carrier() -> Iterator[str]:
    """Takes a connection and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def order_form(page: str) -> dict[str, str]:
    """The fields of the delivery page as a browser would send them."""
    hidden = dict(re.findall(r'<input type="hidden" name="(key|shown_total)" value="([^"]*)"', page))
    ticked = re.search(r'name="shipping" value="([^"]*)" checked', page)
    assert ticked
    return {**hidden, "shipping": ticked[1]}


def to_delivery(client: Client, **changes: str) -> Any:
    answer = client.post(DETAILS, TYPED | changes)
    assert answer.headers.get("Location") == DELIVERY, answer.text
    return client.get(DELIVERY)


def place(client: Client, **changes: str) -> Any:
    return client.post(DELIVERY, order_form(to_delivery(client).text) | changes)


# --- Address ------------------------------------------------------------------------------------


def test_an_empty_cart_has_no_checkout(client: Client, db: None) -> None:
    assert client.get(DETAILS).headers["Location"] == "/cart/"
    assert client.get(DELIVERY).headers["Location"] == "/cart/"


def test_errors_stand_at_their_fields_and_nothing_typed_is_lost(buyer: Client) -> None:
    answer = buyer.post(DETAILS, TYPED | {"email": "nora@", "postal_code": "12345", "name": ""})

    assert answer.status_code == 422
    assert "3 fields need another look" in answer.text
    assert "This does not look like an Eircode. One looks like A65 F4E2." in answer.text
    assert 'value="4 Harbour Row"' in answer.text
    assert 'aria-describedby="id_postal_code_helptext id_postal_code_error"' in answer.text


@pytest.mark.parametrize(
    ("country", "label"), [("IE", "Eircode"), ("US", "ZIP code"), ("GB", "Postcode"), ("DE", "Postal code")]
)
def test_the_form_speaks_the_language_of_the_country(buyer: Client, country: str, label: str) -> None:
    by_htmx = buyer.post("/checkout/address-fields/", TYPED | {"country": country}).text
    by_button = buyer.post(DETAILS, TYPED | {"country": country, "reshape": "1"}).text

    for page in (by_htmx, by_button):
        assert f'<label for="id_postal_code">{label}' in page
        assert 'value="4 Harbour Row"' in page


def test_a_country_with_states_offers_them_to_choose_from(buyer: Client) -> None:
    page = buyer.post("/checkout/address-fields/", TYPED | {"country": "US"}).text

    assert '<option value="TX">Texas</option>' in page


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ({"country": "IE", "postal_code": "d13 f6k7"}, {"postal_code": "D13 F6K7", "city": "Howth"}),
        ({"country": "CH", "postal_code": "CH-8001", "city": "Zürich"}, {"postal_code": "8001"}),
        ({"country": "US", "region": "texas", "postal_code": "75001"}, {"region": "TX"}),
        ({"country": "SG", "postal_code": "546080"}, {"city": ""}),
    ],
)
def test_an_address_is_written_as_its_country_does(typed: dict[str, str], written: dict[str, str]) -> None:
    address = normalise({"name": "Nora", "line1": "4 Harbour Row", "city": "Howth", **typed})

    assert {name: address[name] for name in written} == written
    assert address["line1"] == "4 Harbour Row"


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"country": "US", "region": "TX", "postal_code": ""}, "postal_code", "Please enter the ZIP code."),
        ({"country": "US", "region": "Munster", "postal_code": "75001"}, "region", "from the list"),
        ({"country": "DE", "postal_code": "1"}, "postal_code", "One looks like 26133."),
        ({"country": "XX"}, "country", "Please choose a country."),
    ],
)
def test_what_is_wrong_with_an_address_is_said_in_words(
    typed: dict[str, str], field: str, words: str
) -> None:
    with pytest.raises(AddressInvalid) as wrong:
        normalise({"name": "Nora", "line1": "4 Harbour Row", "city": "Howth", **typed})

    assert words in wrong.value.errors[field]


def test_fields_stand_in_the_order_of_the_country() -> None:
    assert rules_for("DE").town_order[:2] == ("postal_code", "city")
    assert rules_for("US").town_order == ("city", "region", "postal_code")


def test_an_account_picks_a_kept_address(buyer: Client, customer: User, address: dict[str, str]) -> None:
    kept = Address.objects.create(user=customer, **address)
    buyer.force_login(customer)

    buyer.post(DETAILS, {"email": "nora@example.com", "address_id": kept.pk})

    assert "4 Harbour Row" in buyer.get(DELIVERY).text


def test_an_address_of_somebody_else_cannot_be_picked(
    buyer: Client, customer: User, address: dict[str, str]
) -> None:
    foreign = Address.objects.create(user=User.objects.create_user("eve@example.com"), **address)
    buyer.force_login(customer)

    answer = buyer.post(DETAILS, {"email": "nora@example.com", "address_id": foreign.pk})

    assert answer.status_code == 422


def test_a_new_address_is_kept_if_asked(buyer: Client, customer: User) -> None:
    buyer.force_login(customer)
    page = to_delivery(buyer, keep_address="1")

    buyer.post(DELIVERY, order_form(page.text))

    assert customer.addresses.get().postal_code == "D13 F6K7"
    assert customer.addresses.get().is_default


# --- Delivery -----------------------------------------------------------------------------------


def test_the_summary_adds_up_for_every_way_of_delivery(buyer: Client) -> None:
    page = to_delivery(buyer)
    assert page.context["totals"].total == Money("52.90", "EUR")

    crate = buyer.get("/checkout/summary/", {"shipping": "method:crate"})

    totals = crate.context["totals"]
    assert totals.subtotal - totals.discount + totals.shipping == totals.total == Money("60.00", "EUR")
    assert 'name="shown_total" value="60' in crate.text
    assert 'value="method:crate" checked' in buyer.get(DELIVERY).text


def test_without_javascript_a_button_updates_the_total(buyer: Client) -> None:
    to_delivery(buyer)

    buyer.post(DELIVERY, {"shipping": "method:crate", "update": "1"})

    assert order_form(buyer.get(DELIVERY).text)["shipping"] == "method:crate"


def test_a_silent_and_a_broken_carrier_are_left_out_and_named(
    buyer: Client, settings: Any, silent_carrier: str
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.CARRIERS = {
            "gannet": silent_carrier,
            "tideway": f"http://127.0.0.1:{closed.getsockname()[1]}",
        }
        settings.CARRIER_DEADLINE_SECONDS = 1.5  # long enough that who refuses at once is never the late one
        page = to_delivery(buyer).text

    assert "Gannet did not answer in time." in page
    assert "Tideway cannot quote at the moment." in page
    assert "Tube by post" in page


# --- The order ----------------------------------------------------------------------------------


def test_the_click_makes_the_order_and_leads_to_payment(buyer: Client) -> None:
    answer = place(buyer)

    order = Order.objects.get()
    assert answer.headers["Location"] == f"/checkout/{order.public_id}/pay/"
    assert (order.total, order.postal_code, order.email) == (
        Money("52.90", "EUR"),
        "D13 F6K7",
        "nora@example.com",
    )
    assert buyer.session["guest_orders"] == [order.public_id]
    assert not CartLine.objects.exists()


def test_a_double_click_makes_one_order(buyer: Client) -> None:
    form = order_form(to_delivery(buyer).text)

    first, second = buyer.post(DELIVERY, form), buyer.post(DELIVERY, form)

    assert first.headers["Location"] == second.headers["Location"]
    assert Order.objects.count() == 1


def test_a_total_that_was_not_shown_is_not_charged(buyer: Client) -> None:
    answer = place(buyer, shipping="method:crate")

    assert answer.headers["Location"] == DELIVERY
    assert not Order.objects.exists()
    page = buyer.get(DELIVERY)
    assert "The total is now €60.00" in page.text
    assert order_form(page.text)["shipping"] == "method:crate"


def test_a_price_that_changed_meanwhile_is_told_before_the_order(buyer: Client) -> None:
    form = order_form(to_delivery(buyer).text)
    Variant.objects.update(price=Money("30.00", "EUR"))

    answer = buyer.post(DELIVERY, form, follow=True)

    assert answer.redirect_chain == [(DELIVERY, 302)]
    assert "changed from €24.00 to €30.00" in answer.text
    assert not Order.objects.exists()
    assert buyer.post(DELIVERY, order_form(answer.text)).status_code == 302
    assert Order.objects.get().total == Money("64.90", "EUR")


def test_a_change_met_on_the_way_is_told_on_the_next_page(buyer: Client) -> None:
    Variant.objects.update(price=Money("30.00", "EUR"))

    page = to_delivery(buyer)

    assert "changed from €24.00 to €30.00" in page.text


def test_what_sold_out_meanwhile_leads_back_to_the_cart_with_the_draft_kept(buyer: Client) -> None:
    form = order_form(to_delivery(buyer).text)
    stock = CartLine.objects.get().variant.stock
    stock.on_hand = 1
    stock.save()

    answer = buyer.post(DELIVERY, form, follow=True)

    assert answer.redirect_chain == [("/cart/", 302)]
    assert "sold out" in answer.text
    assert "Only 1 left" in answer.text
    assert buyer.session["checkout"]["address"]["line1"] == "4 Harbour Row"
    assert not Order.objects.exists()


def test_a_way_of_delivery_that_is_gone_is_said(buyer: Client) -> None:
    answer = place(buyer, shipping="method:balloon")

    assert answer.headers["Location"] == DELIVERY
    assert "no longer offered" in buyer.get(DELIVERY).text


# --- Payment ------------------------------------------------------------------------------------


@pytest.fixture
def placed(buyer: Client) -> Order:
    place(buyer)
    return Order.objects.get()


@pytest.fixture
def started(placed: Order) -> Order:
    """Its attempt is known to the provider, as after the pay page was opened once."""
    payment = open_payment(placed)
    payment.intent_id, payment.client_secret, payment.status = "pi_1", "pi_1_secret_2", "waiting"
    payment.save()
    return placed


@pytest.fixture
def unreachable_provider(settings: Any) -> Iterator[None]:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.STRIPE_API_BASE = f"http://127.0.0.1:{closed.getsockname()[1]}"
        yield


async def ask(buyer: Client, path: str) -> Any:
    """In the test's own loop, so that the connections to the provider can be closed in it."""
    client = AsyncClient()
    client.cookies = buyer.cookies
    try:
        return await client.get(path)
    finally:
        await stripe_gateway.close()


def succeeded(order: Order) -> None:
    payment = order.payments.get()
    apply_intent(
        Intent(
            id="pi_1",
            status="succeeded",
            received=payment.amount,
            client_secret="",
            key=payment.idempotency_key,
            charge="ch_1",
            method="Visa ···· 4242",
            error="",
        )
    )


def test_the_pay_page_mounts_the_card_form(buyer: Client, started: Order) -> None:
    page = buyer.get(f"/checkout/{started.public_id}/pay/")

    assert page.status_code == 200
    assert 'data-secret="pi_1_secret_2"' in page.text
    assert f'data-return="http://testserver/checkout/{started.public_id}/return/"' in page.text
    assert "The card form needs JavaScript" in page.text
    until, now = map(int, re.findall(r'data-until="(\d+)" data-now="(\d+)"', page.text)[0])
    assert 1790_000 < until - now <= 1800_000
    assert f'data-stream="order:{started.public_id}"' in page.text


@pytest.mark.django_db(transaction=True)
async def test_a_provider_out_of_reach_keeps_the_order(
    buyer: Client, placed: Order, unreachable_provider: None
) -> None:
    page = await ask(buyer, f"/checkout/{placed.public_id}/pay/")

    assert page.status_code == 503
    assert "Try again" in page.text
    await placed.arefresh_from_db()
    assert placed.status == "pending"


def test_when_the_half_hour_is_over_all_can_be_put_back(buyer: Client, placed: Order) -> None:
    Order.objects.update(reserved_until=timezone.now() - timedelta(seconds=1))
    page = buyer.get(f"/checkout/{placed.public_id}/pay/")
    assert page.status_code == 410
    assert "The half hour is over" in page.text

    cancel_order(placed)
    buyer.post(f"/orders/{placed.public_id}/refill/")

    assert Cart.objects.get().lines.get().quantity == 2


def test_a_paid_order_is_not_paid_again(buyer: Client, started: Order) -> None:
    succeeded(started)

    assert buyer.get(f"/checkout/{started.public_id}/pay/").headers["Location"] == started.get_absolute_url()
    assert (
        buyer.get(f"/checkout/{started.public_id}/return/").headers["Location"] == started.get_absolute_url()
    )


def test_the_status_says_where_to_go_once_it_is_known(buyer: Client, started: Order) -> None:
    status = f"/checkout/{started.public_id}/status/"
    assert buyer.get(status).json() == {"status": "pending", "payment": "waiting"}

    succeeded(started)

    assert buyer.get(status).json() == {
        "status": "paid",
        "payment": "succeeded",
        "url": started.get_absolute_url(),
    }


@pytest.mark.django_db(transaction=True)
async def test_a_status_that_cannot_be_asked_is_no_news(
    buyer: Client, started: Order, unreachable_provider: None
) -> None:
    answer = await ask(buyer, f"/checkout/{started.public_id}/status/?ask")

    assert answer.status_code == 503
    assert answer.json()["status"] == "pending"


@pytest.mark.parametrize("page", ["pay", "return", "status"])
def test_nobody_pays_for_an_account_that_is_not_theirs(
    client: Client, placed: Order, customer: User, page: str
) -> None:
    Order.objects.update(user=customer)

    assert client.get(f"/checkout/{placed.public_id}/{page}/").status_code == 404
