import pytest
import requests
import stripe

BACK = {"return_url": "https://shop.example/back"}
CHALLENGED = {"payment_method": "pm_card_authenticationRequired", "confirm": True}


def test_a_card_set_up_belongs_to_the_customer_and_pays_later(client, pay):
    customer = client.v1.customers.create()
    intent = client.v1.setup_intents.create({"customer": customer.id})
    assert intent.status == "requires_payment_method"
    intent = client.v1.setup_intents.confirm(intent.id, {"payment_method": "pm_card_visa", **BACK})
    assert (intent.status, intent.usage) == ("succeeded", "off_session")
    method = client.v1.payment_methods.retrieve(intent.payment_method)
    assert method.customer == customer.id
    assert pay(method.id, customer=customer.id, off_session=True).status == "succeeded"


def test_a_card_authenticated_at_setup_is_not_asked_again(client, pay):
    customer = client.v1.customers.create()
    intent = client.v1.setup_intents.create(
        {"customer": customer.id, "payment_method": "pm_card_authenticationRequired", "confirm": True, **BACK}
    )
    assert intent.status == "requires_action"
    done = requests.post(
        intent.next_action.redirect_to_url.url, data={"outcome": "complete"}, timeout=5, allow_redirects=False
    )
    assert f"setup_intent={intent.id}" in done.headers["location"]
    assert "redirect_status=succeeded" in done.headers["location"]
    intent = client.v1.setup_intents.retrieve(intent.id, {"expand": ["latest_attempt"]})
    assert (intent.status, intent.latest_attempt.status) == ("succeeded", "succeeded")
    assert pay(intent.payment_method, customer=customer.id, off_session=True).status == "succeeded"


def test_a_failed_challenge_leaves_the_setup_open(client):
    intent = client.v1.setup_intents.create(CHALLENGED | BACK)
    requests.post(
        intent.next_action.redirect_to_url.url, data={"outcome": "fail"}, timeout=5, allow_redirects=False
    )
    intent = client.v1.setup_intents.retrieve(intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_setup_error.code == "setup_intent_authentication_failure"


def test_a_declined_setup_says_why(client):
    intent = client.v1.setup_intents.create()
    with pytest.raises(stripe.CardError) as declined:
        client.v1.setup_intents.confirm(intent.id, {"payment_method": "pm_card_visa_chargeDeclined", **BACK})
    assert declined.value.error.setup_intent.status == "requires_payment_method"
    assert client.v1.setup_intents.retrieve(intent.id).last_setup_error.decline_code == "generic_decline"


def test_a_card_may_attach_and_then_decline(client, pay):
    customer = client.v1.customers.create()
    intent = client.v1.setup_intents.create(
        {"customer": customer.id, "payment_method": "pm_card_chargeCustomerFail", "confirm": True, **BACK}
    )
    assert intent.status == "succeeded"
    with pytest.raises(stripe.CardError):
        pay(intent.payment_method, customer=customer.id)


def test_a_cancelled_setup_is_closed(client):
    intent = client.v1.setup_intents.create()
    assert client.v1.setup_intents.cancel(intent.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.setup_intents.confirm(intent.id, {"payment_method": "pm_card_visa", **BACK})
    assert refused.value.code == "setup_intent_unexpected_state"
