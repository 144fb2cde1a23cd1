"""The shop as production runs it: PostgreSQL, Valkey, collected static files, several processes behind a proxy."""

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import aiohttp
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.processes import ROOT, free_port, running
from tests.waiting import eventually

# What the proxy in docs/deployment.md says of a request.
PROXIED = {"Host": "shop.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
MAKE_A_PRINT = """
from djmoney.money import Money
from shop.catalog.models import Category, Product
root = Category.objects.add_root({"name": "Swell", "slug": "swell"})
product = Product.objects.create(category=root, title="Ebb", slug="ebb")
product.variants.create(sku="EBB", price=Money("24.00", "EUR"), weight_g=420)
"""
RECEIVE_STOCK = """
from shop.catalog.models import Variant
from shop.inventory.services import receive
receive(Variant.objects.get(), 3)
"""


@dataclass(frozen=True)
class Production:
    urls: list[str]
    environment: dict[str, str]
    metrics_ports: list[int]

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, check=check, timeout=120, capture_output=True, text=True
        )


@pytest.fixture(scope="module")
def production(
    postgres_url: str, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Production]:
    folder = tmp_path_factory.mktemp("production")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE production")
    address, _, options = postgres_url.partition("?")
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    urls = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
    environment = kept | {
        "BREAKWATER_VENV": "off",
        "BREAKWATER_MODE": "production",
        "BREAKWATER_DATA": str(folder),
        "STATIC_ROOT": str(folder / "static"),
        "SECRET_KEY": "k" * 64,
        "PUBLIC_URL": "https://shop.example",
        "ALLOWED_HOSTS": "shop.example,127.0.0.1",
        "DATABASE_URL": f"{address.rpartition('/')[0]}/production?{options}",
        "REDIS_URL": valkey_url,
        "EMAIL_URL": "smtp://127.0.0.1:9",
        "STRIPE_SECRET_KEY": "sk_test_x",
        "STRIPE_PUBLISHABLE_KEY": "pk_test_x",
        "STRIPE_WEBHOOK_SECRET": "whsec_x",
        "SELLER_NAME": "Example Prints Ltd",
        "SELLER_ADDRESS": "1 Example Quay | Ireland",
        "SELLER_VAT_ID": "IE0000000AA",
    }
    shop = Production(urls, environment, [free_port() for _ in range(3)])
    with ThreadPoolExecutor(2) as threads:
        list(
            threads.map(lambda command: shop.manage(*command), (["migrate"], ["collectstatic", "--noinput"]))
        )
    shop.manage("shell", "-v0", "-c", MAKE_A_PRINT)
    commands = [["serve", "--port", url.rpartition(":")[2]] for url in urls] + [["background"]]
    readies = [f"{url}/readyz" for url in urls] + [f"http://127.0.0.1:{shop.metrics_ports[2]}/metrics"]
    with contextlib.ExitStack() as stack:
        for command, port, ready in zip(commands, shop.metrics_ports, readies, strict=True):
            whole = [sys.executable, "manage.py", *command, "--metrics-port", str(port)]
            stack.enter_context(running(whole, log=folder / f"{port}.log", ready=ready, env=environment))
        yield shop


async def get(url: str, **headers: str) -> tuple[int, str, Any]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(url, headers=PROXIED | headers, allow_redirects=False) as answer,
    ):
        return answer.status, await answer.text(), answer.headers


def test_pages_come_with_hashed_files_and_strict_headers(production: Production) -> None:
    status, page, headers = asyncio.run(get(f"{production.urls[0]}/"))
    assert status == 200
    assert "max-age=31536000; includeSubDomains; preload" in headers["Strict-Transport-Security"]
    assert "https://js.stripe.com" in headers["Content-Security-Policy"]
    stylesheet = re.search(r'href="(/static/storefront/css/breakwater\.[0-9a-f]+\.css)"', page)[1]
    status, _, headers = asyncio.run(get(production.urls[1] + stylesheet))
    assert (status, "immutable" in headers["Cache-Control"]) == (200, True)


