"""A site of these tests' own around the notifications: streams with rules, one page, and Daphne to serve it.

`python -m tests.notifications.harbour` serves it from a process of its own and prints its port.
"""

import argparse
import asyncio
import os
import threading
from collections import Counter
from pathlib import Path

import django

if __name__ == "__main__":
    django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.http import QueryDict

import notifications
from notifications.daphne_server import Server
from notifications.routing import websocket_urlpatterns
from notifications.streams import Reader, register_stream

SCRIPTS = Path(notifications.__file__).parent / "static/notifications"
PAGE = """<!doctype html><title>Harbour</title><script type="module" src="/notifications.js"{}></script>
<ul id="seen"></ul><div id="place"></div>"""


rule_calls: Counter[str] = Counter()
closed_squares: set[str] = set()


def public_square(reader: Reader, key: str) -> bool:
    rule_calls[key] += 1
    return key not in closed_squares


def register() -> None:
    register_stream("room", lambda reader, key: not key.startswith("closed"))
    register_stream("own", lambda reader, key: str(reader.user.pk) == key)
    register_stream("guest", lambda reader, key: key in reader.session.get("guest_of", []))
    register_stream("crowd", lambda reader, key: True, shared=True)
    register_stream("square", public_square, public=True)
    register_stream("desk", lambda reader, key: reader.user.has_perm("sessions.view_session"))


class Pages:
    """The page (`/?reader=5` is made for that user), its scripts, the site's own answers below /api/, and a failure."""

    def __init__(self) -> None:
        self.site = get_asgi_application()

    async def __call__(self, scope, receive, send) -> None:
        if scope["path"].startswith("/api/"):
            await self.site(scope, receive, send)
            return
        await receive()
        if scope["path"] == "/half":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise RuntimeError("in the midst of an answer")
        script = SCRIPTS / scope["path"].removeprefix("/")
        if script.is_file():
            kind, body = b"text/javascript", script.read_bytes()
        else:
            query = QueryDict(scope["query_string"])
            reader = f' data-reader="{int(query["reader"] or 0) or ""}"' if "reader" in query else ""
            kind, body = b"text/html", PAGE.format(reader).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body})


def relay() -> None:
    """`manage.py relay` in a process that knows the streams of these tests."""
    register()
    call_command("relay")


class HarbourServer(Server):
    def looks_first(self, port) -> bool:
        """Not at the second port: there every socket is Autobahn's."""
        return len(self.ports) == 1 and super().looks_first(port)


class Harbour:
    """Daphne on a free port. Its reactor starts once in a process, so there is one of these."""

    def __init__(self, *, signal_handlers: bool = False) -> None:
        register()
        self.blocks_sockets = False
        self._ready = threading.Event()
        self._server = HarbourServer(
            ProtocolTypeRouter({"http": Pages(), "websocket": self._sockets}),
            endpoints=["tcp:port=0:interface=127.0.0.1"] * 2,
            signal_handlers=signal_handlers,
            ready_callable=self._ready.set,
            verbosity=0,
        )

    async def _sockets(self, scope, receive, send) -> None:
        if self.blocks_sockets:  # as a proxy does that knows no WebSocket
            await receive()
            await send({"type": "websocket.close"})
        else:
            await URLRouter(websocket_urlpatterns)(scope, receive, send)

    def run(self) -> None:
        self._server.run()

    @property
    def port(self) -> int:
        assert self._ready.wait(10)
        return self._server.listening_addresses[0][1]

    @property
    def autobahn_port(self) -> int:
        assert self._ready.wait(10)
        return self._server.listening_addresses[1][1]

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        from twisted.internet import reactor

        return reactor._asyncioEventloop

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._server.stop)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--poll", type=float)
    settings.NOTIFICATIONS_POLL_SECONDS = options.parse_args().poll
    harbour = Harbour(signal_handlers=True)
    threading.Thread(target=lambda: print(harbour.port, flush=True)).start()
    # It ends with the pipe that the test holds, however the test ends.
    threading.Thread(target=lambda: (os.read(0, 1), os._exit(0)), daemon=True).start()
    harbour.run()
