"""Servers of a run: pinned, paused, and never left behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from lab.bench import Server
from lab.faults.site import Site
from lab.rungs import Rung
from tests.processes import ROOT

RUN = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from lab.bench import Server
from lab.rungs import Rung
site = SimpleNamespace(
    folder=Path(sys.argv[1]),
    environment=lambda url: {"PATH": "", "URL": url},
    in_transaction=lambda: False,
)
rung = Rung("pages", "pages", "limit", ("-m", "http.server", "{port}", "--bind", "127.0.0.1"), frozenset(), ready="/")
server = Server(site, rung)
server.wait_until_ready()
server.pause()
print(server.process.pid, server.cpu_seconds() > 0, server.memory() > 2**20, flush=True)
time.sleep(60)
"""

WRITES = """
import sqlite3, sys, threading, time
from http.server import HTTPServer, SimpleHTTPRequestHandler
database = sqlite3.connect(sys.argv[2], isolation_level=None)
pages = HTTPServer(("127.0.0.1", int(sys.argv[1])), SimpleHTTPRequestHandler)
threading.Thread(target=pages.serve_forever, daemon=True).start()
while True:
    database.execute("BEGIN IMMEDIATE")
    time.sleep(0.03)
    database.execute("COMMIT")
    time.sleep(0.03)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it is by a call of Linux")
def test_a_server_that_stands_still_ends_with_the_run_that_was_killed(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    server = None
    try:
        assert run.stdout is not None
        pid, used, held = run.stdout.readline().split()
        server = psutil.Process(int(pid))
        assert (used, held) == ("True", "True")
        assert server.status() == psutil.STATUS_STOPPED
        run.send_signal(signal.SIGKILL)
        run.wait(10)
        deadline = time.monotonic() + 10
        while server.is_running() and server.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
    finally:
        run.kill()
        run.wait(10)
        if server is not None and server.is_running():
            server.kill()


def test_a_server_stands_still_between_its_transactions(tmp_path: Path) -> None:
    site = Site(database="sqlite")
    site.folder, site.redis_url = tmp_path, "redis://127.0.0.1:1"
    site.database_url = f"sqlite:///{tmp_path / 'shop.sqlite3'}"
    command = ("-c", WRITES, "{port}", str(tmp_path / "shop.sqlite3"))
    server = Server(site, Rung("writes", "writes", "limit", command, frozenset(), ready="/"))
    locked = 0
    try:
        server.wait_until_ready()
        for _ in range(10):
            server.pause()
            assert not site.in_transaction()
            server.resume()
            time.sleep(0.01)
        for _ in range(40):  # stopped at any moment, it keeps everybody out
            server.process.suspend()
            locked += site.in_transaction()
            server.process.resume()
            time.sleep(0.01)
    finally:
        server.stop()
    assert locked
