"""Clients of the notification protocol by the ten thousand: an event that many get is read once for all.

They say what a client must (hello, sub, ack, pong), count what comes, and note when; `lab.faults.follower` is the
strict client, which judges every frame.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import Any, cast

import numpy as np

from lab.faults.follower import PATH, SUBPROTOCOL
from lab.faults.wire import CLOSE, PING, PONG, TEXT, handshake

ACK_EVENTS, ACK_SECONDS, SLICES = 64, 5.0, 50
KNOWN_MOST = 4096
DEAF_BUFFER = 4096
# Addresses of the loopback network, and how many sockets come from one before it is the next one's turn: a port rests
# for a minute after its connection has ended.
SOURCES, PER_SOURCE = 200, 4000
CONNECTS_WITHIN = 60.0


def masked(text: str) -> bytes:
    """As a frame of a client, whose mask is zeros and so leaves the text as it is."""
    data = text.encode()
    size = len(data)
    head = bytes((TEXT, 0x80 | size)) if size < 126 else bytes((TEXT, 0xFE)) + size.to_bytes(2)
    return head + bytes(4) + data


HELLO, PONGED = masked('{"t":"hello"}'), masked('{"t":"pong"}')


class Event:
    """One that was heard, by however many. `at` is the writer's clock, which is ours."""

    __slots__ = ("ack", "at", "count", "first", "last", "offset", "stream")

    def __init__(self, frame: dict[str, Any], now: float) -> None:
        self.stream, self.offset = frame["s"], frame["o"]
        self.at = float(frame["d"].get("at", now))
        self.ack = masked(json.dumps({"t": "ack", "s": self.stream, "o": self.offset}))
        self.count, self.first, self.last = 0, now, now


class Client(asyncio.Protocol):
    __slots__ = ("_crowd", "_rest", "_streams", "_wanted", "deaf", "last", "ready", "transport", "unacked")

    def __init__(self, crowd: Crowd, streams: Sequence[str], deaf: bool) -> None:
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
            self._write(HELLO)
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
                self._write(bytes((PONG, 0x80 | size, 0, 0, 0, 0)) + data[start:end])
            elif data[at] == CLOSE:
                self._write(bytes((CLOSE, 0x80, 0, 0, 0, 0)))
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
        now = time.monotonic()
        event.count += 1
        event.last = now
        self._crowd.late.append(now - event.at)
        if self.last is not None and self.last.stream != event.stream:
            self.acknowledge()
        self.last = event
        self.unacked += 1
        if self.unacked >= ACK_EVENTS:
            self.acknowledge()

    def acknowledge(self) -> None:
        if self.unacked and self.last is not None:
            self.unacked = 0
            self._write(self.last.ack)

    def _told(self, frame: dict[str, Any]) -> None:
        match frame["t"]:
            case "welcome":
                self._crowd.readers += bool(frame.get("reader"))
                self._wanted = len(self._streams)
                for number, stream in enumerate(self._streams):
                    self._write(masked(json.dumps({"t": "sub", "id": number, "stream": stream})))
                if not self._wanted:
                    self._open()
            case "ok":
                self._wanted -= 1
                if not self._wanted:
                    self._open()
            case "ping":
                self._write(PONGED)
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

    def _write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def _lose(self, why: str) -> None:
        if self.transport is not None:
            self.transport.abort()
        self._crowd.lost(self, why)

    def connection_lost(self, error: Exception | None) -> None:
        self._crowd.lost(self, "dropped")


