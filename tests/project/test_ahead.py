"""Ahead of Django: the same answers as Django's own, and never older than the last commit."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import time_machine
from django.core.asgi import get_asgi_application
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.db import OperationalError, connection
from django.middleware.csrf import CSRF_ALLOWED_CHARS, _does_token_match
from django.test import Client
from django.utils import timezone
from djmoney.money import Money

from shop.ahead import Ahead
from shop.ahead.asking import ACCEPT, COOKIE, ETAG, HOST, LEFT_TO_DJANGO, NAME
from shop.ahead.tokens import new_secret, token_of
from shop.catalog.models import Variant
from shop.inventory.services import receive
from shop.rendered import memory
from shop.shipping.models import ShippingMethod
from tests.project.wire import COMMON, TOKEN, Told, ask, plus, request

pytestmark = pytest.mark.django_db(transaction=True)

API = [
    *("/api/v1/products/", "/api/v1/products/?include=variants&sort=price", "/api/v1/products/ebb/"),
    *(
        "/api/v1/products/ebb/related/",
        "/api/v1/facets/",
        "/api/v1/categories/",
        "/api/v1/suggestions/?q=ebb",
    ),
]
PAGES = ["/", "/products/", "/products/?sort=price", "/categories/swell/", "/products/ebb/"]
SECRET = "q" * 32
BROWSER = [
    (b"host", b"localhost"),
    (b"accept", b"text/html,application/xhtml+xml,*/*;q=0.8"),
    (b"accept-language", b"en-IE"),
    (b"accept-encoding", b"gzip, br"),
    (b"referer", b"http://localhost/products/"),
    (b"sec-fetch-site", b"same-origin"),
    (b"cache-control", b"max-age=0"),
]


@pytest.fixture
def django() -> ASGIHandler:
    return get_asgi_application()


@pytest.fixture
def ahead(django: ASGIHandler) -> Iterator[Ahead]:
    layer = Ahead(django)
    yield layer
    layer.close()


async def warm(ahead: Ahead, path: str, headers: list[tuple[bytes, bytes]] = COMMON, **more: Any) -> Told:
    """Until it is answered ahead of Django."""
    for _ in range(4):
        hits = ahead.hits
        told = await ask(ahead, request(path, headers, **more))
        if ahead.hits > hits:
            return told
    raise AssertionError(f"{path} was never answered ahead of Django")


def usual(etag: bytes) -> list[dict[str, Any]]:
    """What is answered ahead of Django; `etag` is the API's."""
    return [
        request("", COMMON),
        request("", BROWSER),
        request("", COMMON, http_version="1.0"),
        request("", COMMON, client=["2001:db8::1", 5]),
        request("", [(b"host", b"localhost")]),
        request("", plus((b"cookie", f"csrftoken={SECRET}".encode()))),
        request("", plus((b"x-request-id", b"0123456789abcdef"))),
        request("", plus((b"x-forwarded-for", b"10.0.0.1"), (b"x-forwarded-host", b"elsewhere"))),
        request("", plus((b"hx-request", b"true"), (b"origin", b"https://elsewhere"))),
        *(
            [request("", plus((b"if-none-match", one))) for one in (etag, b"W/" + etag, b'"older"')]
            if etag
            else []
        ),
    ]


