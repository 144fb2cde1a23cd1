import asyncio

import pytest
import stripe


def test_a_payment_goes_from_created_to_succeeded(client):
    intent = client.v1.payment_intents.create({"amount": 2000, "currency": "eur", "metadata": {"order": "7"}})
    assert intent.status == "requires_payment_method"
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    assert intent.automatic_payment_methods.enabled

    intent = client.v1.payment_intents.update(intent.id, {"payment_method": "pm_card_visa", "amount": 2500})
    assert (intent.status, intent.amount) == ("requires_confirmation", 2500)

    intent = client.v1.payment_intents.confirm(
        intent.id,
        {"return_url": "https://shop.example/back", "expand": ["latest_charge.balance_transaction"]},
    )
    assert (intent.status, intent.amount_received) == ("succeeded", 2500)
    charge = intent.latest_charge
    assert (charge.amount_captured, charge.paid, charge.metadata.to_dict()) == (2500, True, {"order": "7"})
    assert charge.balance_transaction.net == 2500 - charge.balance_transaction.fee
    assert client.v1.payment_intents.retrieve(intent.id).latest_charge == charge.id


async def test_the_asynchronous_client_pays_too(till):
    http_client = stripe.AIOHTTPClient()
    client = till.client(http_client=http_client)
    try:
        made = await asyncio.gather(
            *(
                client.v1.payment_intents.create_async({"amount": 500 + n, "currency": "eur"})
                for n in range(8)
            )
        )
        params = {"payment_method": "pm_card_visa", "return_url": "https://shop.example/back"}
        paid = await asyncio.gather(
            *(client.v1.payment_intents.confirm_async(intent.id, params) for intent in made)
        )
    finally:
        await http_client.close_async()
    assert [intent.status for intent in paid] == ["succeeded"] * 8
    assert [intent.amount_received for intent in paid] == list(range(500, 508))


def test_a_manual_payment_is_held_then_captured_in_part(client, pay):
    intent = pay(capture_method="manual")
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 2000, 0)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 2001})
    assert refused.value.param == "amount_to_capture"

    intent = client.v1.payment_intents.capture(
        intent.id, {"amount_to_capture": 1500, "expand": ["latest_charge"]}
    )
    assert (intent.status, intent.amount_received, intent.amount_capturable) == ("succeeded", 1500, 0)
    assert (intent.latest_charge.amount_captured, intent.latest_charge.amount_refunded) == (1500, 500)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.capture(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"


@pytest.mark.parametrize("manual", [False, True])
def test_an_unpaid_payment_can_be_cancelled_and_then_nothing_else(client, pay, manual):
    created = (
        pay(capture_method="manual")
        if manual
        else client.v1.payment_intents.create({"amount": 900, "currency": "usd"})
    )
    intent = client.v1.payment_intents.cancel(created.id, {"cancellation_reason": "abandoned"})
    assert (intent.status, intent.cancellation_reason, intent.amount_capturable) == (
        "canceled",
        "abandoned",
        0,
    )
    assert intent.canceled_at
    for again in (
        lambda: client.v1.payment_intents.cancel(intent.id),
        lambda: client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}),
        lambda: client.v1.payment_intents.capture(intent.id),
        lambda: client.v1.payment_intents.update(intent.id, {"amount": 5000}),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            again()
        assert refused.value.code == "payment_intent_unexpected_state"
        assert refused.value.error.payment_intent.status == "canceled"


def test_a_paid_payment_is_neither_cancelled_nor_confirmed_again(client, pay):
    intent = pay()
    for again in (client.v1.payment_intents.cancel, client.v1.payment_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            again(intent.id)
        assert refused.value.code == "payment_intent_unexpected_state"
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_a_declined_payment_can_be_tried_again_with_another_card(client):
    intent = client.v1.payment_intents.create({"amount": 2000, "currency": "eur"})
    back = {"return_url": "https://shop.example/back"}
    with pytest.raises(stripe.CardError):
        client.v1.payment_intents.confirm(
            intent.id, {"payment_method": "pm_card_visa_chargeDeclined", **back}
        )
    intent = client.v1.payment_intents.retrieve(intent.id)
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error.payment_method.card.last4 == "0002"
    failed = intent.latest_charge

    intent = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", **back})
    assert (intent.status, intent.last_payment_error) == ("succeeded", None)
    assert intent.latest_charge != failed
    charges = client.v1.charges.list({"payment_intent": intent.id})
    assert [charge.status for charge in charges.data] == ["succeeded", "failed"]


def test_confirming_without_a_method_or_a_way_back_is_refused(client):
    intent = client.v1.payment_intents.create({"amount": 2000, "currency": "eur"})
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        client.v1.payment_intents.confirm(intent.id)
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "eur", "amount_too_small"),
        (29, "gbp", "amount_too_small"),
        (49, "jpy", "amount_too_small"),
        (100_000_000, "eur", "amount_too_large"),
        (0, "eur", "parameter_invalid_integer"),
        (-5, "eur", "parameter_invalid_integer"),
        ("12.5", "eur", "parameter_invalid_integer"),
        (500, "xyz", None),
    ],
)
def test_amounts_and_currencies_have_limits(client, amount, currency, code):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create({"amount": amount, "currency": currency})
    assert refused.value.code == code
    assert refused.value.param == ("currency" if code is None else "amount")


def test_a_currency_without_cents_is_charged_in_whole_units(pay):
    assert pay(amount=50, currency="JPY").currency == "jpy"


def test_a_delayed_payment_waits_and_then_succeeds_or_fails(own_till, receiver):
    own_till.knobs(processing_ms=300)
    client = own_till.client()
    params = {"amount": 900, "currency": "eur", "confirm": True, "return_url": "https://shop.example/back"}
    good = client.v1.payment_intents.create({**params, "payment_method": "pm_card_delayedSuccess"})
    bad = client.v1.payment_intents.create({**params, "payment_method": "pm_card_delayedFailure"})
    assert (good.status, bad.status) == ("processing", "processing")
    receiver.wait_for("payment_intent.succeeded", "payment_intent.payment_failed")
    assert client.v1.payment_intents.retrieve(good.id).status == "succeeded"
    assert client.v1.payment_intents.retrieve(bad.id).status == "requires_payment_method"
    assert receiver.types().count("payment_intent.processing") == 2


def test_a_card_kept_for_later_pays_again_off_session(client, pay):
    customer = client.v1.customers.create({"email": "ann@example.com"})
    first = pay(customer=customer.id, setup_future_usage="off_session")
    again = pay(first.payment_method, customer=customer.id, off_session=True)
    assert again.status == "succeeded"
    assert [m.id for m in client.v1.customers.payment_methods.list(customer.id).data] == [
        first.payment_method
    ]
    with pytest.raises(stripe.InvalidRequestError, match="belongs to the Customer"):
        pay(first.payment_method)


def test_a_card_not_kept_pays_once(pay):
    first = pay()
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        pay(first.payment_method)


def test_metadata_is_merged_key_by_key(client):
    intent = client.v1.payment_intents.create(
        {"amount": 900, "currency": "eur", "metadata": {"a": "1", "b": "2"}}
    )
    intent = client.v1.payment_intents.update(intent.id, {"metadata": {"b": "", "c": "3"}})
    assert intent.metadata.to_dict() == {"a": "1", "c": "3"}
    assert client.v1.payment_intents.update(intent.id, {"metadata": ""}).metadata.to_dict() == {}
    for wrong in ({"k" * 41: "v"}, {"k": "v" * 501}, {f"k{n}": "v" for n in range(51)}):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.payment_intents.update(intent.id, {"metadata": wrong})
