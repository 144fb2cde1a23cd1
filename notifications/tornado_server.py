"""Door 2: the same protocol from Tornado, for whoever needs what Daphne cannot give.

It stands behind the same path and reads the same log through the same hub; nothing else of a site changes.
Django is here for its settings and for the queries that the hub runs in its own threads.
"""

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.http import parse_cookie
from tornado.httpserver import HTTPServer
from tornado.iostream import StreamBufferFullError
from tornado.web import Application, HTTPError, RequestHandler
from tornado.websocket import WebSocketHandler

from notifications import metrics
from notifications.conversation import Conversation, Door
from notifications.hub import current_hub
from notifications.models import Stream
from notifications.origins import may_open
from notifications.protocol import MESSAGE_BYTES, SUBPROTOCOL, UNREAD_BYTES, Frame, Limits, WrongVersion

REQUEST_SECONDS = 5.0  # for a whole request to arrive
LEAVES_WITHIN = 5.0


class SocketHandler(WebSocketHandler):
    max_message_size = MESSAGE_BYTES  # what is longer Tornado itself ends with 1009
    opened: ClassVar[set[asyncio.Future[None]]] = set()

    def prepare(self) -> None:
        headers = [
            (name.lower().encode(), value.encode("latin1")) for name, value in self.request.headers.get_all()
        ]
        status = 0 if current_hub().has_room else 503
        if not may_open({"headers": headers}):
            status = 403
        if status:
            metrics.refused("tornado", status)
            raise HTTPError(status)

    def check_origin(self, origin: str) -> bool:
        return True  # Tornado asks this of some clients only; prepare() has judged them all.

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    def open(self) -> None:
        self.set_nodelay(True)
        limits = Limits(**getattr(settings, "NOTIFICATIONS_LIMITS", {}))
        cookies = parse_cookie(self.request.headers.get("Cookie", ""))
        session_key = cookies.get(settings.SESSION_COOKIE_NAME, "")
        self.conversation = Conversation(self.door(), current_hub(), limits, session_key)
        if self.selected_subprotocol is None:
            self.conversation.end(WrongVersion)
        self._closed = asyncio.get_running_loop().create_future()
        self.opened.add(self._closed)

    def door(self) -> Door:
        return Socket(self)

    def on_message(self, message: str | bytes) -> None:
        self.conversation.hear(message if isinstance(message, str) else None)

    def on_close(self) -> None:
        self.opened.discard(self._closed)
        self._closed.set_result(None)
        self.conversation.gone()


class Socket:
    """A client as the hub sees it.

    Not by write_message(): it encodes and frames the text for each socket anew and starts a task for each
    message, whose error nobody hears. The frame is built once for all, and goes to the kernel at once while
    nothing waits before it: half the time for each delivery. What does not fit there, Tornado buffers.
    """

    name = "tornado"

    def __init__(self, handler: SocketHandler) -> None:
        self._handler = handler
        self._stream = handler.ws_connection.stream
        self._stream.max_write_buffer_size = UNREAD_BYTES

    def write(self, frames: Sequence[Frame]) -> None:
        stream, data = self._stream, b"".join([frame.wire for frame in frames])
        if stream.closed():
            return
        try:
            sent = 0 if stream.writing() else stream.write_to_fd(memoryview(data))
        except OSError:  # It would block, or is broken: write() sees to both.
            sent = 0
        if sent < len(data):
            self._or_cut_off(stream.write, data[sent:])

    def close(self, code: int) -> None:
        self._or_cut_off(self._handler.close, code)

    def _or_cut_off(self, send: Callable[[Any], Any], what: bytes | int) -> None:
        try:
            send(what)
        except (StreamBufferFullError, RuntimeError):  # the latter of uvloop, which has given the socket up
            self._stream.close()


class LiveHandler(RequestHandler):
    """The event loop turns. It asks nobody else, so a slow database does not get the process killed."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/plain")
        self.finish("ok\n")


class ReadyHandler(RequestHandler):
    """The log can be read and the process stays. 503 otherwise, saying why."""

    async def get(self) -> None:
        fault = "leaving" if current_hub().draining else ""
        try:
            await current_hub().read(Stream.objects.exists)
        except Exception as error:
            fault = f"database: {type(error).__name__}"
        self.set_status(503 if fault else 200)
        self.finish({"ready": not fault, "fault": fault})


def new_server() -> HTTPServer:
    routes = [("/ws/notifications/", SocketHandler), ("/livez", LiveHandler), ("/readyz", ReadyHandler)]
    return HTTPServer(
        Application(routes, log_function=lambda handler: None),  # the proxy keeps a log
        idle_connection_timeout=REQUEST_SECONDS,
        max_buffer_size=2 * MESSAGE_BYTES,
    )


async def serve(listeners: list[socket.socket]) -> None:
    """Returns after SIGTERM or SIGINT, within seconds, when the clients have been sent elsewhere."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server, hub = new_server(), current_hub()
    # What is there now stays: the collector need not look at it again, which a broadcast notices.
    gc.collect()
    gc.freeze()
    server.add_sockets(listeners)
    await stop.wait()
    server.stop()
    hub.drain()
    if SocketHandler.opened:
        await asyncio.wait(SocketHandler.opened, timeout=LEAVES_WITHIN)
    hub.close()
