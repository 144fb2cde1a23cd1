"""Carriers are asked side by side with one deadline; the slow and the broken are left out, and it is said so."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest
from asgiref.sync import async_to_sync
from djmoney.money import Money

from shop.places import Destination
from shop.shipping.models import Quote, ShippingMethod
from shop.shipping.services import Options, ShippingGone, find_choice, gather_options

pytestmark = pytest.mark.django_db(transaction=True)
GOODS = Money("48.00", "EUR")


@pytest.fixture
def carriers(sandbox_url: str, settings: Any) -> str:
    settings.CARRIERS = {name: f"{sandbox_url}/carriers/{name}" for name in ("tideway", "gannet")}
    settings.CARRIER_DEADLINE_SECONDS = 1.0
    return sandbox_url


def ask(sandbox: str, country: str = "IE", **knobs: object) -> Options:
    calm = {"tideway_fault": "none", "gannet_fault": "none", "tideway_latency_ms": 0, "gannet_latency_ms": 0}

    async def call() -> Options:
        async with aiohttp.ClientSession() as http:
            await http.post(f"{sandbox}/knobs", json=calm | knobs)
        return await gather_options(Destination(country, "", "D13 F6K7"), 840, GOODS)

    return async_to_sync(call)()


def names(options: Options) -> str:
    return " ".join(choice.name.lower() for choice in options.choices)


def test_our_own_ways_and_both_carriers_are_offered_the_cheapest_first(
    carriers: str, delivery: ShippingMethod
) -> None:
    options = ask(carriers)
    assert "tideway" in names(options)
    assert "gannet" in names(options)
    assert "tube by post" in names(options)
    assert options.left_out == []
    prices = [choice.price.amount for choice in options.choices]
    assert prices == sorted(prices)


def test_a_quote_is_honoured_for_the_parcel_it_was_given_for(carriers: str, delivery: ShippingMethod) -> None:
    quoted = next(choice for choice in ask(carriers).choices if choice.code.startswith("quote:"))
    parcel = {"destination": Destination("IE", "", "D13 F6K7"), "weight_g": 840, "goods": GOODS}
    assert find_choice(quoted.code, **parcel) == quoted
    elsewhere = [Destination("FR", "", "D13 F6K7"), Destination("IE", "", "T12 ABC1")]
    for change in (*({"destination": place} for place in elsewhere), {"weight_g": 841}):
        with pytest.raises(ShippingGone):
            find_choice(quoted.code, **{**parcel, **change})


@pytest.mark.parametrize("fault", ["error", "garbage"])
def test_a_broken_carrier_is_left_out_in_words(carriers: str, delivery: ShippingMethod, fault: str) -> None:
    options = ask(carriers, gannet_fault=fault)
    assert "gannet" not in names(options)
    assert "tideway" in names(options)
    assert options.left_out == ["Gannet cannot quote at the moment."]


@pytest.mark.parametrize(
    "knob", [{"gannet_fault": "hang"}, {"gannet_latency_ms": 5000}], ids=["hang", "slow"]
)
def test_a_slow_carrier_costs_the_deadline_and_no_more(
    carriers: str, delivery: ShippingMethod, knob: dict[str, object]
) -> None:
    started = time.monotonic()
    options = ask(carriers, **knob)
    assert time.monotonic() - started < 2.5
    assert "tideway" in names(options)
    assert options.left_out == ["Gannet did not answer in time."]


def test_they_are_asked_side_by_side(carriers: str, delivery: ShippingMethod) -> None:
    started = time.monotonic()
    options = ask(carriers, gannet_latency_ms=700, tideway_latency_ms=700)
    assert time.monotonic() - started < 1.35
    assert options.left_out == []


def test_without_carriers_our_own_ways_remain(settings: Any, delivery: ShippingMethod) -> None:
    settings.CARRIERS = {"gone": "http://127.0.0.1:9"}
    options = asyncio.run(gather_options(Destination("IE"), 840, GOODS))
    assert [choice.code for choice in options.choices] == ["method:tube"]
    assert options.left_out == ["Gone cannot quote at the moment."]
    assert not Quote.objects.exists()
