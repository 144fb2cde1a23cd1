"""What a load measures with: the server of a rung, the site around it, and the process that makes the load."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import redis

from lab import machine
from lab.faults.remote import ROOT, Process
from lab.faults.site import LOAD_CPU, SERVER_CPU, Site
from lab.rungs import Rung
from tests.processes import free_port

READY_SECONDS = 90.0
CALL_SECONDS = 120.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h
PAUSE_TRIES, PAUSE_AGAIN = 100, (0.002, 0.2)
SETTLE_SECONDS, RESTS_FOR, RESTS_BELOW = 10.0, 0.15, 0.1
UNLIMITED = ",".join(f"{name}=1000000000/60" for name in ("read", "write", "checkout"))


class Server:
    """One process (and its children) of a rung, pinned to the processor of servers."""

    def __init__(self, site: Site, rung: Rung, cpu: int = SERVER_CPU) -> None:
        self._site, self.rung, self.port = site, rung, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = site.folder / f"{rung.name}-{self.port}.log"
        put = {"DJANGO_SETTINGS_MODULE": "shop.settings", "PYTHONUNBUFFERED": "1", **rung.environment}
        environment = site.environment(self.url) | {name: self._named(value) for name, value in put.items()}
        with open(self.log, "ab") as output:
            self._child = subprocess.Popen(
                [sys.executable, *map(self._named, rung.command)],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_ends_with_its_parent,
            )
        if machine.CAN_PIN:  # before it has threads or children, which inherit it
            os.sched_setaffinity(self._child.pid, {cpu})
        self.process = psutil.Process(self._child.pid)

    def _named(self, text: str) -> str:
        return text.replace("{port}", str(self.port))

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            if self._child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.rung.name} does not serve:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError, urllib.error.URLError):
            return bool(urllib.request.urlopen(self.url + self.rung.ready, timeout=5).status == 200)
        return False

    def cpu_seconds(self) -> float:
        """Of the process and its children, so far."""
        return machine.cpu_seconds(machine.tree(self.process))

    def memory(self) -> int:
        """Bytes that are this server's alone: what shared pages there are belong to all who share them, in parts."""
        total = 0
        for process in machine.tree(self.process):
            with contextlib.suppress(psutil.Error):
                full = process.memory_full_info()
                total += getattr(full, "pss", full.uss)
        return total

    def pause(self) -> None:
        """Between its transactions: whoever stands still with a row locked holds up all who want that row.

        Raises RuntimeError where it is in one each time.
        """
        for _ in range(PAUSE_TRIES):
            for process in machine.tree(self.process):
                with contextlib.suppress(psutil.Error):
                    process.suspend()
            if not self._site.in_transaction():
                return
            self.resume()
            time.sleep(
                random.uniform(*PAUSE_AGAIN)
            )  # in step with it, each try would meet the next transaction
        raise RuntimeError(f"{self.rung.name} is never between two transactions")

    def resume(self) -> None:
        """Children first: a parent that watches over them would take them for dead."""
        for process in reversed(machine.tree(self.process)):
            with contextlib.suppress(psutil.Error):
                process.resume()

    def stop(self) -> None:
        self.resume()
        family = machine.tree(self.process)
        self._child.terminate()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(10)
        for left in family[1:]:
            with contextlib.suppress(psutil.Error):
                left.kill()


