"""The limit: the same bytes from a bare protocol on uvloop, and no more done for them than any server must do.

It greets whoever comes, asks nobody who they are or what they may read, keeps no window and no log, and writes each
event's one frame to each socket. A page is asked of Django once and answered with the same bytes ever after.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import signal
import socket
import time
from base64 import b64encode
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha1
from itertools import cycle
from typing import ClassVar, cast

import django

if __name__ == "__main__":
    django.setup()

import uvloop
from django.test import Client

from lab.servers.hearing import committed
from notifications.protocol import SUBPROTOCOL, Limits, build

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
TEXT, CLOSE, PING = 0x81, 0x88, 0x89
BACKLOG = 4096
PAGES = 1000


class Peer(asyncio.Protocol):
    """A client's connection: requests one after the other, until one of them asks for a WebSocket."""

    streams: ClassVar[defaultdict[str, dict[Peer, None]]] = defaultdict(dict)
    pages: ClassVar[dict[bytes, bytes]] = {}
    django = ThreadPoolExecutor(1)  # which the loop waits for, once for each page

    def __init__(self) -> None:
        self._buffer = b""
        self._is_socket = False
        self._streams: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's has another base

    def connection_lost(self, error: Exception | None) -> None:
        for stream in self._streams:
            self.streams[stream].pop(self, None)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_socket:
            self._requests()
        if self._is_socket:
            self._frames()

    # Pages

    def _requests(self) -> None:
        while not self._is_socket:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self._buffer = rest
            key = _header(head, b"sec-websocket-key")
            if key:
                self._shake_hands(key)
            else:
                self.transport.write(self._page(head.split(b" ", 2)[1]))

    def _page(self, target: bytes) -> bytes:
        if target not in self.pages and len(self.pages) < PAGES:
            self.pages[target] = self.django.submit(_asked_of_django, target.decode("latin1")).result()
        return self.pages[target]

    # Sockets

    def _shake_hands(self, key: bytes) -> None:
        self._is_socket = True
        accept = b64encode(sha1(key + GUID, usedforsecurity=False).digest()).decode()
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept}",
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
        ]
        self.transport.write("\r\n".join([*lines, "", ""]).encode())

    def _frames(self) -> None:
        """Whole text frames below 64 KiB, as every client of ours sends them."""
        buffer, at = self._buffer, 0
        while len(buffer) - at >= 6:
            size, start = buffer[at + 1] & 0x7F, at + 2
            if size == 126:
                size, start = int.from_bytes(buffer[at + 2 : at + 4]), at + 4
            if start + 4 + size > len(buffer):
                break
            mask, body = buffer[start : start + 4], buffer[start + 4 : start + 4 + size]
            if mask != b"\0\0\0\0":
                body = bytes(byte ^ key for byte, key in zip(body, cycle(mask), strict=False))
            self._heard(buffer[at], body)
            at = start + 4 + size
        self._buffer = buffer[at:]

    def _heard(self, opcode: int, body: bytes) -> None:
        if opcode == TEXT:
            self._said(json.loads(body))
        elif opcode == PING:
            self.transport.write(bytes((0x8A, len(body))) + body)
        elif opcode == CLOSE:
            self.transport.write(bytes((CLOSE, len(body))) + body)
            self.transport.close()

    def _said(self, frame: dict) -> None:
        if frame["t"] == "hello":
            limits = Limits()
            welcome = build(
                "welcome",
                conn="bare",
                ping=limits.ping,
                pong=limits.pong,
                window=limits.window,
                time=int(time.time() * 1000),
                reader="",
            )
            self.transport.write(welcome.wire)
        elif frame["t"] == "sub":
            stream = frame["stream"]
            self.streams[stream][self] = None
            self._streams.append(stream)
            ok = build("ok", id=frame["id"], stream=stream, e="", o=0, recovered=True)
            self.transport.write(ok.wire)


def _header(head: bytes, wanted: bytes) -> bytes:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == wanted:
            return value.strip()
    return b""


def _asked_of_django(target: str) -> bytes:
    """The whole answer as bytes on the wire."""
    answer = Client(headers={"host": "127.0.0.1"}).get(target)
    body = b"".join(answer) if answer.streaming else answer.content  # type: ignore[attr-defined]
    lines = [f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}"]
    headers = {**answer.headers, "Content-Length": str(len(body))}
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin1") + body


async def broadcast() -> None:
    async for entry in committed():
        wire = entry.frame.wire
        for peer in Peer.streams.get(entry.stream, ()):
            peer.transport.write(wire)


async def serve(listener: socket.socket) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(Peer, sock=listener, backlog=BACKLOG)
    hearing = loop.create_task(broadcast())
    gc.collect()
    gc.freeze()
    stopping = loop.create_task(stop.wait())
    # A broadcast that fails ends the process: nobody shall measure a server that tells nothing.
    await asyncio.wait([hearing, stopping], return_when=asyncio.FIRST_COMPLETED)
    server.close()
    if hearing.done():
        hearing.result()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, required=True)
    listener = socket.create_server(("127.0.0.1", options.parse_args().port), backlog=BACKLOG)
    uvloop.run(serve(listener))


if __name__ == "__main__":
    main()
