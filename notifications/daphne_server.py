"""Daphne with what sockets of a shop need beside it: a good-bye, a way to say no, and a short way to the wire.

- On SIGTERM it stops listening, lets the hub tell every client to come again elsewhere, waits for them and for
  the requests in hand, and is gone within seconds. Daphne's own just drops them (django/daphne#177).
- It closes with any code; Autobahn's `sendClose` knows neither 1012 nor 1013.
- It answers a handshake with an HTTP status (ASGI's "websocket.http.response").
- It offers `notifications.frames`: finished frames go straight to the socket while nothing waits before them.
  Twisted's way (buffer, add a writer to the loop, write, remove the writer) costs more than all the rest.
- What it does now and then goes on whatever fails in it. Daphne's own is over for good once a connection cannot be told
  of a fault, as when a streamed answer fails in its midst: nothing is timed out or forgotten from then on.
- It lets sockets in a few at a time. When thousands come at once, pages and events wait behind some, not behind all.
- It carries sockets with a plain handshake on less than Twisted and Autobahn do, see `lean_socket`. What is below for
  Autobahn's is for the others, and for all where NOTIFICATIONS_LEAN_SOCKETS is off.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from autobahn.websocket.types import ConnectionDeny
from daphne import server, ws_protocol
from daphne.http_protocol import WebRequest
from django.conf import settings
from twisted.internet.defer import Deferred
from twisted.internet.tcp import Connection, Port

from notifications import metrics
from notifications.consumers import FRAMES, HAND_OVER
from notifications.first_look import Looks
from notifications.hub import current_hub
from notifications.lean_socket import LeanSocket
from notifications.protocol import MESSAGE_BYTES, UNREAD_BYTES

LEAVES_WITHIN = 5.0  # seconds for clients to go and requests to end
STOPS_WITHIN = 2.0  # seconds for what did not, once it is cancelled
AT_ONCE = 30  # handshakes under way: the work behind each fills the loop's turns
WAITING = 8000  # handshakes: more are told to come back
WAITS_SECONDS = 30  # a handshake at most, until Autobahn gives it up
LOOKS_EVERY = 2.0  # seconds: who is late, and who is to be asked whether he is there

logger = logging.getLogger(__name__)


class Request(WebRequest):
    """One request of Daphne."""

    def handle_exception(self, exception: BaseException) -> None:
        if self._response_started:  # too late for a 500: the client is told by an end before the end
            self.channel.loseConnection()
        else:
            super().handle_exception(exception)


class SocketProtocol(ws_protocol.WebSocketProtocol):
    """One WebSocket of Daphne."""

    CONFIG_ATTRS: ClassVar[list[str]] = []

    _status = 403
    _is_in = False
    _early = b""  # what came while it waited at the doorway

    def _connectionMade(self) -> None:
        # Autobahn copies these as well, and pretty-prints them each time for a log that nobody reads: 0.3 ms.
        for name in ws_protocol.WebSocketServerProtocol.CONFIG_ATTRS:
            setattr(self, name, getattr(self.factory, name))
        super()._connectionMade()

    def dataReceived(self, data: bytes) -> None:
        if self._is_in:
            super().dataReceived(data)
            return
        self._early += data
        if len(self._early) == len(data):
            self.factory.server_class.doorway.come(self)
        elif len(self._early) > MESSAGE_BYTES:
            self.transport.abortConnection()

    def shake_hands(self) -> bool:
        """Whether it is under way now."""
        self._is_in, early, self._early = True, self._early, b""
        if self.state == self.STATE_CONNECTING:
            super().dataReceived(early)
        return self.state == self.STATE_CONNECTING

    def onOpen(self) -> None:
        super().onOpen()
        self.factory.server_class.doorway.leave(self)

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        if "server" in vars(self):  # otherwise it went while it waited, and Daphne never heard of it
            super().onClose(wasClean, code, reason)

    def connectionLost(self, reason: Any) -> None:
        try:
            super().connectionLost(reason)
        finally:
            self.factory.server_class.doorway.leave(self)

    def write_frames(self, frames: bytes) -> None:
        if self.state != self.STATE_OPEN or self.send_queue:
            return
        transport, sent = self.transport, 0
        if _has_nothing_waiting(transport):
            with suppress(OSError):  # would block, or is broken: the transport finds out
                sent = transport.socket.send(frames)
        if sent < len(frames):
            transport.write(frames[sent:])
            if _waiting_bytes(transport) > UNREAD_BYTES:
                transport.abortConnection()

    def close(self, code: int) -> None:
        self.sendCloseFrame(code=code)

    def serverClose(self, code: int | None = None) -> None:
        self.close(1000 if code is None else code)

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.http.response.start":
            self._status = message["status"]
        elif message["type"] == "websocket.http.response.body":
            self._deny()
        elif message["type"] == "websocket.send" and not (message.get("text") or message.get("bytes")):
            self.sendMessage(b"", isBinary=message.get("text") is None)  # Daphne's drops empty ones
        else:
            super().handle_reply(message)

    def _deny(self) -> None:
        """The status alone: Autobahn writes a body of its own."""
        self.handshake_deferred.errback(ConnectionDeny(code=self._status, reason="Refused"))
        del self.handshake_deferred
        self.server.protocol_disconnected(self)


def _has_nothing_waiting(transport: Any) -> bool:
    """Only of a plain socket it can be told; TLS has buffers of its own."""
    plain = isinstance(transport, Connection) and transport.connected and not transport.disconnecting
    return plain and not (transport.dataBuffer or transport._tempDataBuffer)


def _waiting_bytes(transport: Any) -> int:
    if not isinstance(transport, Connection):
        return 0
    return len(transport.dataBuffer) - transport.offset + transport._tempDataLen


class Doorway:
    """The handshakes that wait, first come, first served, while so many others are under way."""

    def __init__(self) -> None:
        self._waiting: deque[SocketProtocol | LeanSocket] = deque()
        self._under_way: set[SocketProtocol | LeanSocket] = set()
        self._due = False

    def come(self, protocol: SocketProtocol | LeanSocket) -> None:
        if len(self._waiting) >= WAITING:
            metrics.refused("channels", 503)
            protocol.failHandshake("Come again in a moment.", 503)
            return
        self._waiting.append(protocol)
        self._let_in_soon()

    def leave(self, protocol: SocketProtocol | LeanSocket) -> None:
        """Its handshake is done, or failed."""
        self._under_way.discard(protocol)
        self._let_in_soon()

    def tire(self) -> None:
        """Of those who wait longest. Autobahn's have a clock of their own."""
        until = time.monotonic() - WAITS_SECONDS
        while self._waiting and isinstance(first := self._waiting[0], LeanSocket) and first.begun < until:
            self._waiting.popleft()
            first.abort()

    def _let_in_soon(self) -> None:
        if self._waiting and not self._due and len(self._under_way) < AT_ONCE:
            self._due = True
            asyncio.get_running_loop().call_soon(self._let_in)

    def _let_in(self) -> None:
        self._due = False
        try:
            while self._waiting and len(self._under_way) < AT_ONCE:
                protocol = self._waiting.popleft()
                if protocol.shake_hands():
                    self._under_way.add(protocol)
        finally:  # one that fails keeps nobody waiting
            self._let_in_soon()


