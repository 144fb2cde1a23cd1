"""The sockets' part of ASGI's lifespan, for servers without an ending of their own: any but `daphne_server`.

The hub is there from the start, and at the end every client is told to come again elsewhere. That must not wait for the
server's "lifespan.shutdown": uvicorn sends it when all sockets are closed. So it begins with the signal.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Any

from notifications.consumers import Socket
from notifications.hub import Hub, current_hub

LEAVES_WITHIN = 5.0

Signalled = Callable[[int, Any], Any]


def begin() -> None:
    hub, loop = current_hub(), asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread():
        return  # nobody hears of signals here; the server's own owner stops it
    for number in (signal.SIGTERM, signal.SIGINT):
        server = signal.getsignal(number)
        if callable(server):
            signal.signal(number, _drain_first(hub, loop, server))


def _drain_first(hub: Hub, loop: asyncio.AbstractEventLoop, server: Signalled) -> Signalled:
    def leave(number: int, frame: Any) -> None:
        hub.drain()
        server(number, frame)

    def handle(number: int, frame: Any) -> None:
        loop.call_soon_threadsafe(leave, number, frame)

    return handle


async def end() -> None:
    hub = current_hub()
    hub.drain()
    if Socket.closing:
        await asyncio.wait(Socket.closing, timeout=LEAVES_WITHIN)
    hub.close()
