"""What Daphne does now and then: it ends who is late, and forgets who is gone."""

import contextlib
import socket
import time

import pytest

from notifications import daphne_server
from tests.waiting import eventually


def ask(port: int, path: str) -> bytes:
    """All that comes until the server ends the connection, which it must within five seconds."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\n".encode())
        heard = b""
        with contextlib.suppress(ConnectionResetError):
            while came := client.recv(4096):
                heard += came
        return heard


@pytest.fixture
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daphne_server, "LOOKS_EVERY", 0.1)
    time.sleep(2.1)  # until the next look, which is the first to know


def test_an_answer_that_fails_in_its_midst_is_cut_off_and_those_after_it_are_forgotten(channels):
    heard = ask(channels.port, "/half")
    assert heard.endswith(b"half\r\n"), heard  # a chunk, and no end of them
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", channels.port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
            assert b" 200 " in client.recv(4096)
    eventually(lambda: not channels._server.connections)


def test_a_look_that_fails_is_told_and_ends_no_other(channels, looks_often, monkeypatch, caplog):
    tired = []
    looks = channels._server._looks[0]

    def fail(request: daphne_server.Request) -> None:
        raise RuntimeError("cannot be looked at")

    monkeypatch.setattr(daphne_server.Request, "check_timeouts", fail)
    monkeypatch.setattr(looks, "tire", lambda: tired.append(1))
    with socket.create_connection(("127.0.0.1", channels.port)) as idle:
        idle.sendall(b"GET /half")  # of a request that never comes whole nothing is known
        with socket.create_connection(("127.0.0.1", channels.port)) as waits:
            waits.sendall(b"POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 9\r\n\r\n")
            eventually(lambda: "cannot be looked at" in caplog.text)
    tired.clear()
    eventually(lambda: len(tired) > 2, 5)
