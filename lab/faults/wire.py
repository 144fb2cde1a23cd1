"""WebSockets for clients by the thousand in one process: text frames, and nothing checked that is not needed."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A


class Owner(Protocol):
    def opened(self) -> None: ...

    def heard(self, text: bytes) -> None: ...

    def lost(self, why: str) -> None:
        """Once, also where it never opened: `why` is the status line of a refused handshake, or empty."""


class Socket(asyncio.Protocol):
    __slots__ = ("_buffer", "_open", "_owner", "_request", "transport")

    def __init__(self, owner: Owner, request: bytes) -> None:
        self._owner = owner
        self._request = request
        self._buffer = b""
        self._open = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's has another base
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data if self._buffer else data
        if not self._open:
            head, end, rest = data.partition(b"\r\n\r\n")
            if not end:
                self._buffer = data
                return
            if b" 101 " not in head[:16]:
                self._close(head.split(b"\r\n", 1)[0].decode("latin1"))
                return
            self._open, data = True, rest
            self._owner.opened()
        self._buffer = data[self._read(data) :]

    def _read(self, data: bytes) -> int:
        """Where the first incomplete frame begins."""
        at = 0
        while len(data) - at >= 2:
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = int.from_bytes(data[at + 2 : at + 4]), at + 4
            if start + size > len(data):
                break
            body, at, opcode = data[start : start + size], start + size, data[at]
            if opcode == TEXT:
                self._owner.heard(body)
            elif opcode == PING:
                self.write(bytes((PONG, 0x80 | size, 0, 0, 0, 0)) + body)
            elif opcode == CLOSE:
                self.write(bytes((CLOSE, 0x80, 0, 0, 0, 0)))
                self._close("")
        return at

    def send(self, text: str) -> None:
        """Masked with zeros, as the protocol allows: which leaves it as it is."""
        data = text.encode()
        size = len(data)
        head = bytes((TEXT, 0x80 | size)) if size < 126 else bytes((TEXT, 0xFE)) + size.to_bytes(2)
        self.write(head + bytes(4) + data)

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def disown(self, *, hang: bool = False) -> None:
        """Nothing more of it reaches the owner. With `hang` it stays open, unread."""
        self._owner = _NOBODY
        if not hang:
            self.abort()
        elif self.transport is not None:
            self.transport.pause_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._tell("")

    def _close(self, why: str) -> None:
        if self.transport is not None:
            self.transport.close()
        self._tell(why)

    def _tell(self, why: str) -> None:
        owner, self._owner = self._owner, _NOBODY
        owner.lost(why)


class _Nobody:
    def opened(self) -> None:
        pass

    def heard(self, text: bytes) -> None:
        pass

    def lost(self, why: str) -> None:
        pass


_NOBODY = _Nobody()


def handshake(host: str, path: str, *, subprotocol: str = "", origin: str = "", cookie: str = "") -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    more = {"Sec-WebSocket-Protocol": subprotocol, "Origin": origin, "Cookie": cookie}
    lines += [f"{name}: {value}" for name, value in more.items() if value]
    return "\r\n".join([*lines, "", ""]).encode()
