import time

import pytest
import requests


def test_knobs_hold_for_other_processes_and_after_a_restart(own_till):
    own_till.knobs(latency_ms=120, webhook_loss=0.25)
    own_till.kill()
    own_till.start()
    knobs = requests.get(f"{own_till.url}/sandbox/knobs", timeout=5).json()
    assert (knobs["latency_ms"], knobs["webhook_loss"], knobs["fail_rate"]) == (120, 0.25, 0.0)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"latency": 1}, "no knob named 'latency'"),
        ({"latency_ms": -1}, "between 0 and 30000"),
        ({"latency_ms": 1e9}, "whole number"),
        ({"latency_ms": "soon"}, "whole number"),
        ({"fail_rate": 1.5}, "between 0 and 1"),
        ({"fail_rate": "nan"}, "between 0 and 1"),
        ({"webhook_reorder": "maybe"}, "true or false"),
        ({"gannet_fault": "storm"}, "one of none, error, hang, garbage"),
        ([1], "JSON object"),
    ],
)
def test_a_knob_outside_its_bounds_is_refused_in_words(till, values, words):
    answer = requests.post(f"{till.url}/sandbox/knobs", json=values, timeout=5)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_one_wrong_knob_turns_none(till):
    before = requests.get(f"{till.url}/sandbox/knobs", timeout=5).json()
    requests.post(f"{till.url}/sandbox/knobs", json={"webhook_duplicates": 3, "fail_rate": 7}, timeout=5)
    assert requests.get(f"{till.url}/sandbox/knobs", timeout=5).json() == before


def test_latency_slows_every_call(own_till):
    own_till.knobs(latency_ms=400)
    started = time.monotonic()
    own_till.client().v1.balance.retrieve()
    assert time.monotonic() - started >= 0.4


def test_another_site_cannot_turn_the_knobs(till):
    answer = requests.post(
        f"{till.url}/sandbox/knobs",
        data={"fail_rate": "1"},
        headers={"Sec-Fetch-Site": "cross-site"},
        timeout=5,
    )
    assert answer.status_code == 403


def test_a_receipt_says_what_was_paid(till, client, pay):
    charge = client.v1.charges.retrieve(pay().latest_charge)
    page = requests.get(charge.receipt_url, timeout=5)
    assert page.ok
    assert "€20.00" in page.text
    assert "Visa ending in 4242" in page.text
