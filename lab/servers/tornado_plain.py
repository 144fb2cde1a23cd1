"""The sockets on Tornado as people write them: a handler for each client, `write_message()` to one after the other.

The hub, the log, who may listen and the bytes are the shop's, so what is compared is the way to the wire. Against
`manage.py serve_tornado`: asyncio's own loop for uvloop, each frame encoded and framed for each client for one built
once, and the garbage collector as it comes.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress

import django

if __name__ == "__main__":
    django.setup()

from tornado.netutil import bind_sockets
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from notifications.protocol import Frame
from notifications.tornado_server import SocketHandler, new_server, serve


class MessageSocket:
    name = "tornado"

    def __init__(self, handler: WebSocketHandler) -> None:
        self._handler = handler

    def write(self, *frames: Frame) -> None:
        with suppress(WebSocketClosedError):
            for frame in frames:
                self._handler.write_message(frame)

    def close(self, code: int) -> None:
        self._handler.close(code)


class PlainHandler(SocketHandler):
    def door(self) -> MessageSocket:
        return MessageSocket(self)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, required=True)
    # Tornado's own default for `backlog` is 128: a storm would measure how often clients knock.
    listeners = bind_sockets(options.parse_args().port, "127.0.0.1", backlog=1024)
    asyncio.run(serve(listeners, new_server(PlainHandler)))


if __name__ == "__main__":
    main()
