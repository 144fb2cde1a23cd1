import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import stripe

INTENT = {"amount": 2000, "currency": "eur"}
BACK = "https://shop.example/back"


def post(till, key, path="payment_intents", **params):
    headers = {"Authorization": "Bearer sk_test_sandbox", "Idempotency-Key": key}
    return requests.post(f"{till.url}/sandbox/stripe/v1/{path}", data=params, headers=headers, timeout=20)


def test_the_same_request_is_answered_from_memory(till):
    first, second = (post(till, "same", **INTENT) for _ in range(2))
    assert first.json() == second.json()
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Idempotency-Key"] == "same"


def test_a_decline_is_answered_again_with_its_status(till, client):
    params = {
        **INTENT,
        "payment_method": "pm_card_visa_chargeDeclined",
        "confirm": "true",
        "return_url": BACK,
    }
    first, second = (post(till, "declined", **params) for _ in range(2))
    assert (first.status_code, second.status_code) == (402, 402)
    assert first.json() == second.json()
    intent = first.json()["error"]["payment_intent"]["id"]
    assert len(client.v1.charges.list({"payment_intent": intent}).data) == 1


def test_another_body_or_address_under_the_same_key_is_refused(till):
    post(till, "taken", **INTENT)
    for answer in (
        post(till, "taken", amount=2001, currency="eur"),
        post(till, "taken", "customers", email="a@b.example"),
    ):
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "idempotency_error"
        assert "Idempotent-Replayed" not in answer.headers


def test_the_official_client_raises_its_idempotency_error(client):
    client.v1.payment_intents.create(INTENT, {"idempotency_key": "client"})
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.create({"amount": 3000, "currency": "eur"}, {"idempotency_key": "client"})


def test_a_refused_parameter_leaves_the_key_free(till):
    assert post(till, "free", amount="many", currency="eur").status_code == 400
    assert post(till, "free", **INTENT).status_code == 200


def test_a_key_that_is_too_long_is_refused(till):
    assert post(till, "k" * 256, **INTENT).status_code == 400
    assert post(till, "k" * 255, **INTENT).status_code == 200


def test_fifty_at_once_make_one_payment(own_till):
    own_till.knobs(latency_ms=200)
    params = {**INTENT, "payment_method": "pm_card_visa", "confirm": "true", "return_url": BACK}
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: post(own_till, "fifty", **params), range(50)))
    codes = Counter(answer.status_code for answer in answers)
    assert codes[200] >= 1
    assert set(codes) <= {200, 409}
    assert codes[409] >= 1
    busy = next(answer for answer in answers if answer.status_code == 409)
    assert busy.json()["error"]["code"] == "idempotency_key_in_use"
    own_till.knobs(latency_ms=0)
    assert len({answer.json()["id"] for answer in answers if answer.ok}) == 1
    client = own_till.client()
    assert len(client.v1.payment_intents.list().data) == len(client.v1.charges.list().data) == 1


def test_fifty_clients_that_try_again_all_hear_the_same(own_till):
    client = own_till.client(max_network_retries=8)
    with ThreadPoolExecutor(50) as pool:
        made = pool.map(
            lambda _: client.v1.payment_intents.create(INTENT, {"idempotency_key": "again"}).id, range(50)
        )
        assert len(set(made)) == 1


def test_a_call_whose_answer_was_lost_is_not_done_twice(own_till):
    own_till.knobs(lost_answer_rate=1)
    assert post(own_till, "lost", **INTENT).status_code == 500
    own_till.knobs(lost_answer_rate=0)
    again = post(own_till, "lost", **INTENT)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [intent.id for intent in own_till.client().v1.payment_intents.list().data] == [again.json()["id"]]


def test_a_call_that_failed_before_anything_happened_can_be_repeated(own_till):
    own_till.knobs(fail_rate=1)
    failed = post(own_till, "failed", **INTENT)
    assert (failed.status_code, failed.json()["error"]["type"]) == (500, "api_error")
    assert own_till.client(max_network_retries=0)
    own_till.knobs(fail_rate=0)
    assert post(own_till, "failed", **INTENT).status_code == 200
    assert len(own_till.client().v1.payment_intents.list().data) == 1


def test_a_key_outlives_the_process(own_till):
    first = post(own_till, "outlives", **INTENT)
    own_till.kill()
    own_till.start()
    second = post(own_till, "outlives", **INTENT)
    assert second.json() == first.json()
    assert second.headers["Idempotent-Replayed"] == "true"


def test_a_key_that_was_in_use_at_a_crash_comes_free_again(own_till):
    own_till.knobs(latency_ms=1500)
    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(post, own_till, "crash", **INTENT)
        time.sleep(0.7)
        own_till.kill()
        with pytest.raises(requests.ConnectionError):
            lost.result()
    own_till.start()
    own_till.knobs(latency_ms=0)
    client = own_till.client(max_network_retries=12)
    intent = client.v1.payment_intents.create(INTENT, {"idempotency_key": "crash"})
    assert [found.id for found in client.v1.payment_intents.list().data] == [intent.id]
