"""Cards that an account keeps at the provider: listed, added, removed, and paid with."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe
from asgiref.sync import async_to_sync
from django.test import Client

from accounts.models import User
from shop.orders.models import Order
from shop.payments.customers import ProviderCustomer, customer_of, forget_customers
from tests.payments.steps import log, now

pytestmark = pytest.mark.django_db(transaction=True)
CARDS = "/account/cards/"


@pytest.fixture(autouse=True)
def gateway_asks_the_sandbox(sandbox_url: str, settings: Any) -> None:
    settings.STRIPE_API_BASE = f"{sandbox_url}/stripe"
    settings.SAVED_CARDS = True


@pytest.fixture
def provider(sandbox_url: str) -> stripe.StripeClient:
    return stripe.StripeClient("sk_test_sandbox", base_addresses={"api": f"{sandbox_url}/stripe"})


@pytest.fixture
def keep(provider: stripe.StripeClient, customer: User) -> Callable[..., str]:
    """What the provider's form does; returns the card's id."""

    def keep(card: str = "pm_card_visa", owner: User | None = None) -> str:
        wanted = {"customer": async_to_sync(customer_of)(owner or customer), "confirm": True}
        wanted |= {"payment_method": card, "return_url": "http://testserver/"}
        return provider.v1.setup_intents.create(wanted).payment_method

    return keep


def test_an_account_adds_its_first_card(signed_in: Client, customer: User) -> None:
    assert "No card kept" in signed_in.get(CARDS).text
    page = signed_in.get(f"{CARDS}add/").text
    assert 'data-secret="seti_' in page
    kept = ProviderCustomer.objects.get()
    assert (kept.user, kept.customer_id[:4]) == (customer, "cus_")
    signed_in.get(f"{CARDS}add/")
    assert ProviderCustomer.objects.get().customer_id == kept.customer_id


def test_a_kept_card_is_named_and_removed(
    signed_in: Client, keep: Callable[..., str], provider: stripe.StripeClient
) -> None:
    card = keep()
    assert "Visa ···· 4242" in signed_in.get(CARDS).text
    page = signed_in.post(f"{CARDS}{card}/remove/", follow=True).text
    assert "no longer kept" in page
    assert "4242" not in page
    assert provider.v1.payment_methods.retrieve(card).customer is None


def test_nobody_removes_another_s_card(
    signed_in: Client, keep: Callable[..., str], provider: stripe.StripeClient
) -> None:
    card = keep(owner=User.objects.create_user("max@example.com", "a-long-passphrase"))
    assert "not kept with your account" in signed_in.post(f"{CARDS}{card}/remove/", follow=True).text
    assert provider.v1.payment_methods.retrieve(card).customer


def test_an_order_is_paid_with_a_kept_card(
    signed_in: Client, own_order: Order, keep: Callable[..., str]
) -> None:
    card = keep()
    pay = f"/checkout/{own_order.public_id}/"
    assert f'value="{card}"' in signed_in.get(f"{pay}pay/").text
    answer = signed_in.post(f"{pay}pay-with/", {"card": card}, follow=True)
    assert answer.redirect_chain[-1][0] == own_order.get_absolute_url()
    assert log(own_order) == ["placed", "paid"]
    again = signed_in.post(f"{pay}pay-with/", {"card": card}, follow=True)
    assert log(own_order) == ["placed", "paid"]
    assert again.redirect_chain[-1][0] == own_order.get_absolute_url()


def test_a_bank_that_wants_to_be_asked_has_a_page_of_its_own(
    signed_in: Client, own_order: Order, keep: Callable[..., str], sandbox_url: str
) -> None:
    card = keep("pm_card_authenticationRequiredSetupForOffSession")
    answer = signed_in.post(f"/checkout/{own_order.public_id}/pay-with/", {"card": card})
    assert answer.headers["Location"].startswith(f"{sandbox_url}/stripe/3ds/")
    assert now(own_order).status == Order.Status.PENDING


def test_a_kept_card_that_is_declined_is_said_and_another_may_pay(
    signed_in: Client, own_order: Order, keep: Callable[..., str]
) -> None:
    card = keep("pm_card_chargeCustomerFail")
    pay = f"/checkout/{own_order.public_id}/"
    assert "Your card was declined" in signed_in.post(f"{pay}pay-with/", {"card": card}, follow=True).text
    assert log(own_order) == ["placed", "payment_declined"]
    signed_in.post(f"{pay}pay-with/", {"card": keep()})
    assert now(own_order).status == Order.Status.PAID


def test_another_s_card_pays_nothing(signed_in: Client, own_order: Order, keep: Callable[..., str]) -> None:
    card = keep(owner=User.objects.create_user("max@example.com", "a-long-passphrase"))
    signed_in.post(f"/checkout/{own_order.public_id}/pay-with/", {"card": card})
    assert now(own_order).status == Order.Status.PENDING


def test_a_guest_and_a_stranger_see_and_use_none(
    client: Client, own_order: Order, order: Order, keep: Callable[..., str]
) -> None:
    card = keep()
    assert client.post(f"/checkout/{own_order.public_id}/pay-with/", {"card": card}).status_code == 404
    assert client.post(f"/checkout/{order.public_id}/pay-with/", {"card": card}).status_code == 404
    assert card not in client.get(f"/checkout/{order.public_id}/pay/").text


def test_a_provider_that_is_away_is_said(signed_in: Client, keep: Callable[..., str], settings: Any) -> None:
    keep()
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    answer = signed_in.get(CARDS)
    assert (answer.status_code, "does not answer" in answer.text) == (503, True)


def test_where_it_is_off_nothing_of_it_is_there(signed_in: Client, own_order: Order, settings: Any) -> None:
    settings.SAVED_CARDS = False
    assert signed_in.get(CARDS).status_code == 404
    assert CARDS not in signed_in.get("/account/").text
    assert signed_in.post(f"/checkout/{own_order.public_id}/pay-with/", {"card": "x"}).status_code == 404


def test_who_was_deleted_at_the_provider_pays_and_keeps_cards_as_before(
    signed_in: Client, own_order: Order, keep: Callable[..., str], provider: stripe.StripeClient
) -> None:
    keep()
    gone = ProviderCustomer.objects.get().customer_id
    provider.v1.customers.delete(gone)
    assert "No card kept" in signed_in.get(CARDS).text
    assert 'data-secret="pi_' in signed_in.get(f"/checkout/{own_order.public_id}/pay/").text
    new = ProviderCustomer.objects.get().customer_id
    assert new not in (None, gone)
    assert 'data-secret="seti_' in signed_in.get(f"{CARDS}add/").text
    assert ProviderCustomer.objects.get().customer_id == new


def test_an_account_that_goes_is_deleted_at_the_provider_too(
    customer: User, keep: Callable[..., str], provider: stripe.StripeClient, settings: Any
) -> None:
    card = keep()
    kept = ProviderCustomer.objects.get().customer_id
    assert forget_customers() == 0
    customer.delete()
    right, settings.STRIPE_API_BASE = settings.STRIPE_API_BASE, "http://127.0.0.1:9"
    assert forget_customers() == 0
    settings.STRIPE_API_BASE = right
    assert forget_customers() == 1
    assert provider.v1.customers.retrieve(kept).deleted
    assert provider.v1.payment_methods.retrieve(card).customer is None
    assert not ProviderCustomer.objects.exists()
