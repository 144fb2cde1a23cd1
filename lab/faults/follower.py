"""A light client that keeps the client's half of the promise and judges the server's half.

It is strict where `notifications.client` is forgiving: what that one mends in silence is counted here.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lab.faults.wire import Socket, handshake

SUBPROTOCOL = "shop-notify.v1"
PATH = "/ws/notifications/"
ACK_EVENTS = 64
PATIENCE = 33.0
CONNECTS_WITHIN = 20.0
RETRY_SECONDS, RETRY_MOST = 0.5, 30.0
DEAF_BUFFER = 4096


@dataclass(slots=True)
class Record:
    """What all the followers saw. `written` and `arrived` are seconds of the monotonic clock, one pair an event."""

    written: array[float] = field(default_factory=lambda: array("d"))
    arrived: array[float] = field(default_factory=lambda: array("d"))
    returns: array[float] = field(
        default_factory=lambda: array("d")
    )  # from a loss until all streams are back
    replays: array[float] = field(
        default_factory=lambda: array("d")
    )  # from the handshake to the last missed event
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Place:
    """Where a follower is in a stream: `n` is the writer's own count, and `got` how many events came."""

    epoch: str = ""
    offset: int | None = None
    n: int = 0
    got: int = 0
    asked: int = 0


class Follower:
    """One user's device. `deaf`: it subscribes and then never reads again."""

    def __init__(
        self,
        record: Record,
        port: int,
        streams: list[str],
        *,
        source: str,
        cookie: str = "",
        deaf: bool = False,
    ) -> None:
        self.port, self.places = port, {stream: Place() for stream in streams}
        self.is_open = self.is_closed = False
        self._record, self._source, self._cookie, self._deaf = record, source, cookie, deaf
        self._loop = asyncio.get_running_loop()
        self._socket: Socket | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._waiting_for: set[str] = set()
        self._lost_at: float | None = None
        self._began = self._heard_at = time.monotonic()
        self._replay: float | None = None
        self._bye_ms: int | None = None
        self._tries = self._ids = self._unacknowledged = 0
        self._acknowledged: dict[str, int] = {}

    # The connection

    def connect(self) -> None:
        self._began = self._heard_at = time.monotonic()
        self._bye_ms = None
        self._connecting = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        host = f"127.0.0.1:{self.port}"
        origin = f"http://{host}" if self._cookie else ""
        request = handshake(host, PATH, subprotocol=SUBPROTOCOL, origin=origin, cookie=self._cookie)
        wire = self._socket = Socket(self, request)
        try:
            async with asyncio.timeout(CONNECTS_WITHIN):
                if self._deaf:
                    await self._loop.create_connection(lambda: wire, sock=await self._small_socket())
                else:
                    await self._loop.create_connection(
                        lambda: wire, "127.0.0.1", self.port, local_addr=(self._source, 0)
                    )
        except (OSError, TimeoutError) as fault:
            self.lost(type(fault).__name__)

    async def _small_socket(self) -> socket.socket:
        """What is not read stays with the server, not in this machine's buffers."""
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, DEAF_BUFFER)
        small.setblocking(False)
        small.bind((self._source, 0))
        await self._loop.sock_connect(small, ("127.0.0.1", self.port))
        return small

    def opened(self) -> None:
        known = {
            stream: {"e": place.epoch, "o": place.offset}
            for stream, place in self.places.items()
            if place.offset is not None
        }
        self._waiting_for = set(self.places)
        self._say(t="hello", resume=known)
        for stream in self.places.keys() - known:
            self._ask(stream)

    def lost(self, why: str) -> None:
        """Closed, refused or never reached; what the server said last decides when to come again."""
        if why:
            self._record.counts[f"refused: {why}"] += 1
        elif self._bye_ms is None and self.is_open:
            self._record.counts["dropped"] += 1
        self._leave()
        if not self.is_closed:
            self._come_again(self._pause())

    def _pause(self) -> float:
        if self._bye_ms is not None:
            return self._bye_ms / 1000
        most = min(RETRY_MOST, RETRY_SECONDS * 2**self._tries)
        self._tries = min(self._tries + 1, 10)
        return random.random() * most

    def _leave(self) -> None:
        if self._lost_at is None:
            self._lost_at = time.monotonic()
        self._note_replay()
        self.is_open, self._socket = False, None

    def _come_again(self, seconds: float) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._retry = self._loop.call_later(seconds, self.connect)

    def _note_replay(self) -> None:
        if self._replay is not None:
            self._record.replays.append(self._replay)
            self._replay = None

    def cut(self, away: float | None, *, hang: bool = False) -> None:
        """The network is gone for `away` seconds (None: until this client tries again by itself).

        With `hang` nobody is told, as when a train enters a tunnel: the server writes on into the dark.
        """
        wire = self._socket
        if wire is None or not self.is_open:
            return
        self._leave()
        wire.disown(hang=hang)
        if hang:
            self._loop.call_later(away or 0, wire.abort)
        self._come_again(self._pause() if away is None else away)

    def close(self) -> None:
        self.is_closed = True
        if self._retry is not None:
            self._retry.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
        if self._socket is not None:
            self._socket.disown()
        self._leave()

    def tick(self, now: float) -> None:
        """Every five seconds."""
        if self._deaf or self._socket is None:
            return
        if self.is_open:
            self._acknowledge()
        if now - self._heard_at > (PATIENCE if self.is_open else CONNECTS_WITHIN):
            self._record.counts["silent"] += 1
            self._socket.abort()

    # What it says and hears

    def _say(self, **frame: Any) -> None:
        if self._socket is not None:
            self._socket.send(json.dumps(frame))

    def _ask(self, stream: str) -> None:
        place = self.places[stream]
        self._ids += 1
        place.asked = self._ids
        here = {} if place.offset is None else {"e": place.epoch, "o": place.offset}
        self._say(t="sub", id=self._ids, stream=stream, **here)

    def _acknowledge(self) -> None:
        self._unacknowledged = 0
        for stream, offset in self._acknowledged.items():
            self._say(t="ack", s=stream, o=offset)
        self._acknowledged.clear()

    def heard(self, text: bytes) -> None:
        self._heard_at = time.monotonic()
        frame = json.loads(text)
        match frame["t"]:
            case "ev":
                self._event(frame)
            case "ok":
                self._ok(frame)
            case "ping":
                self._say(t="pong")
                for stream, top in frame["top"].items():
                    if top > (self.places[stream].offset or 0):
                        self._record.counts["gaps"] += 1
                        self._ask(stream)
            case "bye":
                self._record.counts[f"bye {frame['code']}"] += 1
                self._bye_ms = frame["retry_ms"]
                self.is_closed = not frame["reconnect"]
            case "err":
                self._record.counts[f"err {frame['code']}"] += 1
                if frame["temporary"] and self._socket is not None:
                    self._socket.abort()

    def _ok(self, frame: dict[str, Any]) -> None:
        place = self.places[frame["stream"]]
        if not frame["recovered"]:
            self._record.counts["resets"] += 1
        place.epoch, place.offset, place.asked = frame["e"], frame["o"], 0
        self._waiting_for.discard(frame["stream"])
        if not self._waiting_for and not self.is_open:
            self._is_back()

    def _is_back(self) -> None:
        now = time.monotonic()
        self.is_open, self._tries = True, 0
        if self._lost_at is not None:
            self._record.returns.append(now - self._lost_at)
            self._replay = now - self._began
            self._lost_at = None
        if self._deaf and self._socket is not None and self._socket.transport is not None:
            self._socket.transport.pause_reading()

    def _event(self, frame: dict[str, Any]) -> None:
        place, said = self.places[frame["s"]], frame["d"]
        if place.asked or place.offset is None:
            return
        if frame["o"] <= place.offset:
            self._record.counts["duplicates"] += 1
            return
        if frame["o"] != place.offset + 1 or place.epoch not in ("", frame["e"]):
            self._record.counts["gaps"] += 1
            self._ask(frame["s"])
            return
        place.epoch, place.offset = frame["e"], frame["o"]
        self._acknowledged[frame["s"]] = frame["o"]
        self._unacknowledged += 1
        if self._unacknowledged >= ACK_EVENTS:
            self._acknowledge()
        if "at" in said:
            self._judge(place, said)

    def _judge(self, place: Place, said: dict[str, Any]) -> None:
        """By what the writer counted, whatever the offsets say."""
        place.got += 1
        if said["n"] <= place.n:
            self._record.counts["disordered"] += 1
        place.n = said["n"]
        self._record.written.append(said["at"])
        self._record.arrived.append(self._heard_at)
        if self._replay is not None and said["at"] < self._began:
            self._replay = self._heard_at - self._began