class Crowd:
    """Its methods are called by a load, through `lab.wire.generator`, and run in the generator's loop."""

    def __init__(self) -> None:
        self.known: dict[bytes, Event] = {}
        self.events: list[Event] = []
        self.late = array("d")
        self.counts: Counter[str] = Counter()
        self.clients: dict[Client, None] = {}
        self.readers = 0  # were told who they are
        self._sources = count()

    # Coming and going

    async def open(
        self,
        ports: Sequence[int],
        number: int,
        *,
        streams: Sequence[str] = (),
        own: Sequence[tuple[str, str]] = (),
        at_once: int = 100,
        deaf: bool = False,
        within: float = 120.0,
    ) -> dict[str, float]:
        """So many more, over these ports in turn, `at_once` under way at any moment, until each has its streams.

        `own` gives to each in turn the cookie that opens it, and a stream that only it follows ("" for none).
        """
        self.readers = 0
        taken, left = array("d"), iter(range(number))
        begun, cpu = time.monotonic(), time.process_time()

        async def worker() -> None:
            for each in left:
                stream, cookie = own[each % len(own)] if own else ("", "")
                follows = [*streams, stream] if stream else list(streams)
                since = time.monotonic()
                await self._come(ports[each % len(ports)], follows, cookie, deaf)
                taken.append(time.monotonic() - since)

        async with asyncio.timeout(within):
            await asyncio.gather(*(worker() for _ in range(min(at_once, number))))
        seconds = time.monotonic() - begun
        p50, p99 = np.percentile(np.array(taken) * 1000, (50, 99))
        return {
            "seconds": seconds,
            "p50_ms": float(p50),
            "p99_ms": float(p99),
            "max_ms": max(taken) * 1000,
            "readers": self.readers,
            "open": len(self.clients),
            "load_busy": (time.process_time() - cpu) / seconds,
        }

    async def _come(self, port: int, streams: Sequence[str], cookie: str, deaf: bool) -> None:
        host = f"127.0.0.1:{port}"
        origin = f"http://{host}" if cookie else ""
        client = Client(self, streams, deaf)
        ready = client.ready
        assert ready is not None
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECTS_WITHIN):
            await loop.create_connection(lambda: client, sock=await self._socket(port, deaf))
            self.clients[client] = None
            client._write(handshake(host, PATH, subprotocol=SUBPROTOCOL, origin=origin, cookie=cookie))
            await ready

    async def _socket(self, port: int, deaf: bool) -> socket.socket:
        """From the next address whose ports have rested longest."""
        one = socket.socket()
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if deaf:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, DEAF_BUFFER)
        one.bind((f"127.0.0.{2 + next(self._sources) // PER_SOURCE % SOURCES}", 0))
        await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", port))
        return one

    def lost(self, client: Client, why: str) -> None:
        if client in self.clients:
            del self.clients[client]
            self.counts[why] += 1
            if client.ready is not None and not client.ready.done():
                client.ready.set_exception(ConnectionError(f"not let in: {why}"))

    async def cut(self) -> int:
        """All are gone at once, without a word; how many."""
        clients, self.clients = self.clients, {}
        for client in clients:
            if client.transport is not None:
                client.transport.abort()
        await asyncio.sleep(0.05)
        return len(clients)

    async def close(self) -> None:
        await self.cut()
        self.forget()

    # What they hear

    def learn(self, wire: bytes, frame: dict[str, Any]) -> Event:
        event = Event(frame, time.monotonic())
        if len(self.known) >= KNOWN_MOST:
            self.known.clear()
        self.known[wire] = event
        self.events.append(event)
        return event

    def forget(self) -> None:
        self.known.clear()
        self.events, self.late, self.counts = [], array("d"), Counter()

    async def expect(self, deliveries: int, within: float = 60.0) -> dict[str, Any]:
        """Once so many have come since `forget`, or after so long. Times in ms from each event's writing."""
        cpu, begun, deadline = time.process_time(), time.monotonic(), time.monotonic() + within
        while len(self.late) < deliveries and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        late = np.array(self.late) * 1000
        p50, p99 = np.percentile(late, (50, 99)) if len(late) else (0.0, 0.0)
        lasts = np.array([event.last - event.at for event in self.events]) * 1000
        seconds = max(time.monotonic() - begun, 1e-9)
        return {
            "deliveries": len(late),
            "missing": max(0, deliveries - len(late)),
            "p50_ms": float(p50),
            "p99_ms": float(p99),
            "last_p50_ms": float(np.percentile(lasts, 50)) if len(lasts) else 0.0,
            "last_p99_ms": float(np.percentile(lasts, 99)) if len(lasts) else 0.0,
            "ended": max((event.last for event in self.events), default=0.0),
            "load_busy": (time.process_time() - cpu) / seconds,
            "counts": dict(self.counts),
        }

    async def tick_for_ever(self) -> None:
        """In slices, so that thousands do not acknowledge in one moment."""
        for number in count():
            await asyncio.sleep(ACK_SECONDS / SLICES)
            for client in list(self.clients)[number % SLICES :: SLICES]:
                if not client.deaf:
                    client.acknowledge()
