"""The register of VAT ids is asked over HTTP, for no longer than its deadline; its silence stops nobody."""

import time
from typing import Any

import aiohttp
import pytest
from asgiref.sync import async_to_sync

from shop.pricing.vies import ask_vies

pytestmark = pytest.mark.django_db(transaction=True)
KNOWN, UNKNOWN = "FR40303265045", "DE100000049"


@pytest.fixture
def register(sandbox_url: str, settings: Any) -> str:
    settings.VIES_URL = f"{sandbox_url}/vies/rest-api"
    settings.VIES_DEADLINE_SECONDS = 1.0
    return sandbox_url


def ask(sandbox: str, vat_id: str = KNOWN, **knobs: object) -> dict[str, str]:
    calm = {"vies_fault": "none", "vies_latency_ms": 0}

    async def call() -> dict[str, str]:
        async with aiohttp.ClientSession() as http:
            (await http.post(f"{sandbox}/knobs", json=calm | knobs)).raise_for_status()
        return await ask_vies(vat_id)

    return async_to_sync(call)()


def test_it_knows_an_id_or_does_not(register: str, settings: Any) -> None:
    settings.SELLER = settings.SELLER | {"vat_id": ""}
    known = ask(register)
    assert known["answer"] == "known"
    assert known["asked_at"]
    assert "reference" not in known
    assert ask(register, UNKNOWN)["answer"] == "unknown"


def test_with_our_own_id_the_answer_has_a_consultation_number(register: str, settings: Any) -> None:
    settings.SELLER = settings.SELLER | {"vat_id": "IE6388047V"}
    assert ask(register)["reference"].startswith("WAPI")


@pytest.mark.parametrize("fault", ["error", "member_down"])
def test_a_broken_register_is_silent(register: str, fault: str) -> None:
    assert ask(register, UNKNOWN, vies_fault=fault)["answer"] == "silent"


def test_a_slow_register_costs_the_deadline_and_no_more(register: str) -> None:
    started = time.monotonic()
    assert ask(register, vies_latency_ms=20_000)["answer"] == "silent"
    assert time.monotonic() - started < 5


def test_ids_from_outside_the_union_are_not_asked_for(settings: Any) -> None:
    settings.VIES_URL = "http://127.0.0.1:9"
    assert async_to_sync(ask_vies)("GB980780684") == {"answer": "silent"}
