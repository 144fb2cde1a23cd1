"""Daphne with the short way to the socket says the same as Daphne's own, byte for byte but for the order of headers."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from djmoney.money import Money

from shop.catalog.models import Product, Variant
from tests.live import live_shop
from tests.project.wire import Told

pytestmark = pytest.mark.django_db(transaction=True)
PATHS = [
    "/api/v1/products/ebb/",
    "/products/ebb/",
    "/api/v1/facets/",
    "/livez",
    "/cart/",
    "/account/",
    "/nothing/",
]


class Connection:
    """Of a client that says what it likes."""

    def __init__(self, url: str, receives: int = 0) -> None:
        self.socket = socket.socket()
        if receives:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", int(url.rpartition(":")[2])))

    def say(self, *lines: str) -> None:
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def hear(self, method: str = "GET") -> Told:
        answer = http.client.HTTPResponse(self.socket, method=method)
        answer.begin()
        headers = [(name.lower().encode(), value.encode("latin1")) for name, value in answer.getheaders()]
        return Told(answer.status, headers, answer.read())

    def is_closed(self) -> bool:
        self.socket.settimeout(0.3)
        try:
            return self.socket.recv(1) == b""
        except TimeoutError:
            return False


def said(url: str, path: str) -> list[object]:
    """What is heard of each way to ask, and whether the connection stays."""
    heard: list[object] = []
    host, etag = "Host: 127.0.0.1", ""
    for _ in range(3):  # until it is answered ahead of Django
        one = Connection(url)
        one.say(f"GET {path} HTTP/1.1", host)
        etag = one.hear().header(b"etag").decode() or '"none"'
        one.say(f"GET {path} HTTP/1.1", host, f"If-None-Match: {etag}")
        one.hear()
    for lines, method in (
        ([f"GET {path} HTTP/1.1", host], "GET"),
        ([f"GET {path} HTTP/1.1", host, f"If-None-Match: {etag}"], "GET"),
        ([f"GET {path} HTTP/1.1", host, "Connection: close"], "GET"),
        ([f"GET {path} HTTP/1.0", host], "GET"),
        ([f"HEAD {path} HTTP/1.1", host], "HEAD"),
        ([f"GET {path} HTTP/1.1", host, "Cookie: tide=low"], "GET"),
        ([f"GET {path}?tide=low HTTP/1.0", host, "Cookie: tide=low"], "GET"),
        ([f"POST {path} HTTP/1.1", host, "Content-Length: 0"], "POST"),
        ([f"OPTIONS {path} HTTP/1.1", host, "Connection: close"], "OPTIONS"),
        ([f"GET {path} HTTP/1.1", "Host: elsewhere"], "GET"),
    ):
        one = Connection(url)
        one.say(*lines)
        heard.append((lines[1:], one.hear(method).without_its_own(), one.is_closed()))
    one = Connection(url)
    one.socket.sendall(f"GET {path} HTTP/1.1\r\n{host}\r\n\r\n".encode() * 5)
    reader = _Buffered(one.socket)
    heard.append([reader.hear().without_its_own() for _ in range(5)])
    return heard


class _Buffered(Connection):
    """Answers that come one behind another."""

    def __init__(self, of: socket.socket) -> None:
        self.file = of.makefile("rb")

    def hear(self, method: str = "GET") -> Told:
        status = int(self.file.readline().split()[1])
        headers = []
        while (line := self.file.readline()) != b"\r\n":
            name, _, value = line.rstrip().partition(b": ")
            headers.append((name.lower(), value))
        length = int(dict(headers)[b"content-length"])
        return Told(status, headers, self.file.read(length))


def test_both_say_the_same(make_variant: Callable[..., Variant], delivery: object) -> None:
    make_variant(slug="ebb", title="Ebb")
    same = {"PUBLIC_URL": "http://localhost:8000"}
    with (
        live_shop(**same) as short,
        live_shop(LEAN_HTTP="off", **same) as plain,
        ThreadPoolExecutor(2) as threads,  # it is mostly waiting
    ):
        for path in PATHS:
            ours, theirs = threads.map(lambda shop, path=path: said(shop.url, path), (short, plain))
            for one, other in zip(ours, theirs, strict=True):
                assert one == other, path


def test_who_reads_slowly_gets_all_of_it(make_variant: Callable[..., Variant]) -> None:
    first = make_variant(slug="ebb", title="Ebb").product
    for number in range(90):
        other = Product.objects.create(
            category=first.category, title=f"No {number}", slug=f"no-{number}", artist="x"
        )
        other.variants.create(sku=f"NO-{number}", price=Money("9", "EUR"), weight_g=1)
    with live_shop() as shop:
        path = "/api/v1/products/?limit=100"
        for _ in range(3):
            one = Connection(shop.url)
            one.say(f"GET {path} HTTP/1.1", "Host: 127.0.0.1")
            whole = one.hear()
        slow = Connection(shop.url, receives=4096)
        slow.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() * 20)
        time.sleep(0.5)
        reader = _Buffered(slow.socket)
        assert all(reader.hear().body == whole.body for _ in range(20))


def test_requests_that_come_at_once_on_one_connection_have_a_thread_each(
    make_variant: Callable[..., Variant],
) -> None:
    """The server begins the second in the midst of the first, whose thread soon belongs to somebody else."""
    make_variant(slug="ebb", title="Ebb")
    begins, host = "GET /cart/ HTTP/1.1", "Host: 127.0.0.1"
    waits = "GET /api/v1/events/?stream=product:ebb&wait=0 HTTP/1.1"  # gives its thread back
    with live_shop() as shop:
        for _ in range(3):
            one, other = Connection(shop.url), Connection(shop.url)
            one.say(begins, host, "", waits, host)
            reader = _Buffered(one.socket)
            assert [reader.hear().status for _ in range(2)] == [200, 200]
            other.say(begins, host)
            assert other.hear().status == 200
