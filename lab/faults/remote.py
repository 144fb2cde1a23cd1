"""Calls into the processes of a run: `process.call("say", "product:low-tide", 500)`.

Each child has a socket pair to its parent, so it ends when its parent does, however that ends.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120.0


class Process:
    """`python -m <module> <file descriptor> <arguments>`, whose module ends in `answer(...)`."""

    def __init__(self, module: str, *arguments: str, log: Path, env: Mapping[str, str], cpu: int) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", module, str(theirs.fileno()), *arguments]
        with theirs, open(log, "ab") as output:
            self._child = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**env, "LAB_CPU": str(cpu)},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.log = log
        self._connection = Connection(ours.detach())
        self._calls: dict[int, Future[Any]] = {}
        self._ids = itertools.count()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_alive(self) -> bool:
        return self._child.poll() is None

    def call(self, name: str, *args: Any, within: float = SECONDS, **kwargs: Any) -> Any:
        return self.start(name, *args, **kwargs).result(within)

    def start(self, name: str, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        number = next(self._ids)
        self._calls[number] = future
        with contextlib.suppress(OSError):  # it is gone: _read() says so to all who wait
            self._connection.send((number, name, args, kwargs))
        if not self.is_alive:
            self._fail_all()
        return future

    def _read(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                number, result, error = self._connection.recv()
                future = self._calls.pop(number)
                if error is None:
                    future.set_result(result)
                else:
                    future.set_exception(RuntimeError(error))
        self._child.wait()
        self._fail_all()

    def _fail_all(self) -> None:
        for number in list(self._calls):
            if future := self._calls.pop(number, None):
                future.set_exception(ConnectionError(f"process {self.pid} is gone; see {self.log}"))

    def kill(self) -> None:
        self._child.kill()
        self._child.wait(10)

    def end(self, within: float = 15.0) -> int:
        """By SIGTERM; the exit code."""
        self._child.send_signal(signal.SIGTERM)
        try:
            return self._child.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def wait(self, within: float) -> int:
        return self._child.wait(within)


def answer(descriptor: int, perform: Callable[..., Any]) -> None:
    """In the child: performs each call in a thread of its own, until the parent is gone; then so is this process."""
    if cpu := os.environ.get("LAB_CPU"):
        with contextlib.suppress(OSError, AttributeError):  # fewer processors, or no such system call
            os.sched_setaffinity(0, {int(cpu)})
    connection, sending = Connection(descriptor), threading.Lock()

    def one(number: int, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        result, error = None, None
        try:
            result = perform(name, *args, **kwargs)
        except BaseException as fault:
            error = f"{name}: {type(fault).__name__}: {fault}"
        with sending, contextlib.suppress(OSError):
            connection.send((number, result, error))

    with contextlib.suppress(EOFError, OSError):
        while True:
            threading.Thread(target=one, args=connection.recv(), daemon=True).start()
    os._exit(1)


def answer_in_background(descriptor: int, perform: Callable[..., Any]) -> None:
    threading.Thread(target=answer, args=(descriptor, perform), daemon=True).start()
