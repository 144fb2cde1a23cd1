"""`/lab/` in the demo: it says what is true of its process, and its crowd leaves nothing behind."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connection
from django.test import Client
from playwright.sync_api import expect
from pytest_django import DjangoDbBlocker

from notifications.models import Stream
from notifications.protocol import SUBPROTOCOL
from tests.browser import chromium
from tests.live import LiveShop, live_shop
from tests.processes import ROOT
from tests.project.test_settings import PRODUCTION

SOON = 15.0
SOCKETS = "/ws/notifications/"


@pytest.fixture(scope="module")
def shop(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[LiveShop]:
    """One for all. No test writes to its database, which so needs no emptying under its feet."""
    with django_db_blocker.unblock(), live_shop(BREAKWATER_DEMO="1") as shop:
        yield shop
        connection.close()


def crowds(shop: LiveShop) -> list[psutil.Process]:
    """The processes that the shop started."""
    return psutil.Process(shop.processes[0].pid).children(recursive=True)


@pytest.mark.django_db
def test_a_shop_that_is_no_demo_has_no_such_page(client: Client) -> None:
    assert client.get("/lab/").status_code == 404
    assert client.post("/lab/rehearsal/", {"count": 100}).status_code == 404


def test_in_production_the_lab_is_not_even_installed(tmp_path: Path) -> None:
    code = """
import django
django.setup()
from django.apps import apps
from django.urls import Resolver404, resolve
try:
    print(resolve("/lab/"))
except Resolver404:
    print("no page", apps.is_installed("lab"))
"""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env = {**kept, "DJANGO_SETTINGS_MODULE": "shop.settings", "BREAKWATER_DATA": str(tmp_path), **PRODUCTION}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "no page False\n", done.stderr


@asynccontextmanager
async def visitor(shop: LiveShop) -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody who has the page open, with the cookie that its form needs."""
    async with aiohttp.ClientSession(shop.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with http.get("/lab/") as page:
            assert page.status == 200
        yield http


def token(http: aiohttp.ClientSession) -> dict[str, str]:
    name = next(cookie for cookie in http.cookie_jar if cookie.key.startswith("csrftoken"))
    return {"X-CSRFToken": name.value}


async def lines(answer: aiohttp.ClientResponse) -> AsyncIterator[dict]:
    async for line in answer.content:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


async def sockets_told(http: aiohttp.ClientSession, wanted: int) -> int:
    """What the page's stream says, once it says what is wanted or much time went by."""
    async with http.get("/lab/live/") as answer:
        fields, told, until = None, -1, time.monotonic() + SOON
        async for data in lines(answer):
            fields, samples = fields or data, [] if fields is None else data
            for values in samples:
                told = dict(zip(fields, values, strict=True))["sockets"]
            if told == wanted or time.monotonic() > until:
                return told
    raise AssertionError("the stream ended")


async def rehearse(http: aiohttp.ClientSession, count: int) -> dict[str, dict]:
    async with http.post("/lab/rehearsal/", data={"count": str(count)}, headers=token(http)) as answer:
        assert answer.status == 200
        return {told["t"]: told async for told in lines(answer)}


def test_its_stream_counts_the_sockets_that_are_open(shop: LiveShop) -> None:
    async def open_and_look() -> list[int]:
        async with visitor(shop) as http:
            counts = [await sockets_told(http, 0)]
            opened = [
                await http.ws_connect(SOCKETS, protocols=[SUBPROTOCOL], origin=shop.url) for _ in range(20)
            ]
            counts.append(await sockets_told(http, 20))
            for socket in opened:
                await socket.close()
            return [*counts, await sockets_told(http, 0)]

    assert asyncio.run(open_and_look()) == [0, 20, 0]


def test_a_crowd_hears_everything_and_leaves_no_process_socket_or_row(shop: LiveShop) -> None:
    async def play() -> tuple[dict[str, dict], int]:
        async with visitor(shop) as http:
            told = await rehearse(http, 100)
            return told, await sockets_told(http, 0)

    told, left = asyncio.run(play())
    assert (told["open"]["open"], told["open"]["refused"]) == (100, 0)
    assert told["heard"]["heard"] == told["heard"]["wanted"] == 100 * told["heard"]["events"]
    assert len(told["heard"]["firsts"]) == 100
    assert 0 < told["heard"]["curve"][0] <= told["heard"]["p99"] <= told["heard"]["curve"][-1] < 15_000
    assert told["done"]["left"] == left == 0
    assert crowds(shop) == []
    assert not Stream.objects.filter(name__startswith="lab:").exists()


def test_a_second_crowd_is_refused_in_words_until_the_first_visitor_leaves(shop: LiveShop) -> None:
    async def play() -> tuple[int, str, list[bool], dict[str, dict]]:
        async with visitor(shop) as first, visitor(shop) as second:
            running = await first.post("/lab/rehearsal/", data={"count": "100"}, headers=token(first))
            async for told in lines(running):
                if told["t"] == "open":
                    break
            refused = await second.post("/lab/rehearsal/", data={"count": "100"}, headers=token(second))
            why = (await refused.json())["why"]
            processes = [bool(crowds(shop))]
            running.close()  # hangs up in the middle
            assert await sockets_told(second, 0) == 0
            await gone(shop)
            processes.append(bool(crowds(shop)))
            return refused.status, why, processes, await rehearse(second, 100)

    status, why, processes, told = asyncio.run(play())
    assert status == 409
    assert why.startswith("Somebody else's crowd is here just now.")
    assert processes == [True, False]
    assert told["done"]["left"] == 0


async def gone(shop: LiveShop) -> None:
    until = time.monotonic() + SOON
    while crowds(shop) and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.05)


def test_a_forged_form_and_a_number_of_ones_own_are_refused(shop: LiveShop) -> None:
    async def send() -> list[int]:
        async with visitor(shop) as http:
            statuses = []
            for headers, count in [({}, "100"), ({"X-CSRFToken": "x" * 32}, "100"), (token(http), "100000")]:
                async with http.post("/lab/rehearsal/", data={"count": count}, headers=headers) as answer:
                    statuses.append(answer.status)
            return statuses

    assert asyncio.run(send()) == [403, 403, 409]
    assert crowds(shop) == []


@pytest.mark.browser
def test_the_button_draws_what_happens(shop: LiveShop) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 900}, reduced_motion="reduce")
        faults: list[str] = []
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.goto(f"{shop.url}/lab/")
        page.get_by_role("radio", name="100", exact=True).check()
        page.get_by_role("button", name="Open them").click()
        expect(page.get_by_role("status").filter(has_text="20 events reached 100 sockets")).to_be_visible(
            timeout=30_000
        )
        expect(page.get_by_text("All closed after")).to_be_visible(timeout=30_000)
        most = page.locator('[data-field="sockets"] [data-most]')
        expect(most).to_have_text("100", timeout=30_000)
        assert page.locator(".curve .chart__line").get_attribute("d").count("L") > 20
        for scheme, width in (("light", 390), ("dark", 820)):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") == width
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
        assert faults == []
