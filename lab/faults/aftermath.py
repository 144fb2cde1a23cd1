"""What became of everybody who bought, once nothing is under way any more, and what the server still has in hand."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from lab.faults.provider import differences
from lab.faults.site import Server, Site

SETTLES_WITHIN = 90.0
AT_REST_WITHIN = 30.0
BOOKS: dict[str, float] = {"half_orders": 0, "stock_faults": 0, "money_faults": 0}
BOUNDS: dict[str, float] = {
    **BOOKS,
    "leaked_reservations": 0,
    "leaked_connections": 0,
    "open_transactions": 0,
    "unsettled": 0,
    "paid_without_money": 0,
    "money_without_order": 0,
    "double_charges": 0,
    "charged_unknown_to_us": 0,
    "undelivered": 0,
    "lost_events": 0,
    "settled_s": SETTLES_WITHIN,
}


def left(site: Site, shop: Server, since: int, before: int) -> dict[str, float]:
    """Of the orders after this id, and of the server, which held `before` connections when nobody was there."""
    return {
        "half_orders": len(site.writer.call("whole.half_orders", since)),
        "leaked_reservations": site.writer.call("whole.leaked_reservations"),
        "open_transactions": site.writer.call("holding.open_transactions"),
        "leaked_connections": max(0, at_rest(shop, before) - before),
    }


def books(site: Site, shop: Server, since: int) -> dict[str, float]:
    """Of a load that only places orders: whether they, the shelf and the money are whole."""
    return {
        "half_orders": len(site.writer.call("whole.half_orders", since)),
        "stock_faults": len(site.writer.call("sales.shelf_faults")),
        "money_faults": money_faults(shop, since),
    }


def money_faults(shop: Server, since: int) -> int:
    return len(shop.process.call("sales.money_faults", since))


def at_rest(shop: Server, enough: int = 0, within: float = AT_REST_WITHIN) -> int:
    """How many connections the server has in hand between two of its jobs."""
    least, until = shop.process.call("holding.connections"), time.monotonic() + within
    while least > enough and time.monotonic() < until:
        time.sleep(0.02)
        least = min(least, shop.process.call("holding.connections"))
    return least


def settle(site: Site, shop: Server, since: int) -> dict[str, float]:
    """Waits until all is paid or called off, and everything told."""
    begun = time.monotonic()
    while (unsettled := _unsettled(site, since)) and time.monotonic() < begun + SETTLES_WITHIN:
        time.sleep(0.2)
    settled = time.monotonic() - begun
    seen: dict[str, Any] = site.writer.call("sales.verdict", since)
    return {
        **{name: seen[name] for name in ("orders", "paid", "released")},
        "unsettled": unsettled,
        "charged_unknown_to_us": differences(shop.url, seen),
        **{name: seen[name] for name in BOUNDS if name in seen},
        "money_faults": money_faults(shop, since),
        "undelivered": messages(site, "state = 'given up'"),
        "settled_s": settled,
    }


def _unsettled(site: Site, since: int) -> int:
    return site.writer.call("sales.unsettled", since) + messages(site, "state IN ('waiting', 'sending')")


def messages(site: Site, condition: str) -> int:
    """Of the payment provider to us, by its own book."""
    with sqlite3.connect(site.folder / "sandbox.sqlite3", timeout=20) as book:
        return book.execute(f"SELECT count(*) FROM deliveries WHERE {condition}").fetchone()[0]
