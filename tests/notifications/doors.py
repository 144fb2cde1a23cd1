"""The doors under test, each in a thread of this process: what a test does to settings, the hub or the loop, it does
to them all.
"""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tornado.netutil import bind_sockets

from notifications import tornado_server
from tests.notifications.harbour import Harbour
from tests.notifications.other_servers import OTHERS, OtherPier


class Pier:
    """Tornado's counterpart of `Harbour`."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._listeners = bind_sockets(0, "127.0.0.1", backlog=1024)
        self.port = self._listeners[0].getsockname()[1]

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._listen())
        self.loop.run_forever()

    async def _listen(self) -> None:
        tornado_server.new_server().add_sockets(self._listeners)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)


class AutobahnHarbour:
    """The port of a harbour behind which Daphne's own protocol has the sockets."""

    def __init__(self, harbour: Harbour) -> None:
        self.port, self.loop = harbour.autobahn_port, harbour.loop


DOORS = {"channels": Harbour, "tornado": Pier, **OTHERS}
ASKED = os.environ.get("BREAKWATER_DOORS", "channels,tornado").split(",")
SERVERS = [*ASKED, *(["autobahn"] if "channels" in ASKED else [])]  # of WebSockets: Daphne has two


@contextmanager
def running(door: str) -> Iterator[Harbour | Pier | OtherPier]:
    server = DOORS[door]()
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.port
    yield server
    server.stop()
    thread.join(10)
