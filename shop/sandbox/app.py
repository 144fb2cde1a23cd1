"""The sandbox as one ASGI app: what is asked for under its prefix, and what runs in the background."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from shop.sandbox import carriers, challenge, knobs, overview, vies
from shop.sandbox.api import StripeApi, too_large
from shop.sandbox.asgi import (
    BodyTooLarge,
    ClientGone,
    Receive,
    Request,
    Response,
    Send,
    read_request,
    redirect,
    static_file,
)
from shop.sandbox.calls import Call
from shop.sandbox.store import Store
from shop.sandbox.webhooks import Courier


class Sandbox:
    """Mount it under `prefix`; it sees full paths. `start` and `stop` are optional: the first request starts it."""

    def __init__(
        self,
        database: Path,
        base_url: str,
        webhook_url: str,
        webhook_secret: str,
        secret_key: str = "sk_test_sandbox",
        publishable_key: str = "pk_test_sandbox",
        prefix: str = "/sandbox",
    ) -> None:
        self.prefix = prefix.rstrip("/")
        self.stripe_url = f"{base_url.rstrip('/')}{self.prefix}/stripe"
        self.webhook_url = webhook_url
        self.webhook_secret = webhook_secret
        self.store = Store(Path(database))
        self.api = StripeApi(
            self.store, self.run, self.stripe_url, secret_key, publishable_key, bool(webhook_url)
        )
        self.courier: Courier | None = None
        self._thread = ThreadPoolExecutor(1, "sandbox")
        self._work: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Sends webhooks from now on, first of all those that an earlier process left unsent."""
        if self._work is not None and not self._work.done() and not self._work.get_loop().is_closed():
            return
        self.courier = Courier(self.store, self.run, self.webhook_url, self.webhook_secret, self.stripe_url)
        self._work = asyncio.create_task(self.courier.work())

    async def stop(self) -> None:
        if self._work is not None:
            self._work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._work
            self._work = None
        await asyncio.get_running_loop().run_in_executor(self._thread, self.store.close)

    async def run[T](self, work: Callable[[], T]) -> T:
        """One transaction on the sandbox's own thread, which owns the connection: the loop never waits for a lock."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._in_transaction, work)

    def _in_transaction[T](self, work: Callable[[], T]) -> T:
        with self.store.transaction():
            return work()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self.start()
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4404})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.start()
            else:
                await self.stop()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _http(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        try:
            request = await read_request(scope, receive)
        except BodyTooLarge:
            await too_large().send(send)
            return
        except ClientGone:
            return
        response = await self._respond(request)
        if self.courier:
            self.courier.wake()
        await response.send(send)

    async def _respond(self, request: Request) -> Response:
        path = request.path.removeprefix(self.prefix)
        first, _, rest = path.removeprefix("/").partition("/")
        if first == "stripe":
            return await self._stripe(request, rest)
        if first == "carriers":
            return await carriers.handle(request, rest, await self.run(lambda: knobs.read(self.store)))
        if first == "vies":
            return await vies.handle(request, rest, await self.run(lambda: knobs.read(self.store)))
        if first == "static" and request.method in ("GET", "HEAD"):
            return static_file(rest)
        if first == "disputes":
            return await self.run(lambda: overview.decide(self._call(rest), request, self.prefix))
        if path == "":
            return redirect(self.prefix + "/")
        if first in ("", "knobs"):
            return await self.run(lambda: overview.handle(self.store, request, path, self.prefix))
        return Response(404, b"Not found", "text/plain")

    async def _stripe(self, request: Request, path: str) -> Response:
        area, _, rest = path.partition("/")
        if area == "js":
            return static_file(rest)
        if area in ("3ds", "receipts"):
            return await self.run(lambda: self._page(area, rest, request))
        return await self.api.handle(request, rest if area == "v1" else f"../{path}")

    def _call(self, id: str) -> Call:
        webhooks = bool(self.webhook_url)
        return Call(self.store, knobs.read(self.store), self.stripe_url, id=id, webhooks=webhooks)

    def _page(self, area: str, id: str, request: Request) -> Response:
        call = self._call(id)
        return (
            challenge.handle(call, request, self.prefix)
            if area == "3ds"
            else overview.receipt(call, self.prefix)
        )
