"""In which form should an operation of the API wait? `python -m lab.api_waits [--seconds S]`

So many apps at once ask how their payment stands, which asks the provider, who takes a second. The same operation in
three forms (`lab.waiting_forms`): DRF's synchronous view in a thread, a plain asynchronous view around DRF's parts, and
adrf. They take turns in three rounds, on one process with PostgreSQL; the figures are medians with their range. `home`
is how long somebody else waits for the front page meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import psutil

from lab.faults import provider
from lab.faults.harness import allow_files
from lab.faults.site import Server, Site
from tests.buyer import ADDRESS

FORMS = ("drf", "async", "adrf")
APPS = (1, 50, 200)
ROUNDS = 3
LATENCY_MS = 1000
UNLIMITED = ",".join(f"{name}=1000000/60" for name in ("read", "write", "checkout"))
Figures = dict[str, float]


async def order(http: aiohttp.ClientSession, sku: str) -> str:
    """A new one that waits to be paid, known to the provider; its public id."""
    cart = await _sent(http, "cart/lines/", {"sku": sku, "quantity": 1})
    headers = {"Cart-Token": cart["token"]}
    options = await _sent(http, "cart/shipping-options/", {"address": ADDRESS}, headers)
    chosen = options["options"][0]
    wanted = {
        "checkout_key": cart["checkout_key"],
        "email": "nora@example.com",
        "address": ADDRESS,
        "shipping": chosen["code"],
        "expected_total": chosen["totals"]["total"],
    }
    public_id = (await _sent(http, "orders/", wanted, headers))["public_id"]
    await _sent(http, f"orders/{public_id}/payment/", {})
    return public_id


async def measure(server: Server, form: str, orders: list[str], seconds: float) -> Figures:
    """Each order's app asks again as soon as it has its answer."""
    took: list[float] = []
    home: list[float] = []
    process = psutil.Process(server.process.pid)
    threads = process.num_threads()
    until = time.monotonic() + seconds
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(server.url, connector=connector) as http:

        async def ask(path: str, into: list[float]) -> None:
            while time.monotonic() < until:
                begun = time.monotonic()
                async with http.get(path) as answer:
                    await answer.read()
                    assert answer.status == 200, (path, answer.status)
                into.append(time.monotonic() - begun)

        async def watch() -> None:
            nonlocal threads
            while time.monotonic() < until:
                threads = max(threads, process.num_threads())
                await asyncio.sleep(0.1)

        apps = [ask(f"/lab/{form}/{public_id}/", took) for public_id in orders]
        await asyncio.gather(*apps, ask("/", home), watch())
    return {
        "per_s": len(took) / seconds,
        "p99_ms": _p99(took) * 1000,
        "home_p99_ms": _p99(home) * 1000,
        "threads": threads,
        "rss_mib": process.memory_info().rss / 2**20,
    }


@asynccontextmanager
async def slow_provider(server: Server) -> AsyncIterator[None]:
    provider.turn(server.url, latency_ms=LATENCY_MS)
    try:
        yield
    finally:
        provider.turn(server.url, latency_ms=0)


async def run(site: Site, server: Server, seconds: float) -> dict[tuple[str, int], list[Figures]]:
    slug, _ = site.product(stock=1000)
    async with aiohttp.ClientSession(server.url) as http:
        orders = [await order(http, slug.upper()) for _ in range(max(APPS))]
    found: dict[tuple[str, int], list[Figures]] = defaultdict(list)
    async with slow_provider(server):
        for _ in range(ROUNDS):
            for apps in APPS:
                for form in FORMS:
                    found[form, apps].append(await measure(server, form, orders[:apps], seconds))
    return found


async def _sent(
    http: aiohttp.ClientSession, path: str, body: Any, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    async with http.post(f"/api/v1/{path}", json=body, headers=headers) as answer:
        told = await answer.json(content_type=None)
        assert answer.status < 300, told
        return told


def _p99(took: list[float]) -> float:
    return sorted(took)[len(took) * 99 // 100]


def _show(found: dict[tuple[str, int], list[Figures]]) -> None:
    names = ("per_s", "p99_ms", "home_p99_ms", "threads", "rss_mib")
    print("| apps | form | " + " | ".join(names) + " |")
    print("| ---: | --- |" + " ---: |" * len(names))
    for (form, apps), rounds in sorted(found.items(), key=lambda one: (one[0][1], FORMS.index(one[0][0]))):
        cells = [_cell([figures[name] for figures in rounds]) for name in names]
        print(f"| {apps} | `{form}` | " + " | ".join(cells) + " |")


def _cell(values: list[float]) -> str:
    return f"{statistics.median(values):,.0f} ({min(values):,.0f}–{max(values):,.0f})"


def main() -> None:
    options = argparse.ArgumentParser(
        prog="python -m lab.api_waits",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("--seconds", type=float, default=10.0, help="of each of the 27 measurements")
    seconds = options.parse_args().seconds
    allow_files(2 * max(APPS))
    with Site() as site, site.server("serve", API_LIMITS=UNLIMITED) as server:
        _show(asyncio.run(run(site, server, seconds)))


if __name__ == "__main__":
    main()
