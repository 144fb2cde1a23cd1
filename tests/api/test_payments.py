"""Paying by way of the API, against the real sandbox: what a payment sheet does, Stripe's client does here."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import stripe
from asgiref.sync import async_to_sync
from django.test import Client
from django.utils import timezone
from djmoney.money import Money

from accounts.models import User
from notifications.log import position
from shop.cart.models import Cart
from shop.orders.models import Order
from shop.payments.cancellations import cancel_order
from shop.payments.customers import ProviderCustomer, customer_of
from shop.payments.models import Payment
from tests.payments.steps import log, now
from tests.processes import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1/"
CARDS = f"{API}account/cards/"
JSON = "application/json"


@pytest.fixture(autouse=True)
def gateway_asks_the_sandbox(sandbox_url: str, settings: Any) -> None:
    settings.STRIPE_API_BASE = f"{sandbox_url}/stripe"


@pytest.fixture
def provider(sandbox_url: str) -> stripe.StripeClient:
    return stripe.StripeClient("sk_test_sandbox", base_addresses={"api": f"{sandbox_url}/stripe"})


@pytest.fixture
def buyer(customer: User, settings: Any) -> Client:
    """Signed in, where accounts keep cards."""
    settings.SAVED_CARDS = True
    client = Client()
    client.force_login(customer, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def own_order(place: Callable[..., Order], make_cart: Callable[..., Cart], customer: User) -> Order:
    return place(make_cart(user=customer))


@pytest.fixture
def sheet(provider: stripe.StripeClient) -> Callable[..., str]:
    """What the sheet does with the secret that it is given: `sheet(secret, "pm_card_visa")`; tells the decline."""

    def confirm(secret: str, card: str = "pm_card_visa") -> str:
        intent = secret.partition("_secret_")[0]
        wanted = {"payment_method": card, "return_url": "https://example.com/back"}
        try:
            provider.v1.payment_intents.confirm(intent, wanted)
        except stripe.CardError as error:
            return error.user_message
        return ""

    return confirm


@pytest.fixture
def keep(provider: stripe.StripeClient, customer: User) -> Callable[..., str]:
    """A card of the account's, or of `owner`; returns its id."""

    def keep(card: str = "pm_card_visa", owner: User | None = None) -> str:
        wanted = {"customer": async_to_sync(customer_of)(owner or customer), "confirm": True}
        wanted |= {"payment_method": card, "return_url": "http://testserver/"}
        return provider.v1.setup_intents.create(wanted).payment_method

    return keep


def pay(order: Order) -> str:
    return f"{API}orders/{order.public_id}/payment/"


def with_card(client: Client, order: Order, card: str, **more: str) -> Any:
    return client.post(f"{pay(order)}saved-card/", {"card_id": card, **more}, JSON)


def away(settings: Any) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"


# --- The sheet -----------------------------------------------------------------------------------


def test_a_guest_gets_what_a_sheet_needs_and_pays(
    client: Client, order: Order, sheet: Callable[..., str], settings: Any
) -> None:
    settings.SAVED_CARDS = True
    answer = client.post(pay(order))
    shown, payment = answer.json(), Payment.objects.get()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert shown["client_secret"] == payment.client_secret
    assert shown["publishable_key"] == settings.STRIPE_PUBLISHABLE_KEY
    assert (shown["amount"], shown["amount_minor"]) == ({"amount": "52.90", "currency": "EUR"}, 5290)
    assert (shown["merchant_name"], shown["merchant_country"]) == (
        settings.SHOP_NAME,
        settings.SHOP_COUNTRY,
    )
    assert shown["customer"] is None
    assert (shown["order_status"], shown["payment_status"]) == ("pending", "waiting")
    assert shown["stream"]["offset"] == position(order.stream).offset == 1
    assert sheet(shown["client_secret"]) == ""
    paid = client.get(pay(order)).json()
    assert (paid["order_status"], paid["payment_status"], paid["to_pay"]) == ("paid", "succeeded", None)
    assert paid["method"] == "Visa ···· 4242"
    assert log(order) == ["placed", "paid"]


def test_after_a_decline_the_same_attempt_goes_on(
    client: Client, order: Order, sheet: Callable[..., str]
) -> None:
    first = client.post(pay(order)).json()
    assert "declined" in sheet(first["client_secret"], "pm_card_visa_chargeDeclined")
    state = client.get(pay(order)).json()
    assert (state["order_status"], state["to_pay"]["amount"]) == ("pending", "52.90")
    assert "declined" in state["last_error"]
    again = client.post(pay(order)).json()
    assert again["client_secret"] == first["client_secret"]
    sheet(again["client_secret"])
    state = client.get(pay(order)).json()
    assert (state["order_status"], state["last_error"]) == ("paid", "")
    assert log(order) == ["placed", "payment_declined", "paid"]