def test_modules_import_the_modules_of_their_own_deploy(production: Production) -> None:
    page = asyncio.run(get(f"{production.urls[0]}/products/ebb/"))[1]
    module = re.search(r'src="(/static/notifications/notifications\.[0-9a-f]+\.js)"', page)[1]
    for name in ("worker", "link", "lines"):
        script = asyncio.run(get(production.urls[0] + module))[1]
        module = f"/static/notifications/{re.search(rf'from "\./({name}\.[0-9a-f]+\.js)"', script)[1]}"
    assert asyncio.run(get(production.urls[0] + module))[0] == 200


def test_plain_http_is_sent_to_https(production: Production) -> None:
    status, _, headers = asyncio.run(get(f"{production.urls[0]}/cart/", **{"X-Forwarded-Proto": "http"}))
    assert (status, headers["Location"]) == (301, "https://shop.example/cart/")


@pytest.mark.parametrize("path", ["/sandbox/", "/sandbox/knobs", "/demo/", "/demo/mail/", "/metrics"])
def test_what_belongs_to_the_demo_or_the_house_is_not_there(production: Production, path: str) -> None:
    assert asyncio.run(get(production.urls[0] + path))[0] == 404


@pytest.mark.parametrize("number", [0, 1, 2], ids=["web", "another web", "background"])
def test_each_process_has_metrics_on_a_port_of_its_own(production: Production, number: int) -> None:
    values = asyncio.run(scrape(production.metrics_ports[number]))
    assert values["breakwater_orders_pending"] == values["breakwater_tasks_failed"] == 0
    assert values["database_pool_connections"] >= 1


def test_the_loop_is_measured_before_a_socket_comes(production: Production) -> None:
    port = production.metrics_ports[1]
    eventually(lambda: asyncio.run(scrape(port))["notifications_loop_lag_seconds_count"])


async def scrape(port: int) -> dict[str, float]:
    status, text, _ = await get(f"http://127.0.0.1:{port}/metrics")
    assert status == 200
    families = text_string_to_metric_families(text)
    return {sample.name: sample.value for family in families for sample in family.samples}


@pytest.mark.parametrize("command", [["serve", "--port", str(free_port())], ["serve_tornado", "--port", "0"]])
def test_a_metrics_port_that_is_taken_is_named(production: Production, command: list[str]) -> None:
    taken = str(production.metrics_ports[0])
    done = production.manage(*command, "--metrics-port", taken, check=False)
    assert done.returncode == 1
    assert f"Cannot serve metrics on 127.0.0.1, port {taken}: Address already in use." in done.stderr


def test_the_proxy_names_a_request(production: Production) -> None:
    named = {"X-Request-Id": "0123456789abcdef0123456789abcdef"}
    assert (
        asyncio.run(get(f"{production.urls[0]}/livez", **named))[2]["X-Request-Id"] == named["X-Request-Id"]
    )


@pytest.mark.parametrize("origin", ["http://shop.example", "https://shop.example.evil.example", "null"])
def test_another_origin_opens_no_socket(production: Production, origin: str) -> None:
    async def knock() -> None:
        headers = PROXIED | {"Origin": origin, "Cookie": "sessionid=x"}
        async with aiohttp.ClientSession() as http:
            await http.ws_connect(f"{production.urls[0]}/ws/notifications/", headers=headers)

    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        asyncio.run(knock())
    assert refusal.value.status == 403


def test_what_one_process_commits_reaches_the_sockets_of_another(production: Production) -> None:
    async def listen() -> dict[str, Any]:
        headers = PROXIED | {"Origin": "https://shop.example"}
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(
                f"{production.urls[1]}/ws/notifications/", headers=headers, protocols=["shop-notify.v1"]
            ) as socket,
        ):
            await socket.send_json({"t": "hello"})
            assert (await socket.receive_json(timeout=10))["t"] == "welcome"
            await socket.send_json({"t": "sub", "id": 1, "stream": "product:ebb"})
            assert (await socket.receive_json(timeout=10))["t"] == "ok"
            await asyncio.to_thread(production.manage, "shell", "-v0", "-c", RECEIVE_STOCK)
            return json.loads(await socket.receive_str(timeout=15))

    frame = asyncio.run(listen())
    assert (frame["t"], frame["k"], frame["d"]) == (
        "ev",
        "stock",
        {"sku": "EBB", "available": 3, "reserved": 0, "here": 3, "lead_days": None},
    )
