"""Daphne's HTTP with less around each answer.

- An answer that is there as a whole (shop/wholes.py; from shop/ahead/ and shop/handler.py) goes straight to the
  socket while nothing waits before it. Otherwise each header is checked, copied and put in order by Daphne and by
  Twisted, head and body are written apart, and the loop is asked to tell when the socket takes them.
- A request that was answered is forgotten when its application has ended, not by a sweep once a second, until which
  all that the second brought is kept.
- Twisted writes a line for each request to a log of its own that nobody reads, and which names clients. Here it
  does not.

LEAN_HTTP=off takes Daphne's own. tests/project/test_daphne_http.py compares the two on the wire.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

from twisted.internet.tcp import Connection

from notifications.daphne_server import Request, Server
from shop.wholes import ANSWER


class ShortRequest(Request):
    def answer(self, status: int, head: bytes, body: bytes) -> None:
        """As shop/wholes.py says."""
        if self.finished or self.channel is None or not self._is_wanted():
            return
        self._response_started = True
        self.startedWriting = 1
        self.setResponseCode(status)
        for name, values in self.responseHeaders.getAllRawHeaders():  # `Connection: close`
            head += b"".join(b"%b: %b\r\n" % (name, value) for value in values)
        begin = b"%b %d %b\r\n" % (self.clientproto, status, self.code_message)
        server = b"Server: %b\r\n\r\n" % self.server.server_name.encode()
        self._write_now(b"".join((begin, head, server, body)))
        self.finish()

    def _is_wanted(self) -> bool:
        details = self.server.connections.get(self)
        return details is not None and "disconnected" not in details

    def _write_now(self, data: bytes) -> None:
        transport, sent = self.channel.transport, 0
        if _has_nothing_waiting(transport):
            with suppress(OSError):  # would block, or is broken: the transport finds out
                sent = transport.socket.send(data)
        if sent < len(data):
            transport.write(data[sent:])


def _has_nothing_waiting(transport: Any) -> bool:
    """Only of a plain socket it can be told; TLS has buffers of its own."""
    plain = isinstance(transport, Connection) and transport.connected and not transport.disconnecting
    return plain and not (transport.dataBuffer or transport._tempDataBuffer)


class HttpServer(Server):
    request_class = ShortRequest

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self.http_factory.log = lambda request: None

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if not isinstance(protocol, ShortRequest):
            return super().create_application(protocol, scope)
        scope["extensions"] = {**scope.get("extensions", {}), ANSWER: protocol.answer}
        queue = super().create_application(protocol, scope)
        if (details := self.connections.get(protocol)) is not None:
            details["application_instance"].add_done_callback(partial(self._forget, protocol))
        return queue

    def _forget(self, protocol: ShortRequest, application: asyncio.Future[None]) -> None:
        """What ended otherwise is for the sweep, which tells of it."""
        details = self.connections.get(protocol, {})
        if "disconnected" in details and not application.cancelled() and application.exception() is None:
            del self.connections[protocol]
