"""Log lines say which request, order and connection they are about, and nothing about people."""

import asyncio
import json
import logging
import re
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from django.test import AsyncClient, Client, RequestFactory

from accounts.models import User
from notifications.identity import issue_ticket
from notifications.log_context import about, begin, bind, log_context
from shop.catalog.models import Variant
from shop.logs import JsonLines, LineFormatter
from shop.orders.models import Order
from shop.payments.models import Payment
from shop.shipping.models import ShippingMethod
from tests.buyer import Buyer
from tests.live import LiveShop, live_shop
from tests.waiting import eventually

SEARCHED = "Querystringson"
QUOTING = 'duplicate key\nDETAIL:  Key (email)=(Nora B) already exists.\n{"nora@example.com": 550}'
SECRET_PATH = "/accounts/password/reset/key/1-d2k9fx-8f3ab0c1deadbeef8f3ab0c1deadbeef/"


async def buy(shop: LiveShop, variant: Variant) -> tuple[Order, list[str]]:
    """A guest searches, orders, pays, watches the order and is refused a few things; and what was secret in it."""
    async with Buyer(shop.url) as buyer:
        await buyer.get(f"/search/?q={SEARCHED}")
        await buyer.fill_cart(variant.product.slug, variant.pk)
        await buyer.go_to_delivery()
        await buyer.place_order()
        order = await Order.objects.aget()
        assert (await buyer.get(f"/checkout/{order.public_id}/pay/"))[0] == 200
        payment = await Payment.objects.aget()
        await asyncio.to_thread(pay, shop, payment)
        assert "Paid" in (await buyer.get(f"/checkout/{order.public_id}/return/"))[1]
        # Refused: a form without its token, a stranger's password, a page that is not there, a key that is not good.
        async with buyer.http.post(f"/orders/{order.public_id}/cancel/", data={"why": "Nora"}) as answer:
            assert answer.status == 403
        buyer.read_form((await buyer.get("/accounts/login/"))[1])
        await buyer.post("/accounts/login/", login="nora@example.com", password="not-hers-at-all")
        assert (await buyer.get(f"/orders/{order.public_id}/nora@example.com"))[0] == 404
        await buyer.get(SECRET_PATH)
        cookies = [morsel.value for morsel in buyer.http.cookie_jar]
    secrets = [order.public_id, payment.client_secret, *cookies, SECRET_PATH.split("/")[-2]]
    assert len(cookies) >= 2
    return order, secrets


def pay(shop: LiveShop, payment: Payment) -> None:
    fields = urllib.parse.urlencode({"payment_method": "pm_card_visa", "return_url": shop.url}).encode()
    url = f"{shop.url}/sandbox/stripe/v1/payment_intents/{payment.intent_id}/confirm"
    request = urllib.request.Request(url, fields, {"Authorization": "Bearer sk_test_sandbox"})
    urllib.request.urlopen(request, timeout=20).close()


async def talk(shop: LiveShop, ticket: str, stream: str) -> str:
    """Opens a socket, follows a stream, and says something that ends it; the connection's name."""
    async with Buyer(shop.url) as buyer:
        socket = await buyer.http.ws_connect("/ws/notifications/", protocols=["shop-notify.v1"])
        await socket.send_json({"t": "hello", "ticket": ticket})
        welcome = await socket.receive_json(timeout=10)
        await socket.send_json({"t": "sub", "id": 1, "stream": stream})
        assert (await socket.receive_json(timeout=10))["t"] in {"ok", "err"}
        await socket.send_str("nora@example.com")
        assert (await socket.receive_json(timeout=10))["code"] == 4506
        return welcome["conn"]


def lines(shop: LiveShop) -> tuple[list[dict[str, Any]], list[str]]:
    """What the server wrote to its log, and what else it printed."""
    (log,) = shop.data.glob("server-*.log")
    written = log.read_text().splitlines()
    return [json.loads(line) for line in written if line[:1] == "{"], [
        line for line in written if line[:1] != "{"
    ]