def unusual(etag: bytes) -> list[dict[str, Any]]:
    """What is left to Django."""
    headers = [
        *((b"authorization", b"Bearer nothing"), (b"authorization", b"Basic bm9ib2R5Om5vYm9keQ==")),
        *((b"range", b"bytes=0-9"), (b"if-match", etag or b"*"), (b"if-match", b'"older"')),
        *((b"if-none-match", b"*"), (b"if-none-match", b'"older", ' + etag), (b"if-none-match", b"older")),
        (b"if-modified-since", b"Sat, 28 Nov 2026 09:00:00 GMT"),
        (b"if-unmodified-since", b"Sat, 28 Nov 2020 09:00:00 GMT"),
        *((b"cookie", b"sessionid=nothing"), (b"cookie", b"csrftoken=short"), (b"cookie", b"a=b; c=d")),
        (b"cookie", f"csrftoken={SECRET}; sessionid=nothing".encode()),
        *((b"content-length", b"0"), (b"content-type", b"application/json")),
        *((b"host", b"elsewhere.example"), (b"accept", b"text/html")),
    ]
    others = [
        b"elsewhere.example",
        b"localhost:8000",
        b"LOCALHOST",
        b"localhost.",
        b"",
        b"local host",
        b"[::1",
    ]
    return [
        *(request("", plus(header)) for header in headers),
        *(request("", [(b"host", host), (b"accept", b"*/*")]) for host in others),
        request("", [(b"accept", b"*/*")]),
        *(request("", COMMON, method=method) for method in ("HEAD", "OPTIONS", "POST", "DELETE", "get")),
        request("", COMMON, scheme="https"),
        request("", COMMON, root_path="/shop"),
        request("", COMMON, query_string=b"q=\xff"),
    ]


def test_every_answer_of_the_api_is_djangos_own(
    ahead: Ahead, django: ASGIHandler, prints: Variant, settings: Any
) -> None:
    settings.API_LIMITS = {**settings.API_LIMITS, "read": (100_000, 60)}
    asyncio.run(_compare(ahead, django, API, {"text/plain", "text/html;q=0.9", "*/*;q=0"}))


def test_every_page_is_djangos_own(ahead: Ahead, django: ASGIHandler, prints: Variant) -> None:
    asyncio.run(_compare(ahead, django, PAGES, set()))


async def _compare(ahead: Ahead, django: ASGIHandler, paths: list[str], refused: set[str]) -> None:
    for path in paths:
        etag = (await warm(ahead, path)).header(b"etag")
        if etag:
            assert (await warm(ahead, path, plus((b"if-none-match", etag)))).status == 304
        for scope, is_hit in (
            *((scope, True) for scope in usual(etag)),
            *((scope, False) for scope in unusual(etag)),
            *((request("", [COMMON[0], (b"accept", one.encode())]), False) for one in refused),
        ):
            scope |= {key: request(path)[key] for key in ("path", "raw_path")}
            scope["query_string"] = scope["query_string"] or request(path)["query_string"]
            if not is_hit:  # so that the API has it in memory for both
                await ask(django, dict(scope))
            hits = ahead.hits
            ours = await ask(ahead, dict(scope))
            what = (path, scope["method"], scope["headers"], scope["query_string"])
            assert (ahead.hits > hits) is is_hit, what
            assert ours.without_its_own() == (await ask(django, dict(scope))).without_its_own(), what


class Watched(dict):
    """META that remembers what it was asked for."""

    asked: set[str]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.asked = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)


def test_nothing_else_of_a_request_matters_to_django(prints: Variant) -> None:
    """So that a middleware added later, which reads what is not looked at ahead of it, does not go unnoticed."""

    class WatchedRequest(ASGIRequest):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.META = Watched(self.META)
            asked_by.append(self.META.asked)

    asked_by: list[set[str]] = []
    django = get_asgi_application()
    django.request_class = WatchedRequest
    for path in [*API, *PAGES]:
        asyncio.run(ask(django, request(path)))
        asyncio.run(ask(django, request(path)))
    asked = set().union(*asked_by)
    looked_at = {HOST, ACCEPT, COOKIE, ETAG, NAME} | LEFT_TO_DJANGO
    read = {f"HTTP_{name.decode().upper().replace('-', '_')}" for name in looked_at}
    ours = {"CSRF_COOKIE", "CSRF_COOKIE_NEEDS_UPDATE"}  # which Django notes there
    of_the_scope = {"REMOTE_ADDR", "QUERY_STRING", "REQUEST_METHOD", "PATH_INFO", "SCRIPT_NAME"}
    elsewhere = {
        "CONTENT_LENGTH",
        "CONTENT_TYPE",
        "HTTP_USER_AGENT",
    }  # the last with DISALLOWED_USER_AGENTS alone
    assert asked - read - ours - of_the_scope <= elsewhere


def elsewhere(work: Callable[[], object]) -> None:
    """Committed by another thread, as another process would."""

    def run() -> None:
        work()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)


