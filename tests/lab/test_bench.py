"""Servers of a run: pinned, paused, and never left behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.processes import ROOT

RUN = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from lab.bench import Server
from lab.rungs import Rung
site = SimpleNamespace(folder=Path(sys.argv[1]), environment=lambda url: {"PATH": "", "URL": url})
rung = Rung("pages", "pages", "limit", ("-m", "http.server", "{port}", "--bind", "127.0.0.1"), frozenset(), ready="/")
server = Server(site, rung)
server.wait_until_ready()
server.pause()
print(server.process.pid, server.cpu_seconds() > 0, server.memory() > 2**20, flush=True)
time.sleep(60)
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
