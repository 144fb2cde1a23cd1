"""Django's ASGI handler with fewer threads, for the same answers.

Django's own starts one for every request, if only to send `request_started`, and another to end it. Here

- a request has a thread once something asks for one: never where middlewares and view are asynchronous all the way;
- the thread is one that an earlier request has left, and is left to a later one (`Workers`);
- middlewares with nothing to wait for are called where the request is (shop/direct.py);
- the two signals are sent there too, as long as none but Django's own receivers listen, which have nothing to do where
  no connection was opened. With any other receiver they go the way they went.

tests/project/test_handler.py compares it with Django's own: answers, exceptions, disconnects, signals, connections.
LEAN_HANDLER=off takes Django's own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

from asgiref.sync import AsyncToSync, SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.core import signals
from django.core.cache import close_caches
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import reset_urlconf
from django.db import close_old_connections, reset_queries
from django.dispatch import Signal
from django.http import HttpResponseBase
from django.urls import set_script_prefix

from shop.direct import DIRECT
from shop.wholes import ANSWER, lines

IDLE_WORKERS = 8  # what comes on top of them in a rush ends after its request
BODILESS = (204, 304)
DJANGOS = {reset_queries, close_old_connections, close_caches, reset_urlconf}


class Worker(ThreadPoolExecutor):
    """One thread, once something was asked of it."""

    def __init__(self) -> None:
        super().__init__(1, thread_name_prefix="request")
        self.is_used = False

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        self.is_used = True
        return super().submit(*args, **kwargs)


class Workers:
    def __init__(self) -> None:
        self._idle: deque[Worker] = deque(maxlen=IDLE_WORKERS)

    def take(self) -> Worker:
        """The last that was left, so that those of a rush that is over stay idle."""
        return self._idle.pop() if self._idle else Worker()

    def leave(self, worker: Worker) -> None:
        """It has nothing in hand."""
        if len(self._idle) < IDLE_WORKERS:
            worker.is_used = False
            self._idle.append(worker)
        else:
            worker.shutdown(wait=False)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().shutdown()


class Answered(Exception):
    """Ends the task that waits for the client to hang up."""


class LeanHandler(ASGIHandler):
    def __init__(self) -> None:
        self._workers = Workers()
        super().__init__()

    def load_middleware(self, is_async: bool = False) -> None:
        listed = settings.MIDDLEWARE
        settings.MIDDLEWARE = [DIRECT.get(path, path) for path in listed]
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = listed

    def close(self) -> None:
        """For tests: ends the threads that nobody uses."""
        self._workers.close()

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        if scope["type"] != "http" or _has_a_thread_already():
            await super().__call__(scope, receive, send)
            return
        context, worker = ThreadSensitiveContext(), self._workers.take()
        token = SyncToAsync.thread_sensitive_context.set(context)
        SyncToAsync.context_to_thread_executor[context] = worker
        is_idle = False
        try:
            await self._handle(scope, receive, send)
            is_idle = True  # what was asked of it last, to close what the request opened, is done
        finally:
            SyncToAsync.thread_sensitive_context.reset(token)
            # Another one, where a long wait gave the first back (notifications/threads.py).
            executor: Any = SyncToAsync.context_to_thread_executor.pop(context, None)
            if executor is worker and (is_idle or not worker.is_used):
                self._workers.leave(worker)
            elif executor is not None:
                executor.shutdown(wait=False)

    async def _handle(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        try:
            body_file = await self.read_body(receive)
        except RequestAborted:
            return
        with closing(body_file):
            set_script_prefix(get_script_prefix(scope))
            if _hears_only_django(signals.request_started, self.__class__):
                signals.request_started.send(sender=self.__class__, scope=scope)
            else:
                await signals.request_started.asend(sender=self.__class__, scope=scope)
            request, error_response = self.create_request(scope, body_file)  # one of them is None
            if error_response is not None:
                body_file.close()
                await self.send_response(error_response, send)
                await self._close(error_response)
                return
            response = await self._answer(request, receive, send)
            if response is None:
                await signals.request_finished.asend(sender=self.__class__)
            else:
                await self._close(response)

    async def _answer(self, request: Any, receive: Callable, send: Callable) -> HttpResponseBase | None:
        """None where the client hung up before there was an answer."""
        response = None
        try:
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self.listen_for_disconnect(receive))
                    response = await self.run_get_response(request)
                    if not _sent_whole(request, response):
                        await self.send_response(response, send)
                    raise Answered
            except* (Answered, RequestAborted):
                pass
        except BaseExceptionGroup as faults:
            if len(faults.exceptions) == 1:
                raise faults.exceptions[0] from None
            raise
        return response

    async def _close(self, response: HttpResponseBase) -> None:
        """In the request's thread, if it has one: there its connections are."""
        context = SyncToAsync.thread_sensitive_context.get()
        executor: Any = SyncToAsync.context_to_thread_executor.get(context)
        has_thread = executor is not None and getattr(executor, "is_used", True)
        if has_thread or not _hears_only_django(signals.request_finished, self.__class__):
            await sync_to_async(response.close)()
        else:
            response.close()


def _sent_whole(request: Any, response: Any) -> bool:
    """Where the server takes an answer as a whole, and it is one."""
    whole = request.scope.get("extensions", {}).get(ANSWER)
    is_whole = not response.streaming and "Content-Length" in response.headers
    if whole is None or not is_whole or request.method == "HEAD":
        return False
    headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    cookies = [(b"Set-Cookie", one.OutputString().encode("ascii")) for one in response.cookies.values()]
    whole(
        response.status_code,
        lines(headers + cookies),
        b"" if response.status_code in BODILESS else response.content,
    )
    return True


def _has_a_thread_already() -> bool:
    """As where synchronous code, such as a test, drives the loop and waits."""
    outer = SyncToAsync.thread_sensitive_context.get(None) or getattr(AsyncToSync.executors, "current", None)
    return outer is not None


def _hears_only_django(signal: Signal, sender: type) -> bool:
    synchronous, asynchronous = signal._live_receivers(sender)  # type: ignore[attr-defined]
    return not asynchronous and DJANGOS.issuperset(synchronous)
