"""One client of the notification protocol, and the events that it shares with all others."""

from __future__ import annotations

import asyncio
import json
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol, cast

from lab.faults.wire import CLOSE, PING, PONG, TEXT

ACK_EVENTS = 64  # or as many KiB: the window is of both


class Audience(Protocol):
    """Who gathers what its clients see."""

    known: dict[bytes, Event]
    arrived: array[float]
    which: array[int]
    counts: Counter[str]
    readers: int

    def learn(self, wire: bytes, frame: dict[str, Any]) -> Event: ...

    def lost(self, client: Client, why: str) -> None: ...


def masked(text: str) -> bytes:
    """As a frame of a client, whose mask is zeros and so leaves the text as it is."""
    data = text.encode()
    size = len(data)
    head = bytes((TEXT, 0x80 | size)) if size < 126 else bytes((TEXT, 0xFE)) + size.to_bytes(2)
    return head + bytes(4) + data


HELLO, PONGED = masked('{"t":"hello"}'), masked('{"t":"pong"}')


class Event:
    """One that was heard, by however many. `at` is the writer's clock, which is ours, and `n` the writer's count."""

    __slots__ = ("ack", "at", "last", "n", "number", "stream", "weight")

    def __init__(self, number: int, frame: dict[str, Any], size: int, now: float) -> None:
        said = frame["d"]
        self.number, self.stream = number, frame["s"]
        self.at, self.n = float(said.get("at", now)), said.get("n", 0)
        self.ack = masked(json.dumps({"t": "ack", "s": self.stream, "o": frame["o"]}))
        self.weight = 1 + size // 1024
        self.last = now


class Client(asyncio.Protocol):
    __slots__ = ("_crowd", "_rest", "_streams", "_wanted", "deaf", "last", "ready", "transport", "unacked")

    def __init__(self, crowd: Audience, streams: Sequence[str], deaf: bool) -> None:
        self._crowd, self._streams, self._wanted = crowd, streams, -1  # not open yet
        self._rest = b""
        self.deaf = deaf
        self.last: Event | None = None
        self.unacked = 0
        self.transport: asyncio.Transport | None = None
        self.ready: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        event = self._crowd.known.get(data)
        if event is not None and not self._rest:
            self._heard(event)
            return
        if self._rest:
            data = self._rest + data
        if self._wanted < 0:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._rest = head
                return
            if b" 101 " not in head[:16]:
                self._lose(head.split(b"\r\n", 1)[0].decode("latin1"))
                return
            self._wanted = 0
            self.write(HELLO)
        self._rest = data[self._read(data) :]

    def _read(self, data: bytes) -> int:
        """Where the first incomplete frame begins."""
        at, most = 0, len(data)
        while most - at >= 2:
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = int.from_bytes(data[at + 2 : at + 4]), at + 4
            if start + size > most:
                break
            end = start + size
            if data[at] == TEXT:
                self._frame(data[at:end], start - at)
            elif data[at] == PING:
                self.write(bytes((PONG, 0x80 | size, 0, 0, 0, 0)) + data[start:end])
            elif data[at] == CLOSE:
                self.write(bytes((CLOSE, 0x80, 0, 0, 0, 0)))
                self._lose("closed")
            at = end
        return at

    def _frame(self, wire: bytes, head: int) -> None:
        crowd = self._crowd
        if (event := crowd.known.get(wire)) is None:
            frame = json.loads(wire[head:])
            if frame["t"] != "ev":
                self._told(frame)
                return
            event = crowd.learn(wire, frame)
        self._heard(event)

    def _heard(self, event: Event) -> None:
        crowd = self._crowd
        event.last = now = time.monotonic()
        crowd.arrived.append(now)
        crowd.which.append(event.number)
        if self.last is not None and self.last.stream != event.stream:
            self.acknowledge()
        self.last = event
        self.unacked += event.weight
        if self.unacked >= ACK_EVENTS:
            self.acknowledge()

    def acknowledge(self) -> None:
        if self.unacked and self.last is not None:
            self.unacked = 0
            self.write(self.last.ack)

    def _told(self, frame: dict[str, Any]) -> None:
        match frame["t"]:
            case "welcome":
                self._crowd.readers += bool(frame.get("reader"))
                self._wanted = len(self._streams)
                for number, stream in enumerate(self._streams):
                    self.write(masked(json.dumps({"t": "sub", "id": number, "stream": stream})))
                if not self._wanted:
                    self._open()
            case "ok":
                self._wanted -= 1
                if not self._wanted:
                    self._open()
            case "ping":
                self.write(PONGED)
            case "bye":
                self._crowd.counts[f"bye {frame['code']}"] += 1
            case "err":
                self._lose(f"err {frame['code']}")

    def _open(self) -> None:
        if self.ready is not None and not self.ready.done():
            self.ready.set_result(None)
        self.ready = None
        if self.deaf and self.transport is not None:
            self.transport.pause_reading()

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def _lose(self, why: str) -> None:
        if self.transport is not None:
            self.transport.abort()
        self._crowd.lost(self, why)

    def connection_lost(self, error: Exception | None) -> None:
        self._crowd.lost(self, "dropped")
