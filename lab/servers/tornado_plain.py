"""The sockets on Tornado as people write them: a handler for each client, `write_message()` to one after the other.

The hub, the log, who may listen and the bytes are the shop's, so what is compared is the way to the wire: here each
frame is encoded and framed for each client, in `notifications/tornado_server.py` it is built once.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from tornado.websocket import WebSocketClosedError, WebSocketHandler

from notifications.protocol import Frame
from notifications.tornado_server import SocketHandler


class MessageSocket:
    name = "tornado"

    def __init__(self, handler: WebSocketHandler) -> None:
        self._handler = handler

    def write(self, frames: Sequence[Frame]) -> None:
        with suppress(WebSocketClosedError):
            for frame in frames:
                self._handler.write_message(frame)

    def close(self, code: int) -> None:
        self._handler.close(code)


class PlainHandler(SocketHandler):
    def door(self) -> MessageSocket:
        return MessageSocket(self)