@pytest.mark.django_db(transaction=True)
def test_a_purchase_is_logged_without_a_word_about_people(
    make_variant: Callable[..., Variant], delivery: ShippingMethod, customer: User
) -> None:
    variant = make_variant(stock=3)
    with live_shop(LOG_LEVEL="INFO", LOG_FORMAT="json") as shop:
        order, secrets = asyncio.run(buy(shop, variant))
        secrets.append(issue_ticket(customer))
        connection = asyncio.run(talk(shop, secrets[-1], order.stream))
        eventually(lambda: list(shop.data.glob("mail/*")))
        eventually(lambda: "ended: 4506" in json.dumps(lines(shop)))  # logged after the client was told
        rows, rest = lines(shop)

    said = "\n".join(map(json.dumps, rows)).lower()
    # (Not "d13", which the random numbers of requests may hold.)
    people = ["nora", "byrne", "harbour row", "howth", "f6k7", "127.0.0.1", SEARCHED, *secrets]
    assert [word for word in people if word.lower() in said] == []
    assert [line for line in rest if line and not line.startswith("Serving on ")] == []

    answered = {row["route"]: row for row in rows if row["logger"] == "shop.request_ids"}
    assert {"/search/", "/accounts/login/", "/checkout/"} <= answered.keys()
    paid = answered["/checkout/<slug:public_id>/return/"]
    assert (paid["order"], paid["status"]) == (order.number, 302)
    assert len({row["request"] for row in answered.values()}) == len(answered)
    refused = [row for row in rows if row["logger"] == "django.security.csrf"]
    assert [row["message"].rpartition(": ")[2] for row in refused] == ["/orders/<slug:public_id>/cancel/"]
    ended = [row for row in rows if row["logger"] == "notifications.conversation"]
    assert [(row["connection"], row["message"][:11]) for row in ended] == [(connection, "ended: 4506")]


@pytest.fixture(autouse=True)
def nothing_yet() -> None:
    begin()


@pytest.fixture
def log() -> Callable[..., dict[str, Any]]:
    """One line of JSON, as `log(text, *arguments, **what_the_record_carries)`."""

    def line(text: str, *arguments: object, exc_info: Any = None, **extra: object) -> dict[str, Any]:
        record = logging.LogRecord("test", logging.ERROR, __file__, 1, text, arguments, exc_info)
        record.__dict__.update(extra)
        assert JsonLines().format(record).count("\n") == 0
        for formatter in (JsonLines(), LineFormatter()):
            assert "nora" not in formatter.format(record).lower()
        return json.loads(JsonLines().format(record))

    return line


def test_what_others_log_of_people_is_left_out(log: Callable[..., dict[str, Any]]) -> None:
    told = "<WebRequest at 0x7f method=GET uri=/search/?q=nora clientproto=HTTP/1.1> took too long"
    assert log("%s", told)["message"] == told.replace("/search/?q=nora", "<left out>")
    uncaught = "Uncaught exception GET /ws/ (203.0.113.7) remote_ip='203.0.113.7' (2001:db8::7)"
    assert (
        log(uncaught)["message"]
        == "Uncaught exception GET /ws/ (<left out>) remote_ip=<left out> (<left out>)"
    )
    try:
        raise ValueError(QUOTING)
    except ValueError as error:
        line = log("no mail to %s", "nora@example.com", exc_info=(ValueError, error, error.__traceback__))
    assert line["message"] == "no mail to <e-mail>"
    assert "duplicate key\nDETAIL: <left out>\n" in line["exception"]


@pytest.mark.parametrize("path", ["/orders/nora-1/", "/orders/nörå/1", "/orders/nora%0a1/"])
def test_a_path_is_told_by_its_pattern(log: Callable[..., dict[str, Any]], path: str) -> None:
    request = RequestFactory().get(path, {"q": "nora"})
    escaped = request.path.encode("unicode_escape").decode()
    line = log("Not Found: %s", escaped, request=request, status_code=404)
    assert line["message"] == "Not Found: /orders/…"
    assert {"request", "status_code"}.isdisjoint(line)


def test_a_line_says_what_it_is_about(log: Callable[..., dict[str, Any]]) -> None:
    with about(request="r1"):
        bind(order="BW-1")
        with about(stream="order:1"):
            assert log("moved").items() >= {"request": "r1", "order": "BW-1", "stream": "order:1"}.items()
        assert "stream" not in log("moved")
        record = logging.LogRecord("test", logging.INFO, __file__, 1, "moved", (), None)
        assert LineFormatter().format(record).endswith(" INFO test: moved [request=r1 order=BW-1]")
    assert dict(log_context()) == {}


@pytest.mark.parametrize(
    ("given", "taken"),
    [("ab12cd34ef56", True), ("short", False), ("no spaces, please", False), ("x" * 65, False)],
)
def test_a_request_is_named_by_the_proxy_or_here(settings: Any, given: str, taken: bool) -> None:
    headers = {"x-request-id": given}

    def names() -> list[str]:
        answers = [Client().get("/livez", headers=headers)]
        answers.append(asyncio.run(AsyncClient().get("/livez", headers=headers)))
        return [answer.headers["X-Request-Id"] for answer in answers]

    here = names()
    settings.PRODUCTION = True
    proxied = names()
    assert [name == given for name in (*here, *proxied)] == [False, False, taken, taken]
    assert all(re.fullmatch(r"[0-9a-f]{16}", name) for name in (*here, *proxied) if name != given)
