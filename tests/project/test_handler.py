"""The handler with fewer threads answers, fails, hears and cleans up as Django's own does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib import messages
from django.core import signals
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import include, path

from notifications.threads import give_thread_back
from shop.catalog.models import Product, Variant
from shop.handler import LeanHandler
from tests.project.wire import COMMON, ask, plus, request

pytestmark = pytest.mark.django_db(transaction=True)

seen: list[str] = []
begun: list[asyncio.Event] = []


async def waits(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse("waited")


async def breaks(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


async def is_not_there(request: HttpRequest) -> HttpResponse:
    raise Http404


def breaks_in_a_thread(request: HttpRequest) -> HttpResponse:
    Product.objects.count()
    raise ZeroDivisionError


async def reads(request: HttpRequest) -> HttpResponse:
    count = await sync_to_async(Product.objects.count)()
    return HttpResponse(str(count))


async def reads_around_a_wait(request: HttpRequest) -> HttpResponse:
    before = await sync_to_async(Product.objects.count)()
    await give_thread_back()
    return HttpResponse(f"{before} {await sync_to_async(Product.objects.count)()}")


def remembers(request: HttpRequest) -> HttpResponse:
    request.session["tide"] = request.session.get("tide", 0) + 1
    messages.info(request, "The tide turns.")
    return HttpResponse(str(request.session["tide"]))


async def streams(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[str]:
        for number in range(3):
            await asyncio.sleep(0)
            yield f"{number} "

    return StreamingHttpResponse(parts())


async def never(request: HttpRequest) -> HttpResponse:
    begun[-1].set()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        seen.append("cancelled")
        raise
    return HttpResponse()


def posts(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.POST.get('wave')} {len(request.body)}")


VIEWS = [waits, breaks, is_not_there, breaks_in_a_thread, reads, reads_around_a_wait, remembers]
VIEWS += [streams, never, posts]  # type: ignore[list-item]
urlpatterns = [
    *(path(f"{view.__name__}/", view) for view in VIEWS),
    path("", include("shop.urls")),
]
handler400 = "shop.storefront.errors.bad_request"
handler404 = "shop.storefront.errors.not_found"
handler500 = "shop.storefront.errors.server_error"


@pytest.fixture(autouse=True)
def these_views(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    seen.clear()


@pytest.fixture
def lean() -> Iterator[LeanHandler]:
    handler = LeanHandler()
    yield handler
    handler.close()


@pytest.fixture
def handlers(lean: LeanHandler) -> tuple[ASGIHandler, LeanHandler]:
    return ASGIHandler(), lean


FORM = (b"content-type", b"application/x-www-form-urlencoded")
PATHS = ["/", "/products/ebb/", "/products/", "/cart/", "/api/v1/products/", "/livez", "/readyz"]
REQUESTS: list[tuple[dict[str, Any], bytes]] = [
    *((request(one), b"") for one in PATHS),
    *((request(f"/{view.__name__}/"), b"") for view in VIEWS if view is not never),
    *((request("/waits/", COMMON, method=method), b"") for method in ("HEAD", "OPTIONS", "POST", "PURGE")),
    (request("/waits"), b""),
    (request("/nothing/"), b""),
    (request("/accounts/"), b""),
    (request("/products/nothing/"), b""),
    (request("/api/v1/nothing/"), b""),
    (request("/account/"), b""),
    (request("/admin/"), b""),
    (request("/static/storefront/css/breakwater.css"), b""),
    (request("/static/storefront/css/breakwater.css", plus((b"range", b"bytes=0-9"))), b""),
    (request("/waits/", [(b"host", b"elsewhere.example")]), b""),
    (request("/waits/", COMMON, query_string=b"a=\xff"), b""),
    (request("/waits/", plus((b"cookie", b"sessionid=nothing; csrftoken=short"))), b""),
    (request("/posts/", plus(FORM), method="POST"), b"wave=3"),
    (request("/posts/", plus(FORM, (b"cookie", b"csrftoken=" + b"q" * 32)), method="POST"), b"wave=3"),
    (request("/api/v1/cart/lines/", plus((b"content-type", b"application/json")), method="POST"), b"{]"),
    (request("/webhooks/stripe/", plus((b"content-type", b"application/json")), method="POST"), b"{}"),
    (request("/api/v1/events/", COMMON), b""),
    (request("/api/v1/events/?stream=product:ebb&wait=0", COMMON), b""),
]


def test_every_answer_is_djangos(handlers: tuple[ASGIHandler, LeanHandler], prints: Variant) -> None:
    """Each twice, so that the lean one has threads that were used before."""

    async def compare() -> None:
        for scope, body in [*REQUESTS, *REQUESTS]:
            await ask(handlers[0], dict(scope), body)  # what is kept of it is there for both
            theirs, ours = [await ask(handler, dict(scope), body) for handler in handlers]
            assert ours.without_its_own() == theirs.without_its_own(), scope["path"]

    asyncio.run(compare())


def test_a_form_is_taken_with_its_token_and_refused_without(
    handlers: tuple[ASGIHandler, LeanHandler], prints: Variant
) -> None:
    async def post(handler: ASGIHandler, token: bytes) -> Any:
        cookie = (b"cookie", b"csrftoken=" + b"q" * 32)
        scope = request("/posts/", plus(FORM, cookie), method="POST")
        return await ask(handler, scope, b"wave=3&csrfmiddlewaretoken=" + token)

    for handler in handlers:
        assert asyncio.run(post(handler, b"q" * 32)).body == b"3 59"
        assert asyncio.run(post(handler, b"p" * 32)).status == 403


def test_sessions_and_messages_are_written(handlers: tuple[ASGIHandler, LeanHandler]) -> None:
    async def remember(handler: ASGIHandler) -> list[bytes]:
        told = await ask(handler, request("/remembers/"))
        cookies = [value.partition(b";")[0] for name, value in told.headers if name == b"Set-Cookie"]
        assert {cookie.partition(b"=")[0] for cookie in cookies} == {b"sessionid", b"messages"}
        again = await ask(handler, request("/remembers/", plus((b"cookie", b"; ".join(cookies)))))
        return [told.body, again.body]

    for handler in handlers:
        assert asyncio.run(remember(handler)) == [b"1", b"2"]


def test_signals_are_sent_once_and_listeners_hear_them_where_they_did(
    handlers: tuple[ASGIHandler, LeanHandler], prints: Variant
) -> None:
    heard: list[tuple[str, type, bool]] = []
    loop = threading.current_thread()

    def started(sender: type, scope: dict[str, Any], **_: Any) -> None:
        heard.append(("started", sender, threading.current_thread() is loop))

    def finished(sender: type, **_: Any) -> None:
        heard.append(("finished", sender, threading.current_thread() is loop))

    signals.request_started.connect(started)
    signals.request_finished.connect(finished)
    try:
        for handler in handlers:
            for one in ("/waits/", "/breaks/", "/reads/", "/streams/", "/nothing/"):
                heard.clear()
                asyncio.run(ask(handler, request(one)))
                assert heard == [("started", type(handler), False), ("finished", type(handler), False)], one
    finally:
        signals.request_started.disconnect(started)
        signals.request_finished.disconnect(finished)


async def hang_up(handler: ASGIHandler, path: str) -> list[str]:
    """Once the view has begun; what was sent to the client."""
    begun.append(asyncio.Event())
    sent: list[str] = []
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def hear() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await begun[-1].wait()
        return {"type": "http.disconnect"}

    async def say(message: dict[str, Any]) -> None:
        sent.append(message["type"])

    async with asyncio.timeout(20):
        await handler(request(path), hear, say)
    return sent


def test_a_client_that_hangs_up_ends_its_request(handlers: tuple[ASGIHandler, LeanHandler]) -> None:
    for handler in handlers:
        assert asyncio.run(hang_up(handler, "/never/")) == []
    assert seen == ["cancelled", "cancelled"]


def test_what_waits_for_nothing_but_the_loop_has_no_thread(lean: LeanHandler) -> None:
    started: list[str] = []
    start = threading.Thread.start

    def noted(thread: threading.Thread) -> None:
        started.append(thread.name)
        start(thread)

    async def ask_all() -> None:
        for one in ("/waits/", "/livez", "/streams/", "/waits/?a=b"):
            assert (await ask(lean, request(one))).status == 200

    threading.Thread.start = noted  # type: ignore[method-assign]
    try:
        asyncio.run(ask_all())
        assert started == []
        asyncio.run(ask(lean, request("/reads/")))
        asyncio.run(ask(lean, request("/reads/")))
        assert len(started) == 1  # and left to the next
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]


@pytest.fixture
def new_pool(prints: Variant) -> None:
    """Of the old one, threads that tests before this one left may still hold connections."""
    connection: Any = connections["default"]
    if connection.vendor == "postgresql":
        connection.close()
        connection.close_pool()


@pytest.mark.usefixtures("new_pool")
def test_requests_at_once_have_a_thread_each_and_connections_are_closed(lean: LeanHandler) -> None:
    opened: list[Any] = []

    def hold(request: HttpRequest) -> HttpResponse:
        Product.objects.count()
        opened.append((threading.get_ident(), connections["default"]))
        barrier.wait(20)
        return HttpResponse()

    barrier = threading.Barrier(12)  # fewer than the pool has connections
    urlpatterns.append(path("hold/", hold))

    async def crowd() -> None:
        told = await asyncio.gather(*(ask(lean, request("/hold/")) for _ in range(12)))
        assert {one.status for one in told} == {200}

    try:
        asyncio.run(crowd())
    finally:
        urlpatterns.pop()
    assert len({thread for thread, _ in opened}) == 12
    assert all(one.connection is None for _, one in opened)
    assert len(lean._workers._idle) == 8


def test_a_thread_that_is_still_busy_is_not_given_to_another(lean: LeanHandler, prints: Variant) -> None:
    """Such as one that waits for a lock while its request is cancelled."""
    is_stuck, go_on = threading.Event(), threading.Event()

    def stuck(request: HttpRequest) -> HttpResponse:
        is_stuck.set()
        go_on.wait(20)
        return HttpResponse()

    urlpatterns.insert(0, path("stuck/", stuck))

    async def cancel() -> None:
        task = asyncio.create_task(ask(lean, request("/stuck/")))
        await asyncio.to_thread(is_stuck.wait, 20)
        task.cancel()
        await asyncio.sleep(0.02)
        assert (await ask(lean, request("/reads/"))).body == b"2"
        go_on.set()
        await asyncio.gather(task, return_exceptions=True)

    try:
        asyncio.run(cancel())
    finally:
        go_on.set()
        urlpatterns.pop(0)
