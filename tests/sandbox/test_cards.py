import re

import pytest
import stripe

from shop.sandbox.cards import CARDS

DECLINES = [
    ("4000000000000002", "card_declined", "generic_decline", "Your card was declined."),
    ("4000000000009995", "card_declined", "insufficient_funds", "Your card has insufficient funds."),
    ("4000000000009987", "card_declined", "lost_card", "Your card was declined."),
    ("4000000000009979", "card_declined", "stolen_card", "Your card was declined."),
    ("4000000000000069", "expired_card", "expired_card", "Your card has expired."),
    ("4000000000000127", "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."),
    (
        "4000000000000119",
        "processing_error",
        "processing_error",
        "An error occurred while processing your card.",
    ),
    (
        "4000000000006975",
        "card_declined",
        "card_velocity_exceeded",
        "Your card was declined for making repeated",
    ),
    ("4100000000000019", "card_declined", "fraudulent", "Your card was declined."),
]
REFUSED_AT_ONCE = [
    ({"number": "4242424242424241"}, "incorrect_number", "number"),
    ({"number": "42"}, "incorrect_number", "number"),
    ({"number": "abcd efgh"}, "incorrect_number", "number"),
    ({"exp_month": 13}, "invalid_expiry_month", "exp_month"),
    ({"exp_month": 0}, "invalid_expiry_month", "exp_month"),
    ({"exp_year": 2020}, "invalid_expiry_year", "exp_year"),
    ({"exp_year": 3000}, "invalid_expiry_year", "exp_year"),
    ({"cvc": "12"}, "invalid_cvc", "cvc"),
    ({"cvc": "1234"}, "invalid_cvc", "cvc"),
    ({"cvc": "abc"}, "invalid_cvc", "cvc"),
]


def card(number="4242424242424242", **changes):
    details = {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"} | changes
    return {"type": "card", "card": details}


@pytest.mark.parametrize(("number", "code", "decline_code", "message"), DECLINES)
def test_each_declining_card_declines_as_documented(client, pay, number, code, decline_code, message):
    with pytest.raises(stripe.CardError) as declined:
        pay(None, payment_method_data=card(number))
    error = declined.value.error
    assert (declined.value.http_status, error.type) == (402, "card_error")
    assert (error.code, error.decline_code) == (code, decline_code)
    assert error.message.startswith(message)
    intent = client.v1.payment_intents.retrieve(error.payment_intent.id, {"expand": ["latest_charge"]})
    assert intent.status == "requires_payment_method"
    last = intent.last_payment_error
    assert (last.type, last.code, last.decline_code, last.message) == (
        "card_error",
        code,
        decline_code,
        error.message,
    )
    assert (intent.latest_charge.status, intent.latest_charge.failure_code) == ("failed", code)
    assert intent.latest_charge.id == error.charge == last.charge


@pytest.mark.parametrize(("wrong", "code", "param"), REFUSED_AT_ONCE)
def test_a_mistyped_card_is_refused_before_it_is_a_payment_method(client, wrong, code, param):
    with pytest.raises(stripe.CardError) as refused:
        client.v1.payment_methods.create(card(**wrong))
    assert refused.value.http_status == 402
    assert (refused.value.code, refused.value.param) == (code, param)


def test_a_real_looking_card_is_refused_as_not_a_test_card(client):
    with pytest.raises(stripe.CardError) as refused:
        client.v1.payment_methods.create(card("4539578763621486"))
    assert refused.value.error.decline_code == "test_mode_live_card"


@pytest.mark.parametrize(
    ("number", "brand", "cvc"),
    [
        ("4242 4242 4242 4242", "visa", "123"),
        ("5555555555554444", "mastercard", "123"),
        ("378282246310005", "amex", "1234"),
        ("6011111111111117", "discover", "123"),
        ("3056930009020004", "diners", "123"),
        ("3566002020360505", "jcb", "123"),
        ("6200000000000005", "unionpay", "123"),
    ],
)
def test_each_brand_is_recognised_and_charged(pay, number, brand, cvc):
    intent = pay(None, payment_method_data=card(number, cvc=cvc), expand=["payment_method", "latest_charge"])
    assert intent.status == "succeeded"
    assert intent.payment_method.card.brand == brand
    assert intent.payment_method.card.last4 == re.sub(r"\D", "", number)[-4:]
    assert intent.latest_charge.payment_method_details.card.checks.cvc_check == "pass"


@pytest.mark.parametrize("card_", [card for card in CARDS if card.shortcut], ids=lambda card: card.shortcut)
def test_every_shortcut_stands_for_its_card(client, card_):
    method = client.v1.payment_methods.retrieve(f"pm_card_{card_.shortcut}")
    assert method.id != f"pm_card_{card_.shortcut}"
    assert (method.card.last4, method.card.brand) == (card_.number[-4:], card_.brand)


def test_a_token_stands_for_its_card(client):
    method = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_mastercard"}})
    assert method.card.brand == "mastercard"


def test_no_card_number_is_kept_of_what_was_mistyped(till, client):
    with pytest.raises(stripe.CardError):
        client.v1.payment_methods.create(card("4539578763621486"))
    assert b"4539578763621486" not in till.database.read_bytes()
