"""A storm of the payment provider's messages: each ten times, in any order, with forged and stale ones between them.

    python -m lab.faults.webhooks [--database postgres|sqlite] [--small]

Of each order two messages come, that its payment is under way and that it succeeded. Whatever comes first, and
however often: each message is recorded once, and each order is paid by one event, with one line of the ledger. What the
provider did not sign within the last five minutes is answered 400 and changes nothing; it is about other orders, which
must stay unpaid.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import aiohttp

from lab.faults.harness import Case, main
from lab.faults.site import Server, Site
from shop.sandbox.webhooks import signature

BOUNDS = {
    "unpaid": 0,
    "paid_twice": 0,
    "messages_missing": 0,
    "messages_too_many": 0,
    "refused_of_genuine": 0,
    "accepted_of_others": 0,
    "paid_by_others": 0,
    "stock_faults": 0,
    "money_faults": 0,
}
COPIES, SHARE = 10, 0.05  # of forged ones, and of stale ones
AT_ONCE = 32
STALE_SECONDS = 600
MESSAGES = "evt_storm_"  # how the ids of ours begin


class Size(NamedTuple):
    sockets: int
    orders: int


FULL = Size(0, 500)
SMALL = Size(0, 20)


class Delivery(NamedTuple):
    body: bytes
    signature: str
    genuine: bool


def run(site: Site, size: Size) -> Iterator[Case]:
    site.fresh()
    with site.server("serve") as shop:
        yield _storm(site, shop, size)


def _storm(site: Site, shop: Server, size: Size) -> Case:
    variant, secret = site.product(stock=100_000)[1], site.writer.call("sales.webhook_secret")
    since = site.writer.call("sales.last_order")
    sold = site.writer.call("sales.sell", size.orders, variant, within=300)
    others = site.writer.call("sales.sell", max(1, size.orders // 10), variant, within=300)
    deliveries = _deliveries(sold, others, secret)
    begun = time.monotonic()
    statuses, seconds = asyncio.run(_deliver(shop.url, deliveries))
    took = time.monotonic() - begun
    ours = site.writer.call("sales.paid_once", [one["order"] for one in sold])
    theirs = site.writer.call("sales.paid_once", [one["order"] for one in others])
    messages = site.writer.call("sales.recorded", MESSAGES)
    figures = {
        "messages": 2 * size.orders,
        "deliveries": len(deliveries),
        "unpaid": size.orders - ours["paid"],
        "paid_twice": ours["paid_events"] - ours["paid"],
        "messages_missing": max(0, 2 * size.orders - messages),
        "messages_too_many": max(0, messages - 2 * size.orders),
        "refused_of_genuine": sum(
            n for (genuine, status), n in statuses.items() if genuine and status != 200
        ),
        "accepted_of_others": sum(
            n for (genuine, status), n in statuses.items() if not genuine and status != 400
        ),
        "paid_by_others": theirs["paid_events"],
        "stock_faults": len(site.writer.call("sales.shelf_faults")),
        # The provider's own books know nothing of a storm that it did not make.
        "money_faults": len(site.writer.call("sales.ledger_faults", since)),
        "per_second": len(deliveries) / took,
        "p99_ms": sorted(seconds)[len(seconds) * 99 // 100] * 1000,
    }
    return Case(f"{2 * size.orders} messages, each {COPIES} times", figures)


def _deliveries(sold: list[dict], others: list[dict], secret: str) -> list[Delivery]:
    """Shuffled; the stale and the forged ones are about the `others`."""
    now = int(time.time())
    genuine = [_message(one, status) for one in sold for status in ("processing", "succeeded")]
    deliveries = [Delivery(body, signature(body, secret, now), True) for body in genuine * COPIES]
    for number in range(int(len(deliveries) * SHARE)):
        body = _message(others[number % len(others)], "succeeded")
        deliveries.append(Delivery(body, signature(body, "whsec_of_somebody_else", now), False))
        deliveries.append(Delivery(body, signature(body, secret, now - STALE_SECONDS), False))
    random.shuffle(deliveries)
    return deliveries


def _message(order: dict[str, Any], status: str) -> bytes:
    intent = {
        "id": f"pi_{order['key'].replace('-', '')}",
        "object": "payment_intent",
        "status": status,
        "amount": order["amount"],
        "amount_received": order["amount"] if status == "succeeded" else 0,
        "currency": "eur",
        "metadata": {"payment": order["key"]},
        "latest_charge": f"ch_{order['key']}" if status == "succeeded" else None,
    }
    event = {
        "id": f"{MESSAGES}{status}_{order['order']}",
        "object": "event",
        "type": f"payment_intent.{status}",
        "data": {"object": intent},
    }
    return json.dumps(event).encode()


async def _deliver(url: str, deliveries: list[Delivery]) -> tuple[Counter[tuple[bool, int]], list[float]]:
    """How many were answered how, and how fast."""
    statuses: Counter[tuple[bool, int]] = Counter()
    seconds, waiting = [], iter(deliveries)
    timeout = aiohttp.ClientTimeout(total=60)

    async def carry(http: aiohttp.ClientSession) -> None:
        for delivery in waiting:
            begun = time.monotonic()
            headers = {"Stripe-Signature": delivery.signature, "Content-Type": "application/json"}
            async with http.post(f"{url}/webhooks/stripe/", data=delivery.body, headers=headers) as answer:
                await answer.read()
                statuses[delivery.genuine, answer.status] += 1
            seconds.append(time.monotonic() - begun)

    async with aiohttp.ClientSession(timeout=timeout) as http:
        await asyncio.gather(*(carry(http) for _ in range(AT_ONCE)))
    return statuses, seconds


if __name__ == "__main__":
    main("webhooks")
