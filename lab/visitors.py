"""The crowd that the page opens: `python -m lab.visitors PORT STREAM COUNT`, in a process of its own.

It says in lines of JSON how many are in. Told a number on its standard input it waits for so many events, and says how
late each came. It ends with its standard input, and so with whoever started it, and after a minute in any case.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import sys
import time
from array import array
from typing import Any

from lab.faults.follower import PATH, SUBPROTOCOL
from lab.faults.wire import Socket, handshake

ENDS_AFTER = 60.0
OPENS_WITHIN = 20.0
HEARS_WITHIN = 15.0
AT_ONCE = 100
SAYS_EVERY = 0.1
STEPS = 50  # of the curve: how late the first, each fiftieth, and the last was


class Crowd:
    def __init__(self, port: int, stream: str, count: int) -> None:
        self.port, self.stream, self.count = port, stream, count
        self.visitors: list[Visitor] = []
        self.open = self.refused = 0
        self.late = array("d")  # in ms, of every event at every socket
        self.last = 0.0  # when that was

    async def arrive(self) -> None:
        """All of them, a hundred on their way at a time."""
        begun, room = time.monotonic(), asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as coming:
            for _ in range(self.count):
                await room.acquire()
                visitor = Visitor(self)
                self.visitors.append(visitor)
                coming.create_task(visitor.come()).add_done_callback(lambda _: room.release())
        say(t="in", open=self.open, refused=self.refused, seconds=time.monotonic() - begun)

    async def tell_how_many(self) -> None:
        begun, told = time.monotonic(), -1
        while self.open + self.refused < self.count:
            if self.open != told:
                told = self.open
                say(t="opening", open=told, seconds=time.monotonic() - begun)
            await asyncio.sleep(SAYS_EVERY)

    async def hear(self, events: int) -> None:
        wanted, until = events * self.open, time.monotonic() + HEARS_WITHIN
        while len(self.late) < wanted and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        late = sorted(self.late)
        firsts = [visitor.first for visitor in self.visitors if visitor.first is not None]
        say(
            t="heard",
            wanted=wanted,
            heard=len(late),
            curve=[round(late[(len(late) - 1) * step // STEPS], 2) for step in range(STEPS + 1)]
            if late
            else [],
            p99=round(late[len(late) * 99 // 100], 2) if late else 0,
            firsts=[round(first, 1) for first in firsts],
            last=self.last,
        )


class Visitor:
    """One socket. It never comes again: who is sent away is counted."""

    def __init__(self, crowd: Crowd) -> None:
        self.first: float | None = None  # how late the first event came, in ms
        self._crowd = crowd
        self._answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        host = f"127.0.0.1:{crowd.port}"
        self._socket = Socket(self, handshake(host, PATH, subprotocol=SUBPROTOCOL))

    async def come(self) -> None:
        is_in = False
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(OPENS_WITHIN):
                loop = asyncio.get_running_loop()
                await loop.create_connection(lambda: self._socket, "127.0.0.1", self._crowd.port)
                is_in = await self._answered
        self._crowd.open += is_in
        self._crowd.refused += not is_in

    def opened(self) -> None:
        self._socket.send('{"t":"hello"}')
        self._socket.send(json.dumps({"t": "sub", "id": 1, "stream": self._crowd.stream}))

    def heard(self, text: bytes) -> None:
        now, frame = time.monotonic(), _read(text)
        match frame["t"]:
            case "ev" if "at" in frame["d"]:
                late = 1000 * (now - frame["d"]["at"])
                self.first = late if self.first is None else self.first
                self._crowd.late.append(late)
                self._crowd.last = now
            case "ok":
                self._answer(True)
            case "ping":
                self._socket.send('{"t":"pong"}')
            case "err" | "bye":
                self._answer(False)

    def lost(self, why: str) -> None:
        self._answer(False)

    def _answer(self, is_in: bool) -> None:
        if not self._answered.done():
            self._answered.set_result(is_in)


@functools.lru_cache(maxsize=64)
def _read(text: bytes) -> dict[str, Any]:
    """An event has the same bytes for all."""
    frame: dict[str, Any] = json.loads(text)
    return frame


def say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


async def main(port: int, stream: str, count: int) -> None:
    crowd, orders = Crowd(port, stream, count), asyncio.StreamReader()
    reading = functools.partial(asyncio.StreamReaderProtocol, orders)
    await asyncio.get_running_loop().connect_read_pipe(reading, sys.stdin)
    work = [asyncio.create_task(crowd.tell_how_many()), asyncio.create_task(crowd.arrive())]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ENDS_AFTER):
            while order := await orders.readline():
                work.append(asyncio.create_task(crowd.hear(int(order))))
    for each in work:
        each.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
