"""Buyers of the shop's API: each places the cart that was filled for it, and starts to pay.

Their answers are read, as an app would: the second question needs the first one's answer.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

import aiohttp
import numpy as np

# A cart: its token, its key and what it comes to.
Cart = tuple[str, str, str]
ADDRESS = {
    "name": "Nora Byrne",
    "line1": "4 Harbour Row",
    "city": "Howth",
    "region": "Co. Dublin",
    "postal_code": "D13 F6K7",
    "country": "IE",
}
WITHIN = aiohttp.ClientTimeout(total=60)


async def buy(
    port: int, carts: Sequence[Cart], rate: float, *, pays: bool = True, at_once: bool = False
) -> dict[str, Any]:
    """One cart after the other at this rate, whatever the server does; or all in one moment.

    Latencies are from when a purchase was due to its end: the order is placed, and the provider knows of it.
    """
    taken, placing, outcomes = array("d"), array("d"), Counter[str]()
    connector = aiohttp.TCPConnector(limit=0)
    begun, cpu = time.monotonic(), time.process_time()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=connector, timeout=WITHIN) as http:

        async def one(cart: Cart, due: float) -> None:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            try:
                outcome, placed = await _purchase(http, cart, pays)
            except (aiohttp.ClientError, TimeoutError) as fault:
                outcome, placed = type(fault).__name__, 0.0
            outcomes[outcome] += 1
            if outcome == "done":
                taken.append(time.monotonic() - due)
                placing.append(placed - due)

        begun = time.monotonic()
        await asyncio.gather(
            *(one(cart, begun if at_once else begun + n / rate) for n, cart in enumerate(carts))
        )
    seconds = time.monotonic() - begun
    return {
        "seconds": seconds,
        "done": outcomes["done"],
        "outcomes": dict(outcomes),
        **{f"{name}_ms": value for name, value in _percentiles(taken).items()},
        "placing_p99_ms": _percentiles(placing)["p99"],
        "load_busy": (time.process_time() - cpu) / seconds,
    }


async def _purchase(http: aiohttp.ClientSession, cart: Cart, pays: bool) -> tuple[str, float]:
    """How it ended, and when the order was placed."""
    token, key, total = cart
    wanted = {
        "checkout_key": key,
        "email": "nora@example.com",
        "address": ADDRESS,
        "shipping": "method:tube",
        "expected_total": {"amount": total, "currency": "EUR"},
    }
    async with http.post("/api/v1/orders/", json=wanted, headers={"Cart-Token": token}) as answer:
        told = await answer.json(content_type=None)
        if answer.status != 201:
            return str(told.get("code", answer.status)), 0.0
    placed = time.monotonic()
    if pays:
        async with http.post(f"/api/v1/orders/{told['public_id']}/payment/", json={}) as answer:
            sheet = await answer.json(content_type=None)
            if answer.status != 200 or not sheet.get("client_secret"):
                return f"payment: {sheet.get('code', answer.status)}", 0.0
    return "done", placed


def _percentiles(taken: Sequence[float]) -> dict[str, float]:
    p50, p99 = np.percentile(np.array(taken) * 1000, (50, 99)) if len(taken) else (0.0, 0.0)
    return {"p50": float(p50), "p99": float(p99)}
