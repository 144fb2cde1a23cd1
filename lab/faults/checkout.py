"""The server is killed with -9 at each of twelve points of checkout and payment, while somebody buys.

    python -m lab.faults.checkout [--database postgres|sqlite] [--small]

The one process holds pages, workers and the payment sandbox, and is started again at once. Of the buyers, every second
gives up then; the others do again what failed, and pay. Within 90 s of the last restart every order must be paid, with
its money, or called off, without it; nobody may be charged twice, no event of an order may be missing, and the shelf
must add up.
"""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import aiohttp

from lab.faults import aftermath
from lab.faults.dying import CHECKOUT, PLACING, STARTING, TOLD
from lab.faults.harness import Case, main
from lab.faults.provider import confirm, differences
from lab.faults.site import Server, Site
from tests.buyer import Buyer

BOUNDS = {
    "not_killed": 0,
    "unsettled": 0,
    "paid_without_money": 0,
    "money_without_order": 0,
    "double_charges": 0,
    "charged_unknown_to_us": 0,
    "lost_events": 0,
    "stock_faults": 0,
    "money_faults": 0,
    "not_finished": 0,
    "settled_s": 90.0,
}
DIES_WITHIN = 20.0


class Size(NamedTuple):
    sockets: int
    times: int
    gives_up: int  # one of so many; none for 0
    points: tuple[str, ...]


FULL = Size(0, 20, 2, tuple(CHECKOUT))
SMALL = Size(0, 1, 0, ("the order is whole", "the provider has the intent", "the message is recorded"))


def run(site: Site, size: Size) -> Iterator[Case]:
    site.fresh()  # its workers would do what the one that dies is to do
    with site.server("serve", RESERVATION_MINUTES="1") as shop:
        product, since = site.product(stock=100_000), site.writer.call("sales.last_order")
        for point in size.points:
            yield _die(site, shop, product, since, point, size)


def _die(site: Site, shop: Server, product: tuple[str, int], since: int, point: str, size: Size) -> Case:
    before, killed, finished, wanted = site.writer.call("sales.verdict", since), 0, 0, 0
    for number in range(size.times):
        gives_up = bool(size.gives_up) and number % size.gives_up == 0
        wanted += not gives_up
        died, bought = asyncio.run(_buy(shop, product, point, gives_up))
        killed, finished = killed + died, finished + bought
    again = time.monotonic()
    until = again + BOUNDS["settled_s"]
    while (unsettled := site.writer.call("sales.unsettled", since)) and time.monotonic() < until:
        time.sleep(0.2)
    settled, seen = time.monotonic() - again, site.writer.call("sales.verdict", since)
    figures = {
        "killed": killed,
        "not_killed": size.times - killed,
        **{name: seen[name] - before[name] for name in ("orders", "paid", "released")},
        "not_finished": wanted - finished,
        "unsettled": unsettled,
        "charged_unknown_to_us": differences(shop.url, seen),
        **{name: seen[name] for name in BOUNDS if name in seen},
        "money_faults": aftermath.money_faults(shop, since),
        "settled_s": settled,
    }
    return Case(f"killed when {point}", figures)


async def _buy(shop: Server, product: tuple[str, int], point: str, gives_up: bool) -> tuple[bool, bool]:
    """Whether the server died at the point, and whether the buyer, who did not give up, could do all that buyers do."""
    async with Buyer(shop.url) as buyer:
        await buyer.fill_cart(*product)
        await buyer.go_to_delivery()
        location = "" if point in PLACING else (await buyer.place_order())[1]
        page = "" if point not in TOLD else (await buyer.get(location))[1]
        shop.process.call("dying.die_in_checkout", point)
        with suppress(aiohttp.ClientError, OSError):
            if point in PLACING:
                await buyer.place_order()
            elif point in STARTING:
                await buyer.get(location)
            else:
                await confirm(buyer, page)
        died = await asyncio.to_thread(_has_died, shop)
        await asyncio.to_thread(shop.start_again)
        if gives_up:
            return died, False
        if point in PLACING:
            location = (await buyer.place_order())[1]
        if point not in TOLD:
            page = (await buyer.get(location))[1]
        return died, await confirm(buyer, page)


def _has_died(shop: Server) -> bool:
    try:
        return shop.process.wait(DIES_WITHIN) == -9
    except subprocess.TimeoutExpired:
        shop.process.kill()
        return False


if __name__ == "__main__":
    main("checkout")