def test_an_account_s_sheet_shows_its_cards(
    buyer: Client, own_order: Order, provider: stripe.StripeClient, settings: Any
) -> None:
    shown = buyer.post(pay(own_order)).json()
    known = ProviderCustomer.objects.get()
    assert shown["customer"]["id"] == known.customer_id
    assert shown["customer"]["session_client_secret"].startswith("cuss_secret_")
    intent = provider.v1.payment_intents.retrieve(shown["client_secret"].partition("_secret_")[0])
    assert intent.customer == known.customer_id
    settings.SAVED_CARDS = False
    assert buyer.post(pay(own_order)).json()["customer"] is None


def test_who_was_deleted_at_the_provider_gets_a_sheet_all_the_same(
    buyer: Client, own_order: Order, provider: stripe.StripeClient, customer: User
) -> None:
    gone = async_to_sync(customer_of)(customer)
    provider.v1.customers.delete(gone)
    shown = buyer.post(pay(own_order)).json()
    assert shown["customer"]["id"] == ProviderCustomer.objects.get().customer_id != gone


def test_what_is_paid_or_called_off_cannot_be_paid(
    client: Client, order: Order, sheet: Callable[..., str]
) -> None:
    sheet(client.post(pay(order)).json()["client_secret"])
    client.get(pay(order))
    for words in ("this order is paid", "can no longer be paid"):
        answer = client.post(pay(order))
        assert (answer.status_code, answer.json()["code"]) == (409, "payment_closed")
        assert words in answer.json()["detail"]
        cancel_order(now(order))
    assert client.get(pay(order)).json()["order_status"] == "cancelled"


def test_an_order_that_ran_out_cannot_be_paid(client: Client, order: Order) -> None:
    Order.objects.update(reserved_until=timezone.now())
    assert client.post(pay(order)).json()["code"] == "payment_closed"


def test_a_provider_that_is_away_is_said_and_the_order_is_kept(
    client: Client, order: Order, settings: Any
) -> None:
    right = settings.STRIPE_API_BASE
    client.post(pay(order))
    Payment.objects.update(client_secret="")
    away(settings)
    for ask in (client.post, client.get):
        answer = ask(pay(order))
        assert (answer.status_code, answer.json()["code"]) == (503, "payment_provider_unavailable")
        assert answer.headers["Retry-After"] == "20"
    assert now(order).status == Order.Status.PENDING
    keyed = {"Idempotency-Key": "start-to-pay-this-one"}
    assert client.post(pay(order), headers=keyed).status_code == 503
    settings.STRIPE_API_BASE = right
    # It came to nothing, so the key is free for another try.
    assert client.post(pay(order), headers=keyed).status_code == 200


def test_one_key_starts_one_attempt(client: Client, order: Order) -> None:
    keyed = {"Idempotency-Key": "start-to-pay-this-one"}
    first, again = (client.post(pay(order), headers=keyed) for _ in range(2))
    assert first.content == again.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Payment.objects.count() == 1


def test_another_s_order_is_not_there(client: Client, own_order: Order, order: Order) -> None:
    stranger = Client()
    stranger.force_login(User.objects.create_user("max@example.com"))
    for who in (client, stranger):
        assert who.post(pay(own_order)).status_code == 404
        assert who.get(pay(own_order)).status_code == 404
    assert client.post(f"{API}orders/no-such-order/payment/").status_code == 404
    assert not Payment.objects.exists()


# --- A card that is kept -------------------------------------------------------------------------


def test_an_order_is_paid_with_a_kept_card(buyer: Client, own_order: Order, keep: Callable[..., str]) -> None:
    card = keep()
    paid = with_card(buyer, own_order, card).json()
    assert (paid["order_status"], paid["next_action"], paid["to_pay"]) == ("paid", None, None)
    assert log(own_order) == ["placed", "paid"]
    again = with_card(buyer, own_order, card)
    assert (again.status_code, again.json()["code"]) == (409, "payment_closed")
    assert Payment.objects.get().amount == own_order.total


