"""A buyer hangs up while the thread that works for them waits for a lock, longer than the server waits for it."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.urls import path

from shop import asgi

entered, released = threading.Event(), threading.Event()
held: list[Any] = []


def slow(request: HttpRequest) -> HttpResponse:
    connections["default"].ensure_connection()
    held.append(connections["default"])
    entered.set()
    released.wait(10)
    return HttpResponse("too late\n")


urlpatterns = [path("slow/", slow)]


async def hang_up(application: Callable[..., Any]) -> bool:
    """Whether the connection of a view is closed, when the server ends the request before the view does."""
    messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    messages.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    scope = {"type": "http", "method": "GET", "path": "/slow/", "headers": [(b"host", b"localhost")]}
    request = asyncio.ensure_future(application(scope, messages.get, lambda message: asyncio.sleep(0)))
    assert await asyncio.to_thread(entered.wait, 10)
    messages.put_nowait({"type": "http.disconnect"})
    await asyncio.sleep(0.1)
    request.cancel()
    await asyncio.sleep(0.1)
    released.set()
    for _ in range(100):
        if held[0].connection is None:
            return True
        await asyncio.sleep(0.01)
    return False


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("application", "closed"), [(asgi.http, True), (asgi.django_application, False)])
def test_the_connection_comes_back_though_nobody_waits_for_the_answer(
    settings: Any, application: Callable[..., Any], closed: bool
) -> None:
    """The control is Django by itself: cancelled then, it never closes."""
    settings.ROOT_URLCONF = __name__
    entered.clear(), released.clear(), held.clear()
    assert asyncio.run(hang_up(application)) is closed
    held[0].inc_thread_sharing()
    held[0].close()
