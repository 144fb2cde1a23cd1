"""Other ASGI servers as doors: with `BREAKWATER_DOORS=uvicorn,granian` the suite asks them what it asks Daphne.

They are for comparison. What they do otherwise is in docs/rungs.md, and the suite does not hold them to it by default.
"""

import asyncio
import socket
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from functools import cached_property
from typing import Any

import uvicorn
import uvloop
from channels.routing import ProtocolTypeRouter, URLRouter
from granian.constants import Interfaces
from granian.server.embed import Server as Granian

from notifications.protocol import MESSAGE_BYTES
from notifications.routing import websocket_urlpatterns
from tests.notifications.harbour import Pages, register
from tests.processes import free_port


class OtherPier(ABC):
    def __init__(self) -> None:
        register()
        self.loop = uvloop.new_event_loop()
        self.application = ProtocolTypeRouter(
            {"http": Pages(), "websocket": URLRouter(websocket_urlpatterns)}
        )

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.serve())

    @abstractmethod
    async def serve(self) -> None:
        """Returns once it has been stopped."""


class UvicornPier(OtherPier):
    def __init__(self) -> None:
        super().__init__()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        limits: dict[str, Any] = {"ws_max_size": MESSAGE_BYTES, "ws_per_message_deflate": False}
        config = uvicorn.Config(
            self.application, ws="wsproto", lifespan="off", log_level="warning", access_log=False, **limits
        )
        self._server = uvicorn.Server(config)

    async def serve(self) -> None:
        await self._server.serve(sockets=[self._listener])

    def stop(self) -> None:
        self._server.should_exit = True


class GranianPier(OtherPier):
    def __init__(self) -> None:
        super().__init__()
        self._port = free_port()

    @cached_property
    def port(self) -> int:
        for _ in range(100):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port)):
                return self._port
            time.sleep(0.1)
        raise AssertionError("granian does not listen within ten seconds")

    async def serve(self) -> None:
        # Without its part of the lifespan: threads but the main one hear of no signal, and the hub is the test's.
        interface = Interfaces.ASGINL
        self._server = Granian(
            self.application, port=self._port, interface=interface, backlog=1024, log_enabled=False
        )
        await self._server.serve()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._server.stop)


OTHERS = {"uvicorn": UvicornPier, "granian": GranianPier}