def test_a_bank_that_wants_to_be_asked_is_where_to_go_next(
    buyer: Client, own_order: Order, keep: Callable[..., str], sandbox_url: str, provider: stripe.StripeClient
) -> None:
    card = keep("pm_card_authenticationRequiredSetupForOffSession")
    answer = with_card(buyer, own_order, card, return_url="com.example.breakwater://paid").json()
    assert answer["next_action"].startswith(f"{sandbox_url}/stripe/3ds/")
    assert (answer["order_status"], answer["to_pay"]["amount"]) == ("pending", "28.90")
    intent = provider.v1.payment_intents.retrieve(Payment.objects.get().intent_id)
    assert intent.next_action.redirect_to_url.return_url.startswith("com.example.breakwater://paid")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://example.com/", "intent://x", "https://a b"])
def test_a_way_back_is_a_page_or_an_app(
    buyer: Client, own_order: Order, keep: Callable[..., str], url: str
) -> None:
    answer = with_card(buyer, own_order, keep(), return_url=url)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "/return_url")
    assert now(own_order).status == Order.Status.PENDING


def test_a_kept_card_that_is_declined_is_told_why_and_another_pays(
    buyer: Client, own_order: Order, keep: Callable[..., str]
) -> None:
    answer = with_card(buyer, own_order, keep("pm_card_chargeCustomerFail"))
    assert (answer.status_code, answer.json()["code"]) == (402, "payment_refused")
    assert "Your card was declined" in answer.json()["detail"]
    assert log(own_order) == ["placed", "payment_declined"]
    assert with_card(buyer, own_order, keep()).json()["order_status"] == "paid"


def test_another_s_card_and_another_s_order_pay_nothing(
    client: Client, buyer: Client, own_order: Order, order: Order, keep: Callable[..., str]
) -> None:
    theirs = keep(owner=User.objects.create_user("max@example.com"))
    answer = with_card(buyer, own_order, theirs)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_card")
    assert with_card(buyer, order, keep()).status_code == 404  # a guest's
    assert with_card(client, own_order, keep()).status_code == 401
    assert now(own_order).status == Order.Status.PENDING


# --- The account's cards -------------------------------------------------------------------------


def test_cards_are_listed_added_and_removed(
    buyer: Client, keep: Callable[..., str], provider: stripe.StripeClient
) -> None:
    assert buyer.get(CARDS).json() == []
    added = buyer.post(CARDS)
    assert (added.status_code, added.json()["client_secret"][:5]) == (201, "seti_")
    card = keep()
    (shown,) = buyer.get(CARDS).json()
    assert (shown["id"], shown["name"]) == (card, "Visa ···· 4242")
    gone = buyer.delete(f"{CARDS}{card}/")
    assert (gone.status_code, gone.content) == (204, b"")
    assert provider.v1.payment_methods.retrieve(card).customer is None
    assert buyer.delete(f"{CARDS}{card}/").status_code == 404


def test_nobody_sees_or_removes_another_s_cards(
    client: Client, buyer: Client, keep: Callable[..., str], provider: stripe.StripeClient
) -> None:
    card = keep(owner=User.objects.create_user("max@example.com"))
    assert buyer.get(CARDS).json() == []
    assert buyer.delete(f"{CARDS}{card}/").json()["code"] == "no_such_card"
    assert provider.v1.payment_methods.retrieve(card).customer
    assert client.get(CARDS).status_code == client.delete(f"{CARDS}{card}/").status_code == 401


def test_where_accounts_keep_no_cards_there_are_none_as_the_schema_says(
    buyer: Client, own_order: Order, settings: Any
) -> None:
    settings.SAVED_CARDS = False
    answers = [buyer.get(CARDS), buyer.post(CARDS), buyer.delete(f"{CARDS}pm_x/")]
    answers.append(with_card(buyer, own_order, "pm_x"))
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(404, "not_found")] * 4
    operations = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"][CARDS]
    assert all("404" in operations[method]["responses"] for method in ("get", "post"))


def test_cards_of_a_provider_that_is_away_are_not_told(
    buyer: Client, keep: Callable[..., str], settings: Any
) -> None:
    keep()
    away(settings)
    answer = buyer.get(CARDS)
    assert (answer.status_code, answer.json()["code"]) == (503, "payment_provider_unavailable")


def test_a_payment_takes_few_queries(
    client: Client, order: Order, django_assert_max_num_queries: Callable
) -> None:
    with django_assert_max_num_queries(20):
        client.post(pay(order))
    with django_assert_max_num_queries(5):  # stream, order, attempt; after the wait both states, all attempts
        client.get(pay(order))
    assert order.due == Money("52.90", "EUR")