def test_every_change_is_in_the_next_read(ahead: Ahead, prints: Variant) -> None:
    async def read_on() -> None:
        for number, path in enumerate([API[0], API[2], *PAGES], start=30):
            before = (await warm(ahead, path)).body
            assert (await warm(ahead, path)).without_its_own()[2] == TOKEN.sub(rb"\1its own", before)
            price = Money(number, "EUR")
            change = partial(Variant.objects.filter(pk=prints.pk).update, price=price)
            await asyncio.to_thread(elsewhere, change)
            after = (await ask(ahead, request(path))).body
            assert str(number).encode() in after, path
            assert TOKEN.sub(b"", after) != TOKEN.sub(b"", before), path

    asyncio.run(read_on())


def test_what_it_costs_to_send_is_in_the_next_read(ahead: Ahead, prints: Variant) -> None:
    async def read_on() -> None:
        await warm(ahead, PAGES[-1])
        await asyncio.to_thread(elsewhere, lambda: ShippingMethod.objects.update(price=Money("7.77", "EUR")))
        assert "€7.77".encode() in (await ask(ahead, request(PAGES[-1]))).body

    asyncio.run(read_on())


def test_nothing_is_kept_beyond_the_day(prints: Variant) -> None:
    """A page says on which day a parcel would be there."""
    last_moment = timezone.localtime().replace(hour=23, minute=59, second=58, microsecond=0)
    with time_machine.travel(last_moment, tick=False):
        memory.forget()
        assert memory.begin().until == last_moment.timestamp() + 2


def test_reads_that_come_together_share_a_look(ahead: Ahead, prints: Variant) -> None:
    async def crowd() -> int:
        await warm(ahead, API[0])
        looks, hits = memory.looks, ahead.hits
        told = await asyncio.gather(*(ask(ahead, request(API[0])) for _ in range(200)))
        left = [int(one.header(b"ratelimit-remaining")) for one in told]
        assert sorted(left, reverse=True) == list(range(max(left), max(left) - 200, -1))
        assert ahead.hits == hits + 200
        return memory.looks - looks

    assert 1 <= asyncio.run(crowd()) <= 2


def test_what_a_change_dropped_is_rendered_once_for_all_who_want_it(ahead: Ahead, prints: Variant) -> None:
    asked: list[str] = []
    django = ahead._application

    async def noted(scope: dict[str, Any], *rest: Any) -> None:
        asked.append(scope["path"])
        await django(scope, *rest)

    ahead._application = noted

    async def crowd(path: str) -> None:
        await warm(ahead, path)
        await asyncio.to_thread(elsewhere, lambda: receive(Variant.objects.get(pk=prints.pk), 5))
        asked.clear()
        told = await asyncio.gather(*(ask(ahead, request(path)) for _ in range(50)))
        assert len({one.without_its_own()[2] for one in told}) == 1

    for path, most in ((PAGES[1], 1), (API[0], 2)):
        asyncio.run(crowd(path))
        # All of them look, and find it gone; the first to be told has it rendered.
        assert 1 <= len(asked) <= most


def test_a_look_under_way_is_not_enough(ahead: Ahead, prints: Variant) -> None:
    """What was committed before a read was asked is in its answer, also where a look had begun before the commit."""
    inside, go_on = threading.Event(), threading.Event()

    def slow(execute: Callable, sql: str, params: object, many: bool, context: dict) -> object:
        result = execute(sql, params, many, context)
        inside.set()
        go_on.wait(20)
        return result

    async def read_on() -> None:
        await warm(ahead, API[2])
        ahead._looks._thread.submit(lambda: connection.execute_wrappers.append(slow)).result()
        early = asyncio.create_task(ask(ahead, request(API[2])))
        assert await asyncio.to_thread(inside.wait, 20)
        await asyncio.to_thread(elsewhere, lambda: receive(Variant.objects.get(pk=prints.pk), 77))
        late = asyncio.create_task(ask(ahead, request(API[2])))
        await asyncio.sleep(0.05)
        go_on.set()
        assert b'"available":10' in (await early).body.replace(b" ", b"")
        assert b'"available":87' in (await late).body.replace(b" ", b"")

    asyncio.run(read_on())


