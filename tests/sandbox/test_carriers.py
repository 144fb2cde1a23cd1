import time

import pytest
import requests

PARCEL = {"weight_g": 900, "length_mm": 300, "width_mm": 200, "height_mm": 100}


def ask(till, carrier, destination="DE", parcels=(PARCEL,), origin="DE", **options):
    body = {"origin": {"country": origin}, "destination": {"country": destination, "postal_code": "10115"}}
    options.setdefault("timeout", 5)
    return requests.post(
        f"{till.url}/sandbox/carriers/{carrier}/rates", json=body | {"parcels": list(parcels)}, **options
    )


@pytest.mark.parametrize("carrier", ["tideway", "gannet"])
def test_rates_grow_with_distance_and_weight_and_stay_the_same(till, carrier):
    def cheapest(destination="DE", **parcel):
        answer = ask(till, carrier, destination, [PARCEL | parcel]).json()
        return min(rate["amount_minor"] for rate in answer["rates"] if rate["service"] != "gannet_point")

    by_zone = [cheapest(country) for country in ("DE", "FR", "NO", "NZ")]
    assert by_zone == sorted(by_zone)
    assert len(set(by_zone)) == 4
    by_weight = [
        cheapest(weight_g=grams, length_mm=100, width_mm=100)
        for grams in (300, 900, 1900, 4000, 9000, 30_000)
    ]
    assert by_weight == sorted(by_weight)
    assert len(set(by_weight)) == 6
    assert cheapest(length_mm=1000, width_mm=600, height_mm=400) > cheapest()
    assert ask(till, carrier).json() == ask(till, carrier).json()


def test_a_rate_says_all_that_a_shop_needs(till):
    rates = ask(till, "tideway", "FR").json()["rates"]
    assert [rate["service"] for rate in rates] == ["tideway_standard", "tideway_express"]
    for rate in rates:
        assert rate["currency"] == "EUR"
        assert rate["amount_minor"] > 0
        low, high = rate["delivery_days"]
        assert 1 <= low <= high
    assert rates[0]["amount_minor"] < rates[1]["amount_minor"]
    assert rates[0]["delivery_days"][1] > rates[1]["delivery_days"][1]


def test_two_parcels_cost_twice_one(till):
    one, two = (ask(till, "gannet", parcels=[PARCEL] * n).json()["rates"] for n in (1, 2))
    assert [rate["amount_minor"] * 2 for rate in one] == [rate["amount_minor"] for rate in two]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"origin": {"country": "DE"}, "destination": "DE", "parcels": []}',
        b'{"origin": {"country": "de"}, "destination": {"country": "DE"}, "parcels": []}',
        b'{"origin": {"country": "DE"}, "destination": {"country": "DE"}, "parcels": []}',
        b'{"origin": {"country": "DE"}, "destination": {"country": "DE"}, "parcels": [{"weight_g": -1}]}',
        b'{"origin": {"country": "DE"}, "destination": {"country": "DE"}, "parcels": [{"weight_g": true}]}',
        b'{"origin": {"country": "DE"}, "destination": {"country": "DE"}, "parcels": [7]}',
        b"[" * 5000,
    ],
)
def test_a_senseless_question_is_a_400(till, body):
    answer = requests.post(f"{till.url}/sandbox/carriers/tideway/rates", data=body, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_a_parcel_is_somewhere_and_stays_there(till):
    url = f"{till.url}/sandbox/carriers/gannet/track/GN12345678"
    first, second = (requests.get(url, timeout=5).json() for _ in range(2))
    assert first == second
    assert first["history"][-1] == first["status"]


def test_a_carrier_is_slow_broken_or_talks_nonsense_when_told_to(own_till):
    own_till.knobs(tideway_latency_ms=0, gannet_latency_ms=700, tideway_fault="error")
    started = time.monotonic()
    assert ask(own_till, "gannet").ok
    assert time.monotonic() - started >= 0.7
    assert ask(own_till, "tideway").status_code == 500
    own_till.knobs(tideway_fault="garbage")
    with pytest.raises(requests.JSONDecodeError):
        ask(own_till, "tideway").json()
    own_till.knobs(tideway_fault="hang")
    with pytest.raises(requests.ReadTimeout):
        ask(own_till, "tideway", timeout=1)
    assert ask(own_till, "gannet").ok


def test_an_unknown_carrier_is_a_404(till):
    assert ask(till, "albatross").status_code == 404
