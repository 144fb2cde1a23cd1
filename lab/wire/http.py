"""HTTP/1.1 clients that keep their connection: as few instructions for each answer as Python allows.

An answer ends by its Content-Length or its last chunk, and is counted by its status; its body is not looked at.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any, cast

import numpy as np

CONNECTS_WITHIN = 20.0
TICK_SECONDS = 0.001


def request(
    path: str,
    host: str = "127.0.0.1",
    *,
    method: str = "GET",
    headers: Mapping[str, str] = {},
    body: str = "",
) -> bytes:
    data = body.encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{k}: {v}" for k, v in headers.items())]
    if data:
        lines.append(f"Content-Length: {len(data)}")
    return "\r\n".join([*lines, "", ""]).encode() + data


class Record:
    """Of one measurement: the latencies in seconds, and how answers began."""

    def __init__(self) -> None:
        self.latencies = array("d")
        self.statuses: Counter[bytes] = Counter()
        self.bytes = 0
        self.dropped = 0

    def as_dict(self, seconds: float, busy: float) -> dict[str, Any]:
        taken = np.array(self.latencies) * 1000
        p50, p99 = np.percentile(taken, (50, 99)) if len(taken) else (0.0, 0.0)
        good = sum(count for status, count in self.statuses.items() if status[:1] in b"23")
        return {
            "requests": len(taken),
            "seconds": seconds,
            "per_second": len(taken) / seconds,
            "p50_ms": float(p50),
            "p99_ms": float(p99),
            "max_ms": float(taken.max(initial=0.0)),
            "bytes": self.bytes,
            "errors": len(taken) - good + self.dropped,
            "statuses": {status.decode("latin1"): count for status, count in self.statuses.items()},
            "load_busy": busy,
        }


class Client(asyncio.Protocol):
    """One request at a time; `done(client)` when its answer is whole, or the connection is gone."""

    __slots__ = (
        "_began",
        "_chunked",
        "_done",
        "_missing",
        "_parts",
        "_record",
        "_waits",
        "lost",
        "transport",
    )

    def __init__(self, record: Record, done: Callable[[Client], None]) -> None:
        self._record, self._done = record, done
        self._parts: bytes = b""
        self._missing, self._chunked, self._waits = -1, False, False
        self._began = 0.0
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def ask(self, data: bytes, due: float) -> None:
        """`due` is when it should have been sent: what waits for a free connection has begun already."""
        self._began, self._waits = due, True
        self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        record = self._record
        record.bytes += len(data)
        if self._chunked:
            self._parts = (self._parts + data)[-7:]
            if self._parts.endswith(b"\r\n0\r\n\r\n"):
                self._complete()
            return
        if self._missing < 0:
            data = self._parts + data if self._parts else data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._parts = data
                return
            self._begin(data[:end])
            if self._chunked:
                self._parts = b""
                record.bytes -= len(data) - end - 4
                self.data_received(data[end + 2 :])
                return
            self._missing -= len(data) - end - 4
        else:
            self._missing -= len(data)
        if self._missing <= 0:
            self._complete()

    def _begin(self, head: bytes) -> None:
        status = head[9:12]
        self._record.statuses[status] += 1
        low = head.lower()
        at = low.find(b"\r\ncontent-length:")
        if at >= 0:
            end = low.find(b"\r\n", at + 17)
            self._missing = int(low[at + 17 : end if end > 0 else None])
        elif b"\r\ntransfer-encoding: chunked" in low:
            self._chunked = True
        else:
            self._missing = 0  # 204, 304
        self._parts = b""

    def _complete(self) -> None:
        self._missing, self._chunked, self._waits, self._parts = -1, False, False, b""
        self._record.latencies.append(time.monotonic() - self._began)
        self._done(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        if self._waits:
            self._waits = False
            self._record.dropped += 1
            self._done(self)


async def connect(port: int, record: Record, done: Callable[[Client], None]) -> Client:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECTS_WITHIN):
        _, client = await loop.create_connection(lambda: Client(record, done), "127.0.0.1", port)
    return client


async def closed(
    port: int, requests: Sequence[bytes], connections: int, seconds: float, most: int | None = None
) -> dict[str, Any]:
    """Each connection asks again when it was answered, for so many seconds, or until so many answers."""
    record, finished = Record(), asyncio.get_running_loop().create_future()
    asked, working, left = cycle(requests), connections, most if most is not None else -1
    until = float("inf")

    def done(client: Client) -> None:
        nonlocal working, left
        now = time.monotonic()
        if client.lost or now >= until or left == 0:
            working -= 1
            if not working and not finished.done():
                finished.set_result(now)
            return
        left -= 1
        client.ask(next(asked), now)

    clients = [await connect(port, record, done) for _ in range(connections)]
    begun, cpu = time.monotonic(), time.process_time()
    until = begun + seconds
    for client in clients:
        done(client)
    try:
        ended = await asyncio.wait_for(finished, seconds + 60)
    finally:
        for client in clients:
            client.transport.abort()
    taken = max(ended - begun, 1e-9)
    return record.as_dict(taken, (time.process_time() - cpu) / taken)


async def opened(
    port: int, requests: Sequence[bytes], rate: float, seconds: float, connections: int = 1000
) -> dict[str, Any]:
    """So many a second come, whatever the server does; each latency is from when it was due."""
    record = Record()
    asked, waiting, free = cycle(requests), deque[float](), deque[Client]()
    total, sent = int(rate * seconds), 0

    def done(client: Client) -> None:
        if client.lost:
            return
        if waiting:
            client.ask(next(asked), waiting.popleft())
        else:
            free.append(client)

    clients = [await connect(port, record, done) for _ in range(connections)]
    free.extend(clients)
    begun, cpu = time.monotonic(), time.process_time()
    while sent < total:
        now = time.monotonic()
        while sent < total and (due := begun + sent / rate) <= now:
            sent += 1
            waiting.append(due)
        while waiting and free:
            free.popleft().ask(next(asked), waiting.popleft())
        await asyncio.sleep(TICK_SECONDS)
    deadline = time.monotonic() + 60
    while len(record.latencies) + record.dropped < total and time.monotonic() < deadline:
        if all(client.lost for client in clients):
            break
        await asyncio.sleep(TICK_SECONDS)
    taken = time.monotonic() - begun
    for client in clients:
        client.transport.abort()
    figures = record.as_dict(taken, (time.process_time() - cpu) / taken)
    figures["errors"] += total - len(record.latencies) - record.dropped
    return figures
