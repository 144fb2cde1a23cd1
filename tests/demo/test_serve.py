"""`manage.py serve`, the server beneath the demo."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.conftest import Demo, copy_of, surroundings
from tests.processes import ROOT, free_port, running


def embedded(folder: Path, port: int) -> dict[str, str]:
    plain = {
        "BREAKWATER_MODE": "embedded",
        "STRIPE_SECRET_KEY": "",
        "EMAIL_URL": "",
        "BREAKWATER_DATA": str(folder),
    }
    address = {"DATABASE_URL": f"sqlite:///{folder}/shop.sqlite3", "PUBLIC_URL": f"http://localhost:{port}"}
    return surroundings() | plain | address


def test_it_serves_until_it_is_told_to_stop(demo: Demo, tmp_path: Path) -> None:
    port = free_port()
    folder = copy_of(demo, tmp_path / "data")
    command = [sys.executable, "manage.py", "serve", "--port", str(port)]
    ready = f"http://127.0.0.1:{port}/readyz"
    with running(command, log=tmp_path / "log", ready=ready, env=embedded(folder, port)) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert f"Serving on 127.0.0.1, port {port}." in (tmp_path / "log").read_text()


def test_a_taken_port_gets_one_line(demo: Demo, tmp_path: Path) -> None:
    command = [sys.executable, "manage.py", "serve", "--port", str(demo.port)]
    env = embedded(tmp_path, demo.port)
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert (
        done.stderr
        == f"CommandError: Cannot listen on 127.0.0.1, port {demo.port}: Address already in use.\n"
    )


@pytest.mark.skipif(os.name != "posix", reason="uvloop runs on POSIX only")
def test_the_loop_is_uvloop() -> None:
    code = """
from shop.reactor import install_loop
install_loop()
import daphne.server
from twisted.internet import reactor
print(type(reactor._asyncioEventloop).__module__)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "uvloop\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux stamps what is sent")
def test_a_connection_that_uvloop_gave_up_is_lost_and_no_writer_hears_of_it() -> None:
    code = """
import socket, time
from shop.reactor import install_loop
install_loop()
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol

TX_SOFTWARE, SOFTWARE = 1 << 1, 1 << 4

class Speaker(Protocol):
    def connectionMade(self):
        # The time stamp comes in the socket's error queue: an error without an end, which uvloop takes ill.
        self.transport.socket.setsockopt(socket.SOL_SOCKET, 37, TX_SOFTWARE | SOFTWARE)
        self.transport.socket.send(b"x")
        reactor.callLater(0.2, self.go_on)
    def go_on(self):
        self.transport.write(b"y" * 10_000_000)
        print("written")
    def connectionLost(self, reason):
        print(reason.type.__name__)
        reactor.stop()

port = reactor.listenTCP(0, Factory.forProtocol(Speaker), interface="127.0.0.1")
client = socket.create_connection(("127.0.0.1", port.getHost().port))
reactor.callLater(20, reactor.stop)
reactor.run()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "written\nConnectionLost\n", done.stderr
