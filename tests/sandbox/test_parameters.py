import http.client
import json
import socket

import pytest
import requests
import stripe

AUTOMATIC = "automatic_payment_methods"
INTENTS = "/sandbox/stripe/v1/payment_intents"
AUTHORIZED = {"Authorization": "Bearer sk_test_sandbox"}
FORM = {**AUTHORIZED, "Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"amout": 5}, "parameter_unknown", "amout"),
        ({"shipping": {"name": "A", "address": {"town": "B"}}}, "parameter_unknown", "shipping[address][town]"),
        ({"automatic_payment_methods": {"enabled": True, "x": 1}}, "parameter_unknown", "automatic_payment_methods[x]"),
        ({"payment_method_types": ["card"]}, "parameter_unknown", "payment_method_types"),
        ({"currency": None}, "parameter_missing", "currency"),
        ({AUTOMATIC: {"allow_redirects": "never"}}, "parameter_missing", f"{AUTOMATIC}[enabled]"),
        ({"amount": "twelve"}, "parameter_invalid_integer", "amount"),
        ({"amount": {"a": 1}}, None, "amount"),
        ({"confirm": "yes"}, None, "confirm"),
        ({"capture_method": "later"}, None, "capture_method"),
        ({"shipping": "here"}, None, "shipping"),
        ({"description": ""}, "parameter_invalid_empty", "description"),
        ({"metadata": {"a": {"b": "c"}}}, None, "metadata[a]"),
        ({"expand": "customer"}, None, "expand"),
        ({"application_fee_amount": 10}, "sandbox_not_played", "application_fee_amount"),
        ({"payment_method": "pm_nothing"}, "resource_missing", "payment_method"),
        ({"customer": "cus_nothing"}, "resource_missing", "customer"),
        ({"off_session": True}, None, "off_session"),
    ],
)  # fmt: skip
def test_what_stripe_would_not_know_is_refused(client, params, code, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create({"amount": 2000, "currency": "eur"} | params)
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)
    assert refused.value.request_id.startswith("req_")


def test_an_unknown_parameter_is_refused_everywhere(client):
    intent = client.v1.payment_intents.create({"amount": 2000, "currency": "eur"})
    calls = [
        lambda bad: client.v1.payment_intents.list(bad),
        lambda bad: client.v1.payment_intents.retrieve(intent.id, bad),
        lambda bad: client.v1.payment_intents.cancel(intent.id, bad),
        lambda bad: client.v1.customers.create(bad),
        lambda bad: client.v1.refunds.create(bad),
        lambda bad: client.v1.events.list(bad),
        lambda bad: client.v1.balance.retrieve(bad),
    ]
    for call in calls:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            call({"surprise": "1"})
        assert refused.value.code == "parameter_unknown"


@pytest.mark.parametrize(
    "kind", ["payment_intents", "customers", "refunds", "charges", "events", "setup_intents"]
)
def test_what_does_not_exist_is_a_404(client, kind):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        getattr(client.v1, kind).retrieve("xx_nothing")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


@pytest.mark.parametrize("key", ["sk_test_wrong", "pk_test_wrong", "x"])
def test_a_wrong_key_is_a_401(till, key):
    with pytest.raises(stripe.AuthenticationError) as refused:
        till.client(key).v1.customers.list()
    assert refused.value.http_status == 401
    assert key not in str(refused.value) or len(key) < 8


def test_no_key_is_a_401(till):
    answer = requests.get(f"{till.url}/sandbox/stripe/v1/customers", timeout=5)
    assert answer.status_code == 401
    assert "did not provide an API key" in answer.json()["error"]["message"]


def test_the_key_may_come_as_basic_authentication(till):
    answer = requests.get(f"{till.url}/sandbox/stripe/v1/balance", auth=("sk_test_sandbox", ""), timeout=5)
    assert answer.json()["object"] == "balance"


def test_a_publishable_key_sees_and_confirms_only_with_the_client_secret(till, client):
    intent = client.v1.payment_intents.create(
        {"amount": 2000, "currency": "eur", "metadata": {"secret": "1"}}
    )
    browser = till.client("pk_test_sandbox")
    for call in (
        lambda: browser.v1.payment_intents.create({"amount": 2000, "currency": "eur"}),
        lambda: browser.v1.payment_intents.cancel(intent.id),
        lambda: browser.v1.customers.list(),
        lambda: browser.v1.refunds.create({"payment_intent": intent.id}),
    ):
        with pytest.raises(stripe.AuthenticationError):
            call()
    for secret in ({}, {"client_secret": "pi_x_secret_y"}):
        with pytest.raises(stripe.InvalidRequestError):
            browser.v1.payment_intents.retrieve(intent.id, secret)
        with pytest.raises(stripe.InvalidRequestError):
            browser.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", **secret})
    secret = {"client_secret": intent.client_secret}
    seen = browser.v1.payment_intents.retrieve(intent.id, secret).to_dict()
    assert seen["status"] == "requires_payment_method"
    assert not {"metadata", "customer", "latest_charge"} & seen.keys()
    paid = browser.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", **secret})
    assert paid.status == "succeeded"


@pytest.mark.parametrize(
    "body",
    [
        b"amount=%ff",
        b"\xff\xfe=1",
        b"amount[=1",
        b"[]=1",
        b"a[b]=1&a=2",
        b"a=2&a[b]=1",
        b"a" + b"[b]" * 40 + b"=1",
        b"&".join(b"k%d=1" % n for n in range(2000)),
        b"amount=99999999999999999999999999&currency=eur",
        b"amount=500&currency=eur&metadata[]=1&metadata[][]=2",
        b"amount=500&currency=eur&expand[x]=customer",
        b"amount=500&currency=%00",
        b"{}",
    ],
)
def test_a_malformed_body_is_a_400_in_stripes_shape(till, body):
    answer = requests.post(till.url + INTENTS, data=body, headers=FORM, timeout=5)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.headers["Request-Id"]


def test_another_content_type_is_a_400(till):
    answer = requests.post(till.url + INTENTS, json={"amount": 500}, headers=AUTHORIZED, timeout=5)
    assert answer.status_code == 400
    assert "content type" in answer.json()["error"]["message"]


def test_an_oversized_body_is_refused(till):
    answer = requests.post(till.url + INTENTS, data=b"a" * 300_000, headers=FORM, timeout=5)
    assert answer.status_code == 413
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/nothing",
        "/v1/payment_intents/a/b/c",
        "/v1/%00",
        "/v1/payment_intents/%ff%fe",
        "/v2/core/events",
        "/",
    ],
)
def test_an_unknown_address_is_a_404_in_stripes_shape(till, path):
    answer = requests.get(f"{till.url}/sandbox/stripe{path}", headers=AUTHORIZED, timeout=5)
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_browsers_of_other_origins_may_ask(till):
    answer = requests.options(till.url + INTENTS, timeout=5)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_caller_that_hangs_up_disturbs_nobody(till, client):
    with socket.create_connection(("127.0.0.1", till.port)) as connection:
        connection.sendall(
            b"POST " + INTENTS.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\namount="
        )
    raw = http.client.HTTPConnection("127.0.0.1", till.port, timeout=5)
    raw.request("GET", "/sandbox/stripe/v1/balance", headers=AUTHORIZED)
    assert json.loads(raw.getresponse().read())["object"] == "balance"
