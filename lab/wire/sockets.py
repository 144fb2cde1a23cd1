"""Clients of the notification protocol by the ten thousand: an event that many get is read once for all.

They say what a client must (hello, sub, ack, pong), count what comes, and note when; `lab.faults.follower` is the
strict client, which judges every frame.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from itertools import count
from typing import Any

import numpy as np

from lab.faults.follower import PATH, SUBPROTOCOL
from lab.faults.wire import handshake
from lab.wire.client import Client, Event

ACK_SECONDS, SLICES = 5.0, 50
KNOWN_MOST = 4096
DEAF_BUFFER = 4096
# Addresses of the loopback network, and how many sockets come from one before it is the next one's turn: a port rests
# for a minute after its connection has ended.
SOURCES, PER_SOURCE = 200, 4000
CONNECTS_WITHIN, OPENS_WITHIN = 110.0, 120.0  # one, and all of them
# A client that is told to come back waits by chance up to so long, doubled with each try, as the shop's own does.
RETRY_SECONDS, RETRY_MAX_SECONDS = 0.5, 30.0
COME_BACK = ("HTTP/1.1 503", "closed", "dropped")  # why it was lost before it had its streams


class ComeBack(ConnectionError):
    """No room at this moment, or it took the server too long."""


class Crowd:
    """Its methods are called by a load, through `lab.wire.generator`, and run in the generator's loop."""

    def __init__(self) -> None:
        self.known: dict[bytes, Event] = {}
        self.events: list[Event] = []
        self.arrived, self.which = (
            array("d"),
            array("l"),
        )  # of each delivery: when, and the number of its event
        self.counts: Counter[str] = Counter()
        self.clients: dict[Client, None] = {}
        self.readers = 0  # were told who they are
        self._since = (0.0, 0.0)  # when it last forgot: by the clock, and in CPU
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
        patience: float | None = None,
    ) -> dict[str, float]:
        """So many more, over these ports in turn, `at_once` under way at any moment, until each has its streams.

        Not to have all of them in time is an error; with `patience`, in seconds, it is what `open` tells. `refused`
        counts the tries that were told to come back.

        `own` gives to each in turn the cookie that opens it, and a stream that only it follows ("" for none).
        """
        self.readers = 0
        refused = self.counts["refused"]
        taken, left = array("d"), iter(range(number))
        begun, cpu = time.monotonic(), time.process_time()

        async def worker() -> None:
            for each in left:
                stream, cookie = own[each % len(own)] if own else ("", "")
                follows = [*streams, stream] if stream else list(streams)
                since = time.monotonic()
                await self._come_until_let_in(ports[each % len(ports)], follows, cookie, deaf)
                taken.append(time.monotonic() - since)

        with suppress(TimeoutError) if patience else nullcontext():
            async with asyncio.timeout(patience or OPENS_WITHIN):
                await asyncio.gather(*(worker() for _ in range(min(at_once, number))))
        seconds = time.monotonic() - begun
        return {
            "seconds": seconds,
            **_percentiles("", np.array(taken) * 1000),
            "readers": self.readers,
            "open": len(taken),
            "refused": self.counts["refused"] - refused,
            "load_busy": (time.process_time() - cpu) / seconds,
        }

    async def _come_until_let_in(self, port: int, streams: Sequence[str], cookie: str, deaf: bool) -> None:
        most = RETRY_SECONDS
        while True:
            try:
                return await self._come(port, streams, cookie, deaf)
            except ComeBack:
                self.counts["refused"] += 1
                await asyncio.sleep(random.random() * most)
                most = min(RETRY_MAX_SECONDS, 2 * most)

    async def _come(self, port: int, streams: Sequence[str], cookie: str, deaf: bool) -> None:
        host = f"127.0.0.1:{port}"
        origin = f"http://{host}"  # of a page of the shop, signed in or not
        client = Client(self, streams, deaf)
        ready = client.ready
        assert ready is not None
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECTS_WITHIN):
            await loop.create_connection(lambda: client, sock=await self._socket(port, deaf))
            self.clients[client] = None
            client.write(handshake(host, PATH, subprotocol=SUBPROTOCOL, origin=origin, cookie=cookie))
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
                fault = ComeBack if why.startswith(COME_BACK) else ConnectionError
                client.ready.set_exception(fault(f"not let in: {why}"))

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
        event = Event(len(self.events), frame, len(wire), time.monotonic())
        if len(self.known) >= KNOWN_MOST:
            self.known.clear()
        self.known[wire] = event
        self.events.append(event)
        return event

    def forget(self) -> None:
        self.known.clear()
        self.events, self.counts = [], Counter()
        self.arrived, self.which = array("d"), array("l")
        self._since = time.monotonic(), time.process_time()

    async def expect(
        self, deliveries: int, committed: Mapping[str, Sequence[float]] = {}, *, within: float = 30.0
    ) -> dict[str, Any]:
        """What has come since `forget`, once it is so many, or after so long.

        Times are in ms from each event's commit: `committed` has them for each stream, by the writer's count. Without
        it they are from the moment that the event itself names, before its transaction.
        """
        deadline = time.monotonic() + within
        while len(self.arrived) < deliveries and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        said = _times(self.events, committed)
        late = (np.array(self.arrived) - said[np.array(self.which, dtype=int)]) * 1000
        lasts = (np.array([event.last for event in self.events]) - said) * 1000
        since, cpu = self._since
        return {
            "deliveries": len(late),
            "missing": max(0, deliveries - len(late)),
            **_percentiles("", late),
            **_percentiles("last_", lasts),
            "ended": max((event.last for event in self.events), default=0.0),
            "load_cpu": (spent := time.process_time() - cpu),
            "load_busy": spent / (time.monotonic() - since),
            "counts": dict(self.counts),
        }

    async def lateness(self, committed: Mapping[str, Sequence[float]]) -> dict[str, float]:
        """As `expect`, of these streams alone."""
        chosen = [event for event in self.events if event.stream in committed]
        numbers = np.array([event.number for event in chosen], dtype=int)
        said = np.zeros(len(self.events))
        said[numbers] = _times(chosen, committed)
        which = np.array(self.which, dtype=int)
        among = np.isin(which, numbers)
        late = (np.array(self.arrived)[among] - said[which[among]]) * 1000
        return {"deliveries": len(late), **_percentiles("", late)}

    async def tick_for_ever(self) -> None:
        """In slices, so that thousands do not acknowledge in one moment."""
        for number in count():
            await asyncio.sleep(ACK_SECONDS / SLICES)
            for client in list(self.clients)[number % SLICES :: SLICES]:
                if not client.deaf:
                    client.acknowledge()


def _times(events: Sequence[Event], committed: Mapping[str, Sequence[float]]) -> np.ndarray:
    return np.array(
        [committed[event.stream][event.n] if event.stream in committed else event.at for event in events]
    )


def _percentiles(prefix: str, values: np.ndarray) -> dict[str, float]:
    p50, p99, most = np.percentile(values, (50, 99, 100)) if len(values) else (0.0, 0.0, 0.0)
    return {f"{prefix}p50_ms": float(p50), f"{prefix}p99_ms": float(p99), f"{prefix}max_ms": float(most)}
