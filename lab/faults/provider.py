"""The payment sandbox as a run uses it: a card is sent, a knob is turned, its books are read."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

from tests.buyer import Buyer

AUTHORIZED = {"Authorization": "Bearer sk_test_sandbox"}


async def confirm(buyer: Buyer, page: str) -> bool:
    """Sends the card, as the provider's script does from the page. Whether the provider has the money then."""
    secret = re.search(r'data-secret="([^"]+)"', page)
    if secret is None:
        return False
    intent = f"/sandbox/stripe/v1/payment_intents/{secret[1].partition('_secret_')[0]}"
    fields = {"payment_method": "pm_card_visa", "return_url": buyer.url}
    async with buyer.http.post(f"{intent}/confirm", data=fields, headers=AUTHORIZED) as answer:
        await answer.read()  # refused, where it has the money already
    async with buyer.http.get(intent, headers=AUTHORIZED) as answer:
        return (await answer.json())["status"] == "succeeded"


def differences(url: str, seen: dict[str, Any]) -> int:
    """Intents that succeeded by the provider's list and not by ours, or the other way round; `seen` is a verdict."""
    theirs = set(_charged(url))
    return len(theirs - set(seen["known"])) + len(set(seen["charged"]) - theirs)


def _charged(url: str) -> Iterator[str]:
    after = ""
    while True:
        page = _json(f"{url}/sandbox/stripe/v1/payment_intents?limit=100{after}", AUTHORIZED)
        yield from (intent["id"] for intent in page["data"] if intent["status"] == "succeeded")
        if not page["has_more"]:
            return
        after = f"&starting_after={page['data'][-1]['id']}"


def turn(url: str, **knobs: float) -> None:
    """Those of `shop.sandbox.knobs`."""
    headers = {"Content-Type": "application/json"}
    _json(f"{url}/sandbox/knobs", headers, json.dumps(knobs).encode())


def _json(url: str, headers: dict[str, str], body: bytes | None = None) -> dict[str, Any]:
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=20) as answer:
        return json.load(answer)
