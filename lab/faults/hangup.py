"""Buyers hang up in the middle of checkout: many at once, each at a moment of its own.

    python -m lab.faults.hangup [--database postgres|sqlite] [--small]

Daphne then ends the request, and Django cancels its view. Half of the buyers are gone for good, the other half come
back to the page they had, click again and pay. No order may be there by half, none may hold stock that nobody will
give back, and the server may keep neither a transaction nor a connection for somebody who is not there. The control
places its orders in one awaited step after another.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from lab.faults import aftermath
from lab.faults.harness import Case, main
from lab.faults.provider import confirm, turn
from lab.faults.site import Server, Site
from tests.buyer import Buyer

BOUNDS = aftermath.BOUNDS | {"not_finished": 0}
DELIVERY, TORN = "/checkout/delivery/", "/lab/torn/"
SLOW = {"latency_ms": 400, "tideway_latency_ms": 600, "gannet_latency_ms": 600}
QUICK = {"latency_ms": 0, "tideway_latency_ms": 60, "gannet_latency_ms": 140}
CONTROL_SECONDS = (0.6, 0.6, 1.2, 2.4, 4.8)  # a busy machine comes to the order later
LOCKED_SECONDS = 13.0  # Daphne kills what still runs ten seconds after its client went


class Point(NamedTuple):
    """`whole`: all of the request is sent; then the buyer waits for up to so many seconds, and is gone."""

    path: str
    whole: bool = True
    seconds: float = 0.0
    locked: bool = False


POINTS = {
    "in the middle of the body": Point(DELIVERY, whole=False, seconds=0.05),
    "as soon as it is sent": Point(DELIVERY),
    "while the order is placed": Point(DELIVERY, seconds=0.4),
    "while the order waits for a lock": Point(DELIVERY, seconds=1.0, locked=True),
    "while the carriers are asked": Point("", seconds=0.8),
    "while the provider is asked": Point("/pay/", seconds=0.8),
}


class Size(NamedTuple):
    sockets: int
    buyers: int
    rounds: int
    points: tuple[str, ...]
    waits: bool  # for the time to pay to be over; otherwise it is made to be


FULL = Size(0, 16, 3, tuple(POINTS), True)
SMALL = Size(0, 4, 1, ("while the order is placed", "while the provider is asked"), False)


def run(site: Site, size: Size) -> Iterator[Case]:
    site.fresh()
    with site.server("serve", RESERVATION_MINUTES="1") as shop:
        product, since = site.product(stock=100_000), site.writer.call("sales.last_order")
        before = aftermath.at_rest(shop, within=2.0)
        turn(shop.url, **SLOW)
        for name in size.points:
            figures = _hang_up(site, shop, product, POINTS[name], size)
            yield Case(f"hung up {name}", figures | aftermath.left(site, shop, since, before))
        turn(shop.url, **QUICK)
        yield Case("afterwards", _afterwards(site, shop, since, size))
        yield _control(site, shop, product, size)


def _control(site: Site, shop: Server, product: tuple[str, int], size: Size) -> Case:
    since, half = site.writer.call("sales.last_order"), 0
    for seconds in CONTROL_SECONDS:
        _hang_up(site, shop, product, Point(TORN, seconds=seconds), size)
        half = len(site.writer.call("whole.half_orders", since))
        if half:
            break
    return Case("an order in several awaited steps", {"half_orders": half}, control=True)


def _hang_up(
    site: Site, shop: Server, product: tuple[str, int], point: Point, size: Size
) -> dict[str, float]:
    finished = wanted = 0
    for number in range(size.rounds):
        lock = site.writer.start("holding.lock_stock", product[1], LOCKED_SECONDS) if point.locked else None
        done = asyncio.run(_crowd(shop, product, point, size.buyers, random.Random(number)))
        finished, wanted = finished + sum(done), wanted + len(done)
        if lock:
            lock.result(60)
    return {"hung_up": size.buyers * size.rounds, "came_back": wanted, "not_finished": wanted - finished}


async def _crowd(
    shop: Server, product: tuple[str, int], point: Point, buyers: int, chance: random.Random
) -> list[bool]:
    """Of those who came back, whether each could buy."""
    moments = [(chance.random(), chance.random() < 0.5) for _ in range(buyers)]
    ready = asyncio.Barrier(buyers)

    async def one(number: int, moment: float, harshly: bool) -> bool | None:
        async with Buyer(shop.url) as buyer:
            await buyer.fill_cart(*product)
            await buyer.go_to_delivery()
            path = point.path or DELIVERY
            if point.path == "/pay/":
                path = (await buyer.place_order())[1]
            await ready.wait()
            await _leave(buyer, path, point, moment, harshly)
            if number % 2 or point.path == TORN:
                return None
            return await _buy_after_all(buyer)

    came = await asyncio.gather(*(one(number, *moment) for number, moment in enumerate(moments)))
    return [bought for bought in came if bought is not None]


async def _leave(buyer: Buyer, path: str, point: Point, moment: float, harshly: bool) -> None:
    """Sends the request or a part of it, and closes the socket: with a reset, or as a closed tab does."""
    address, sends = urlsplit(buyer.url), point.path in (DELIVERY, TORN)
    body = urlencode(buyer.form).encode() if sends else b""
    cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in buyer.http.cookie_jar)
    lines = [
        f"{'POST' if sends else 'GET'} {path} HTTP/1.1",
        f"Host: {address.netloc}",
        f"Cookie: {cookies}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    ]
    if not point.whole:
        body = body[: int(len(body) * moment)]
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write("\r\n".join([*lines, "\r\n"]).encode() + body)
    await writer.drain()
    await asyncio.sleep(point.seconds * moment)
    if harshly:
        there = writer.get_extra_info("socket")
        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _buy_after_all(buyer: Buyer) -> bool:
    """From the page that is still open, whose form names the same cart."""
    status, location = await buyer.place_order()
    if status != 302 or not location.endswith("/pay/"):
        return False
    return await confirm(buyer, (await buyer.get(location))[1])


def _afterwards(site: Site, shop: Server, since: int, size: Size) -> dict[str, float]:
    if not size.waits:
        site.writer.call("whole.let_time_pass", since)
    return aftermath.settle(site, shop, since)


if __name__ == "__main__":
    main("hangup")
