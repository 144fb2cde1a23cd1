"""The clients of a run, all in one process: `python -m lab.faults.crowd FD`, on the processor that no server has."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import numpy as np
import uvloop

from lab.faults.follower import Follower, Record
from lab.faults.remote import answer_in_background
from lab.faults.wire import Socket, handshake

# 28,000 ports belong to each address, and each cut leaves one in TIME_WAIT for a minute.
PER_SOURCE = 4000
AT_ONCE = 100
TICK_SECONDS, SLICES = 5.0, 50


class Crowd:
    """Its methods are called from other processes, and run in its loop."""

    def __init__(self) -> None:
        self.record = Record()
        self.followers: list[Follower] = []
        self.listeners: list[Listener] = []
        self._jitter: set[asyncio.TimerHandle] = set()

    # Coming and going

    async def open(
        self,
        count: int,
        ports: Sequence[int],
        streams: list[str],
        *,
        cookie: str = "",
        own: Sequence[tuple[str, str]] = (),
        deaf: bool = False,
        within: float = 120.0,
    ) -> float:
        """So many more followers, over these ports in turn; the seconds until all have all their streams.

        `own` is for as many of them as there are pairs: a stream that only it follows, and the cookie that opens it.
        """
        begun, room, added = time.monotonic(), asyncio.Semaphore(AT_ONCE), []

        async def come(number: int) -> None:
            more, key = own[number] if number < len(own) else ("", cookie)
            source = f"127.0.0.{2 + (len(self.followers) // PER_SOURCE) % 200}"
            follower = Follower(
                self.record,
                ports[number % len(ports)],
                streams + ([more] if more else []),
                source=source,
                cookie=key,
                deaf=deaf,
            )
            self.followers.append(follower)
            added.append(follower)
            async with room:
                follower.connect()
                await _until(lambda: follower.is_open or follower.is_closed, begun + within)

        await asyncio.gather(*(come(number) for number in range(count)))
        if missing := sum(not follower.is_open for follower in added):
            raise TimeoutError(
                f"{missing} of {count} were not let in within {within} s: {self.record.counts}"
            )
        return time.monotonic() - begun

    async def close(self) -> None:
        """All leave, and what they saw is forgotten."""
        await self.stop_jitter()
        for listener in self.listeners:
            listener.close()
        for number, follower in enumerate(self.followers):
            follower.close()
            if number % 500 == 499:
                await asyncio.sleep(0.01)
        self.followers, self.listeners, self.record = [], [], Record()
        await asyncio.sleep(0.1)

    async def cut(self, away: float | None = None) -> None:
        """All at once."""
        for follower in self.followers:
            follower.cut(away)

    async def move(self, ports: Sequence[int]) -> None:
        """Where they go when they come again, as a proxy leads them."""
        for number, follower in enumerate(self.followers):
            follower.port = ports[number % len(ports)]

    async def jitter(self, every: float, away: float) -> None:
        """Cuts each of them again and again, at its own time; half of them without a word to the server."""
        loop = asyncio.get_running_loop()

        def plan(follower: Follower, seconds: float, hang: bool) -> None:
            def cut() -> None:
                self._jitter.discard(handle)
                self.record.counts["cuts"] += follower.is_open
                follower.cut(away, hang=hang)
                plan(follower, random.uniform(0.7, 1.3) * every, not hang)

            handle = loop.call_later(seconds, cut)
            self._jitter.add(handle)

        for number, follower in enumerate(self.followers):
            plan(follower, random.random() * every, number % 2 == 0)

    async def stop_jitter(self) -> None:
        for handle in self._jitter:
            handle.cancel()
        self._jitter.clear()

    # Of a server that speaks no protocol

    async def listen(self, count: int, port: int, path: str) -> None:
        for _ in range(count):
            self.listeners.append(Listener())
            await self.listeners[-1].connect(port, path)

    async def listened(self, most: int, quiet: float = 2.0) -> int:
        """How many messages came, once all have or none has for so many seconds."""
        deadline = time.monotonic() + 60
        await _until(
            lambda: (
                sum(each.heard_count for each in self.listeners) >= most
                or time.monotonic() > max(each.heard_at for each in self.listeners) + quiet
            ),
            deadline,
        )
        return sum(each.heard_count for each in self.listeners)

    # What they saw

    async def wait_open(self, within: float) -> float:
        """The seconds until all of them are back."""
        begun = time.monotonic()
        await _until(lambda: all(follower.is_open for follower in self.followers), begun + within)
        return time.monotonic() - begun

    async def wait_for(self, said: Mapping[str, int], within: float) -> bool:
        """Whether all have all that was said on each stream, so many events each."""
        return await _until(lambda: not self._lost(said), time.monotonic() + within, every=0.05)

    async def report(
        self, said: Mapping[str, int], since: float = 0.0, until: float = 1e18
    ) -> dict[str, Any]:
        """`lost` and `delivered` in events; latencies in ms, of what was written between these times."""
        written, arrived = _as_numbers(self.record.written), _as_numbers(self.record.arrived)
        chosen = (written >= since) & (written < until)
        late = (arrived[chosen] - written[chosen]) * 1000
        for follower in self.followers:
            follower._note_replay()
        return {
            "sockets": sum(follower.is_open for follower in self.followers),
            "delivered": len(written),
            "lost": self._lost(said),
            **percentiles(late, "p50_ms", "p99_ms", "max_ms"),
            "last_arrival": float(arrived.max(initial=0.0)),
            "replay_p99_s": _percentile(_as_numbers(self.record.replays), 99),
            "back_p95_s": _percentile(_as_numbers(self.record.returns), 95),
            "back_max_s": _percentile(_as_numbers(self.record.returns), 100),
            "returns": len(self.record.returns),
            "counts": dict(self.record.counts),
        }

    async def lateness(self, begun: float, ended: float) -> dict[str, float]:
        """Of what was written, or under way, between these times: in ms from its writing, or from the end of these
        times where that came later."""
        written, arrived = _as_numbers(self.record.written), _as_numbers(self.record.arrived)
        chosen = (written <= ended) & (arrived >= begun)
        during = (arrived[chosen] - written[chosen]) * 1000
        after = (arrived[chosen] - np.maximum(written[chosen], ended)) * 1000
        return {
            "during_max_ms": float(during.max(initial=0.0)),
            "after_max_ms": float(after.max(initial=0.0)),
        }

    def _lost(self, said: Mapping[str, int]) -> int:
        missing = (
            max(0, count - follower.places[stream].got)
            for follower in self.followers
            if not follower._deaf
            for stream, count in said.items()
            if stream in follower.places
        )
        return sum(missing)

    async def tick_for_ever(self) -> None:
        """In slices, so that thousands do not acknowledge in one moment."""
        number = 0
        while True:
            await asyncio.sleep(TICK_SECONDS / SLICES)
            now, number = time.monotonic(), (number + 1) % SLICES
            for follower in self.followers[number::SLICES]:
                follower.tick(now)


class Listener:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.heard_count = 0
        self.heard_at = time.monotonic()
        self._is_open = asyncio.Event()

    async def connect(self, port: int, path: str) -> None:
        self._socket = Socket(self, handshake(f"127.0.0.1:{port}", path))
        await asyncio.get_running_loop().create_connection(lambda: self._socket, "127.0.0.1", port)
        await asyncio.wait_for(self._is_open.wait(), 30)

    def opened(self) -> None:
        self._is_open.set()

    def heard(self, text: bytes) -> None:
        self.heard_count += 1
        self.heard_at = time.monotonic()

    def lost(self, why: str) -> None:
        pass

    def close(self) -> None:
        self._socket.disown()


async def _until(condition: Callable[[], bool], deadline: float, every: float = 0.02) -> bool:
    while not (held := condition()) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(every)
    return held


def _as_numbers(values: Any) -> np.ndarray:
    return np.array(values, dtype=float)  # a copy: an array that is looked at cannot grow


def _percentile(values: np.ndarray, percent: float) -> float:
    return float(np.percentile(values, percent)) if len(values) else 0.0


def percentiles(values: np.ndarray, half: str, most: str, all_: str) -> dict[str, float]:
    return {half: _percentile(values, 50), most: _percentile(values, 99), all_: _percentile(values, 100)}


async def live(descriptor: int) -> None:
    crowd, loop = Crowd(), asyncio.get_running_loop()

    def perform(name: str, *args: Any, **kwargs: Any) -> Any:
        work: Coroutine[Any, Any, Any] = getattr(crowd, name)(*args, **kwargs)
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    answer_in_background(descriptor, perform)
    await crowd.tick_for_ever()


if __name__ == "__main__":
    uvloop.run(live(int(sys.argv[1])))