def test_whoever_asks_too_often_is_refused_by_django(ahead: Ahead, prints: Variant, settings: Any) -> None:
    settings.API_LIMITS = {**settings.API_LIMITS, "read": (6, 3600)}

    async def insist() -> list[Told]:
        return [await ask(ahead, request(API[0])) for _ in range(9)]

    told = asyncio.run(insist())
    assert [one.status for one in told] == [200] * 6 + [429] * 3
    assert ahead.hits == 4
    assert [one.header(b"ratelimit-remaining") for one in told[:6]] == [b"5", b"4", b"3", b"2", b"1", b"0"]


def test_a_guest_buys_from_a_page_that_was_kept(ahead: Ahead, prints: Variant) -> None:
    page = asyncio.run(warm(ahead, PAGES[-1]))
    cookie = page.header(b"set-cookie").decode().partition(";")[0].partition("=")[2]
    tokens = re.findall(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page.body)
    again = asyncio.run(ask(ahead, request(PAGES[-1], plus((b"cookie", f"csrftoken={cookie}".encode())))))
    assert ahead.hits == 2
    assert again.header(b"set-cookie").startswith(f"csrftoken={cookie};".encode())
    others = re.findall(rb'name="csrfmiddlewaretoken" value="([^"]+)"', again.body)
    assert len({*tokens, *others}) == 2  # each page's forms have one
    for token in (tokens[0], others[0]):
        client = Client(enforce_csrf_checks=True)
        client.cookies["csrftoken"] = cookie
        form = {"variant": prints.pk, "quantity": 1, "csrfmiddlewaretoken": token.decode()}
        assert client.post("/cart/add/", form).status_code == 302
        assert client.post("/cart/add/", form | {"csrfmiddlewaretoken": "q" * 64}).status_code == 403


def test_tokens_are_what_django_unmasks() -> None:
    secrets = [new_secret() for _ in range(200)]
    assert len({*secrets}) == 200
    assert {*"".join(secrets)} == {*CSRF_ALLOWED_CHARS}
    for secret in secrets:
        tokens = [token_of(secret).decode() for _ in range(3)]
        assert len({*tokens}) == 3
        assert all(_does_token_match(token, secret) for token in tokens)


def test_a_print_in_a_drop_is_never_kept(
    ahead: Ahead, make_drop: Callable[..., Any], prints: Variant
) -> None:
    make_drop(prints)

    async def insist() -> None:
        for _ in range(4):
            assert (await ask(ahead, request("/products/ebb/"))).status == 200

    asyncio.run(insist())
    assert ahead.hits == 0


def test_without_the_log_all_is_djangos(ahead: Ahead, prints: Variant) -> None:
    def away(execute: Callable, sql: str, params: object, many: bool, context: dict) -> object:
        raise OperationalError("away")

    async def read_on() -> Told:
        await warm(ahead, API[0])
        ahead._looks._thread.submit(lambda: connection.execute_wrappers.append(away)).result()
        return await ask(ahead, request(API[0]))

    assert asyncio.run(read_on()).status == 200
    assert ahead.hits == 1


def test_behind_a_proxy_the_scheme_is_the_proxys(django: ASGIHandler, prints: Variant, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT, settings.PRODUCTION = True, True
    ahead = Ahead(get_asgi_application())
    https = plus((b"x-forwarded-proto", b"https"), (b"x-request-id", b"given-by-the-proxy"))

    async def read_on() -> None:
        told = await warm(ahead, API[0], https)
        assert told.header(b"x-request-id") == b"given-by-the-proxy"
        assert b"https://localhost/" in told.body
        hits = ahead.hits
        for proto, status in ((b"http", 301), (b"https, http", 200), (b"http, https", 301), (b"", 301)):
            told = await ask(ahead, request(API[0], plus((b"x-forwarded-proto", proto))))
            assert told.status == status
        assert (await ask(ahead, request(API[0]))).status == 301
        assert ahead.hits == hits

    asyncio.run(read_on())
    ahead.close()