def _ends_with_its_parent() -> None:
    """Also when that is killed: one that stands still would never notice."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Bench:
    """Handed to each load. `servers` is one, or as many as the load asked for by `start`."""

    def __init__(self, site: Site, generator: Process, rung: Rung, shared: dict[str, Any]) -> None:
        self.site, self.generator, self.rung = site, generator, rung
        self.servers: list[Server] = []
        self.shared = shared  # by all rungs of a run: what takes long to make
        self.kept: dict[str, Any] = {}  # by the points of one rung

    @property
    def server(self) -> Server:
        return self.servers[0]

    @property
    def ports(self) -> list[int]:
        return [server.port for server in self.servers]

    def start(self, count: int = 1) -> None:
        """So many servers in all; the first is there already."""
        while len(self.servers) < count:
            self.servers.append(Server(self.site, self.rung))
        for server in self.servers:
            server.wait_until_ready()

    def pause(self) -> None:
        """Those that one load asked for beside the first are gone with it."""
        while len(self.servers) > 1:
            self.servers.pop().stop()
        self.server.pause()

    def resume(self) -> None:
        self.server.resume()

    def stop(self) -> None:
        while self.servers:
            self.servers.pop().stop()

    async def load(self, name: str, *args: Any, within: float = CALL_SECONDS, **kwargs: Any) -> Any:
        """A call into the process that makes the load: see `lab.wire.generator`."""
        return await self._call(self.generator, name, args, kwargs, within)

    async def write(self, name: str, *args: Any, within: float = CALL_SECONDS, **kwargs: Any) -> Any:
        """A call into a process of the shop that has no sockets: see `lab.writing`, `lab.faults.acts`."""
        return await self._call(self.site.writer, name, args, kwargs, within)

    async def _call(self, process: Process, name: str, args: Any, kwargs: Any, within: float) -> Any:
        async with asyncio.timeout(within):
            return await asyncio.wrap_future(process.start(name, *args, **kwargs))

    async def stream(self) -> str:
        """A public one that this rung's clients follow."""
        if "stream" not in self.kept:
            self.kept["stream"] = await self.write("lab.writing.new_stream")
        return str(self.kept["stream"])

    async def users(self, number: int) -> list[tuple[str, str]]:
        """So many who are signed in, each as its own stream and the cookie that opens it."""
        users: list[tuple[str, str]] = self.shared.setdefault("users", [])
        if len(users) < number:
            users += await self.write("lab.writing.signed_in", number - len(users))
        return users[:number]

    async def rest(self) -> None:
        """Nobody is connected, whatever a load left, and the servers have seen to it."""
        await self.load("close")
        await self.settle()

    async def settle(self) -> None:
        """Returns when the servers rest: what the clients before left them to do is not the next ones' cost."""
        deadline = time.monotonic() + SETTLE_SECONDS
        spent = self.cpu_seconds()
        while time.monotonic() < deadline:
            await asyncio.sleep(RESTS_FOR)
            before, spent = spent, self.cpu_seconds()
            if spent - before < RESTS_BELOW * RESTS_FOR:
                return

    def cpu_seconds(self) -> float:
        return sum(server.cpu_seconds() for server in self.servers)

    def memory(self) -> int:
        return sum(server.memory() for server in self.servers)


@contextlib.contextmanager
def around(database: str = "postgres") -> Iterator[tuple[Site, Process]]:
    """A site with a generator: PostgreSQL, Valkey, a writer, all on the processor of the load."""
    with _pinned(LOAD_CPU), Site(database=database) as site:
        # A server that stands still reads nothing, and must find all of it when it goes on.
        redis.Redis(port=site.valkey_port).config_set("client-output-buffer-limit", "pubsub 0 0 0")
        generator = site.process("lab.wire.generator", "generator")
        try:
            port = generator.call("provider_listens")
            # Nobody works off what the loads leave, such as orders that nobody pays: it would be one rung's cost alone.
            site.more |= {
                "SANDBOX_URL": f"http://127.0.0.1:{port}",
                "API_LIMITS": UNLIMITED,
                "BACKGROUND": "off",
            }
            yield site, generator
        finally:
            generator.kill()


def ours(site: Site) -> list[psutil.Process]:
    """Whose CPU, with that of their children, is ours: this process, and PostgreSQL, which is no child of it."""
    pids = [os.getpid(), *([site.postgres.get_pid()] if site.database == "postgres" else [])]
    return [psutil.Process(pid) for pid in pids]


@contextlib.contextmanager
def _pinned(cpu: int) -> Iterator[None]:
    """This process, and what it starts meanwhile."""
    if not machine.CAN_PIN:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def results(quick: bool) -> Path:
    """A new folder for what is about to be measured."""
    base = ROOT / "lab" / "results" / (machine.name() + ("-quick" if quick else ""))
    for number in range(1, 100):
        folder = base if number == 1 else base.with_name(f"{base.name}-{number}")
        if not folder.exists():
            folder.mkdir(parents=True)
            return folder
    raise RuntimeError(f"a hundred runs in one day: {base}")
