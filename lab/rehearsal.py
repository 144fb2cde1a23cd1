"""What the page's button does: a crowd of sockets on this very process, and a burst of events to them.

One at a time. It is bound to the request that asked for it: when that ends, however it ends, so does the crowd.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from typing import Any

from django.db import transaction

from lab.faults.remote import ROOT
from lab.live import Meter
from notifications.hub import Hub
from notifications.models import Stream
from notifications.services import notify
from notifications.streams import Reader

CHOICES = (100, 500, 1000)
EVENTS = 20
ENDS_WITHIN = 45.0
LINE_BYTES = 1 << 20
RESTS = 1.0  # seconds between the parts, so that the charts show which is which
SPARE_FILES = 200  # of this process, beside the crowd's sockets

type Told = dict[str, Any]


class Refused(Exception):
    """Why there is no rehearsal, in words for the visitor."""


class Rehearsal:
    def __init__(self, count: int, hub: Hub, meter: Meter) -> None:
        self.stream = f"lab:{secrets.token_hex(6)}"
        self._count, self._hub, self._meter = count, hub, meter
        self._crowd: Process | None = None
        self._begun = time.monotonic()

    @property
    def seconds_left(self) -> int:
        return max(1, round(self._begun + ENDS_WITHIN - time.monotonic()))

    async def play(self, port: int) -> AsyncIterator[Told]:
        """What happens, as it happens. The last thing told is `done`, or `failed` and why."""
        try:
            async with asyncio.timeout(ENDS_WITHIN):
                with self._meter.looked_at():
                    await asyncio.sleep(RESTS)
                    async for told in self._play(port):
                        yield told
        except TimeoutError:
            yield {"t": "failed", "why": f"It was not over within {ENDS_WITHIN:g} seconds, and was ended."}
        except ConnectionError:
            yield {"t": "failed", "why": "The crowd's process ended before it had told everything."}
        finally:
            self.end()

    async def _play(self, port: int) -> AsyncIterator[Told]:
        before, memory, began = self._hub.doors.total(), self._meter.memory(), time.monotonic()
        await self._hub.read(begin_log, self.stream)
        self._crowd = await self._start(port)
        async for told in self._until("in"):
            yield told
        memory = self._meter.memory() - memory
        yield {**told, "t": "open", "lag": self._meter.worst_lag(began), "memory": memory}
        if not told["open"]:
            yield {"t": "failed", "why": "None of them was let in."}
            return
        await asyncio.sleep(RESTS)
        async for told in self._burst():
            yield told
        await asyncio.sleep(RESTS)
        gone = await self._leave(before)
        await self._hub.read(forget_logs)
        yield {"t": "done", "seconds": gone, "left": max(0, self._hub.doors.total() - before)}

    async def _burst(self) -> AsyncIterator[Told]:
        assert self._crowd is not None
        assert self._crowd.stdin is not None
        self._crowd.stdin.write(f"{EVENTS}\n".encode())
        began = time.monotonic()
        await self._hub.read(say, self.stream)
        told = [said async for said in self._until("heard")][-1]
        seconds = told.pop("last") - began
        yield {**told, "events": EVENTS, "seconds": seconds, "lag": self._meter.worst_lag(began)}

    async def _leave(self, before: int) -> float:
        """Seconds until the server has noticed that all of them are gone."""
        began = time.monotonic()
        self._send_away()
        while self._hub.doors.total() > before and time.monotonic() < began + 5:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        return time.monotonic() - began

    # The crowd's process

    async def _start(self, port: int) -> Process:
        command = [sys.executable, "-m", "lab.visitors", str(port), self.stream, str(self._count)]
        return await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, limit=LINE_BYTES
        )

    async def _until(self, last: str) -> AsyncIterator[Told]:
        """What the crowd says, up to the line that is the last of its part."""
        assert self._crowd is not None
        assert self._crowd.stdout is not None
        while line := await self._crowd.stdout.readline():
            told: Told = json.loads(line)
            yield told
            if told["t"] == last:
                return
        raise ConnectionError

    def end(self) -> None:
        """Any number of times, and from wherever the request ended."""
        global _running
        self._send_away()
        if _running is self:
            _running = None

    def _send_away(self) -> None:
        if self._crowd is not None:
            with contextlib.suppress(ProcessLookupError):
                self._crowd.kill()


_running: Rehearsal | None = None


def begin(count: int, hub: Hub, meter: Meter) -> Rehearsal:
    """Raises Refused. Whoever begins one also ends it."""
    global _running
    if count not in CHOICES:
        raise Refused(f"There is a choice of {', '.join(map(str, CHOICES))} sockets.")
    if _running is not None:
        left = _running.seconds_left
        raise Refused(
            f"Somebody else's crowd is here just now. It is gone within {left} seconds; try again then."
        )
    allow_files(count + SPARE_FILES)
    _running = Rehearsal(count, hub, meter)
    return _running


def allow_files(needed: int) -> None:
    """Each socket is an open file of this process."""
    try:
        import resource
    except ImportError:
        return  # Windows counts otherwise
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise Refused(f"This process may open {hard} files. For so many start it after `ulimit -n {needed}`.")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


# The stream that the crowd follows: a real one, in the log


def may_follow(reader: Reader, key: str) -> bool:
    return _running is not None and _running.stream == f"lab:{key}"


def begin_log(stream: str) -> None:
    """With an event to begin with: where there is one, the hub answers who comes from memory."""
    forget_logs()
    with transaction.atomic():
        notify(stream, "begins")


def say(stream: str) -> None:
    """Each in a transaction of its own, as orders and stock are; the time is taken before the commit."""
    for number in range(EVENTS):
        with transaction.atomic():
            notify(stream, "burst", n=number, at=time.monotonic())


def forget_logs() -> None:
    Stream.objects.filter(name__startswith="lab:").delete()
