"""One demo, started once as a user starts it, for all tests that only look at it."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.processes import ROOT, free_port


@dataclass
class Demo:
    folder: Path
    port: int
    arguments: list[str] = field(default_factory=list)
    process: subprocess.Popen | None = None
    busy: float = 0  # Seconds of one processor until it was open, whatever else the machine had to do.

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}-{self.port}.log")

    def start(self, within: float = 200) -> "Demo":
        """Starts it and waits for the line that says it is open."""
        began = time.monotonic()
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen(
                command(self.port, self.folder, *self.arguments),
                cwd=ROOT,
                env=surroundings(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        while "Breakwater is open" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() - began < within, self.log.read_text()
            time.sleep(0.05)
        # Fields 14 and 15 of proc_pid_stat(5), counted behind the name, which may have spaces.
        times = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        self.busy = sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
        return self

    def stop(self, by: int = signal.SIGINT) -> int:
        assert self.process
        self.process.send_signal(by)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(15)
            raise

    def rows(self, query: str) -> list[tuple]:
        database = sqlite3.connect(self.folder / "shop.sqlite3", timeout=10)
        try:
            return database.execute(query).fetchall()
        finally:
            database.close()

    def wait_for_orders(self, within: float = 40) -> dict[str, str]:
        """The status of each example order by its key, once all five have come to rest."""
        deadline = time.monotonic() + within
        resting = {"refunded", "delivered", "shipped", "packed", "paid"}
        while True:
            found = dict(self.rows("SELECT checkout_key, status FROM orders_order"))
            if set(found.values()) == resting or time.monotonic() > deadline:
                return found
            time.sleep(0.2)


def command(port: int | str, folder: Path, *more: str) -> list[str]:
    return [sys.executable, "manage.py", "demo", f"--port={port}", f"--data={folder}", *more]


def surroundings() -> dict[str, str]:
    """An environment that would lead a careless demo to somebody's real shop."""
    ours = {name: value for name, value in os.environ.items() if not re.match("DJANGO_|BREAKWATER_D", name)}
    hostile = {
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        "STRIPE_SECRET_KEY": "sk_live_not_for_demos",
    }
    return ours | hostile | {"BREAKWATER_MODE": "production", "EMAIL_URL": "smtp://127.0.0.1:1"}


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo") / "data", free_port()).start()
    yield demo
    if demo.process and demo.process.poll() is None:
        demo.stop()


@pytest.fixture
def another(demo: Demo, tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Starts demos that have their prints already, copied from the first one's data."""
    started: list[Demo] = []

    def start(*arguments: str, folder: Path | None = None) -> Demo:
        if folder is None:
            folder = copy_of(demo, tmp_path / "data")
        started.append(Demo(folder, free_port(), list(arguments)))
        return started[-1].start()

    yield start
    for one in started:
        if one.process and one.process.poll() is None:
            one.stop()


def copy_of(demo: Demo, folder: Path) -> Path:
    """A consistent copy, though the demo goes on writing. Its pictures are shared: nobody changes those."""
    demo.wait_for_orders()
    folder.mkdir()
    (folder / "breakwater-demo").write_text("This folder belongs to a demo.\n")
    (folder / "media").symlink_to(demo.folder / "media")
    for name in ("shop.sqlite3", "sandbox.sqlite3"):
        source, target = sqlite3.connect(demo.folder / name, timeout=10), sqlite3.connect(folder / name)
        source.backup(target)
        source.close()
        target.close()
    return folder