class Server(server.Server):
    """`daphne.server.Server`, stopped by SIGTERM, SIGINT or `stop()`."""

    request_class: ClassVar[type[Request]] = Request

    def __init__(self, *args: Any, **options: Any) -> None:
        self.ports: list[Any] = []
        self.doorway = Doorway()
        self.sockets: set[LeanSocket] = set()  # whose application ended, and left them open
        self._looks: list[Looks] = []
        limits = {
            "websocket_max_message_size": MESSAGE_BYTES,
            "websocket_max_frame_size": MESSAGE_BYTES,
            "websocket_handshake_timeout": WAITS_SECONDS,
        }
        super().__init__(*args, **limits | options)

    def run(self) -> None:
        # Daphne makes its factory in run() itself and has no other place to say so.
        ws_protocol.WebSocketFactory.protocol = SocketProtocol
        super().run()

    def listen_success(self, port: Any) -> None:
        self.ports.append(port)
        self.http_factory.buildProtocol = partial(self._build, self.http_factory.buildProtocol)
        if self.looks_first(port):
            self._looks.append(Looks(self, port))
        super().listen_success(port)

    def looks_first(self, port: Any) -> bool:
        """Not where TLS comes first, or on a socket of the file system."""
        plain = isinstance(port, Port) and port.factory is self.http_factory
        return plain and getattr(settings, "NOTIFICATIONS_LEAN_SOCKETS", True)

    def _build(self, build: Callable[[Any], Any], address: Any) -> Any:
        protocol = build(address)
        protocol.requestFactory = self.request_class
        return protocol

    def timeout_checker(self) -> None:
        asyncio.get_running_loop().call_later(LOOKS_EVERY, self.timeout_checker)
        checks = [protocol.check_timeouts for protocol in self.connections]
        for check in (*checks, *(looks.tire for looks in self._looks), self.doorway.tire):
            self._try(check)

    def application_checker(self) -> None:
        if not self._try(super().application_checker):  # then it has not asked to be called again
            asyncio.get_running_loop().call_later(1, self.application_checker)

    def _try(self, check: Callable[[], object]) -> bool:
        try:
            check()
        except Exception:
            logger.exception("A look at the connections failed; the rest goes on.")
            return False
        return True

    def handed_over(self, protocol: LeanSocket) -> None:
        """It is no application's any longer, so Daphne need not look after it."""
        self.connections.pop(protocol, None)
        self.sockets.add(protocol)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        is_socket = scope["type"] == "websocket"
        if is_socket:
            extensions = {"websocket.http.response": {}, FRAMES: protocol}
            if isinstance(protocol, LeanSocket):
                extensions[HAND_OVER] = protocol.hand_over
            scope["extensions"] = {**scope.get("extensions", {}), **extensions}
        queue = super().create_application(protocol, scope)
        if is_socket:  # an application may end without an answer
            application = self.connections[protocol]["application_instance"]
            application.add_done_callback(lambda _: self.doorway.leave(protocol))
        return queue

    def kill_all_applications(self) -> Deferred:
        """What Daphne has Twisted wait for before it ends."""
        return Deferred.fromFuture(asyncio.ensure_future(self._leave()))

    async def _leave(self) -> None:
        for port in self.ports:
            port.stopListening()
        current_hub().drain()
        until = time.monotonic() + LEAVES_WITHIN
        if running := self._running():
            await asyncio.wait(running, timeout=LEAVES_WITHIN)
        while self.sockets and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        for application in (late := self._running()):
            application.cancel()
        if late:
            await asyncio.wait(late, timeout=STOPS_WITHIN)
        current_hub().close()

    def _running(self) -> list[asyncio.Future[None]]:
        found = (details.get("application_instance") for details in self.connections.values())
        return [application for application in found if application and not application.done()]
