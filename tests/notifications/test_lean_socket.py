"""What carries a socket: a plain handshake goes the short way, all else the way it always went, to the same end."""

import json
import socket
import struct
import time
from contextlib import suppress

import pytest

from notifications import handshakes
from notifications.daphne_server import SocketProtocol
from notifications.lean_socket import LeanSocket
from notifications.protocol import FRAME_BYTES, MESSAGE_BYTES, SUBPROTOCOL, UNREAD_BYTES
from tests.notifications.test_rfc6455 import CLOSE, HELLO, PING, TEXT, Wire, frame
from tests.notifications.writing import say
from tests.waiting import eventually

PLAIN = (
    b"GET /ws/notifications/?a=%20b HTTP/1.1\r\nHost: shop.example\r\nUpgrade: WebSocket\r\n"
    b"Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nCookie: sessionid=abc; name=gr\xfc\xdfe\r\n"
    b"Sec-WebSocket-Protocol: other, shop-notify.v1\r\n\r\n"
)


@pytest.fixture
def harbour(channels):
    return channels


@pytest.fixture
def wire(channels, transactional_db):
    made = Wire(channels.port)
    yield made
    made.socket.close()


def sockets_of(channels) -> list[object]:
    """Those open now, by what carries them."""
    server = channels._server
    carried = [*server.sockets, *(each for each in tuple(server.connections) if hasattr(each, "state"))]
    return [each for each in carried if getattr(each, "state", None)]


# The first look


def test_plain_handshake_is_read():
    read = handshakes.read(PLAIN + b"early")
    assert read.early == b"early"
    assert read.subprotocols == ["other", SUBPROTOCOL]
    scope = read.scope("", ["127.0.0.1", 5], ["127.0.0.1", 80])
    assert (scope["path"], scope["query_string"]) == ("/ws/notifications/", b"a=%20b")
    assert (b"cookie", b"sessionid=abc; name=gr\xfc\xdfe") in scope["headers"]


LEFT_ALONE = {
    "not all there": PLAIN[:-2],
    "a page": b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n",
    "another method": PLAIN.replace(b"GET", b"POST"),
    "HTTP/1.0": PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "a whole address": PLAIN.replace(b"GET /", b"GET http://shop.example/"),
    "a fragment": PLAIN.replace(b"?a", b"#a"),
    "no host": PLAIN.replace(b"Host: shop.example\r\n", b""),
    "two hosts": PLAIN.replace(b"Host: ", b"Host: a\r\nHost: "),
    "two keys": PLAIN.replace(b"Upgrade: W", b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nUpgrade: W"),
    "a short key": PLAIN.replace(b"x3JJHMbDL1EzLkh9GBhXDw==", b"x3JJ"),
    "another version": PLAIN.replace(b"Version: 13", b"Version: 8"),
    "another upgrade": PLAIN.replace(b"Upgrade: WebSocket", b"Upgrade: h2c"),
    "no upgrade of the connection": PLAIN.replace(b"keep-alive, Upgrade", b"keep-alive"),
    "a body": PLAIN.replace(b"Host", b"Content-Length: 5\r\nHost"),
    "a body in chunks": PLAIN.replace(b"Host", b"Transfer-Encoding: chunked\r\nHost"),
    "a name with an underscore": PLAIN.replace(b"Host", b"Sec_WebSocket_Key: x\r\nHost"),
    "a name with a space": PLAIN.replace(b"Host:", b"Host :"),
    "a folded line": PLAIN.replace(b"Cookie: ", b"Cookie:\r\n "),
    "a bare line feed": PLAIN.replace(b"Cookie: ", b"Cookie: a\nb: "),
    "a subprotocol beyond ASCII": PLAIN.replace(b"other", b"\xfc"),
    "a root path": PLAIN.replace(b"Host", b"Daphne-Root-Path: /x\r\nHost"),
    "too long": PLAIN.replace(b"abc", b"a" * handshakes.HEAD_BYTES),
}


@pytest.mark.parametrize("data", LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
def test_what_is_not_plain_is_left_to_the_long_way(data):
    assert data != PLAIN
    assert handshakes.read(data) is None


def test_no_head_takes_long_to_read():
    begun = time.monotonic()
    for filler in (b"a", b"a:", b"a: ", b"a:\r\n", b" ", b"\r\n"):
        handshakes.read(b"GET / HTTP/1.1\r\n" + filler * (64 * 1024 // len(filler)))
    assert time.monotonic() < begun + 1


@pytest.mark.parametrize("door", ["channels", "autobahn"])
def test_each_door_carries_its_sockets_its_own_way(connect, request, channels, door):
    port = request.getfixturevalue(door).port
    connect(port=port).hello()
    kind = LeanSocket if door == "channels" else SocketProtocol
    eventually(lambda: any(isinstance(each, kind) for each in sockets_of(channels)), 5)


def test_handshake_in_two_pieces_and_after_a_page_on_one_connection_opens_all_the_same(wire, channels):
    for number in (1, 2):
        whole = PLAIN.replace(b"shop.example", wire.host.encode()).replace(
            b"Cookie: sessionid=abc", b"X-Pad: a"
        )
        if number == 2:
            wire = Wire(channels.port)
            wire.socket.sendall(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % wire.host.encode())
            assert b" 200 " in wire._until(b"0\r\n\r\n")  # the last of its chunks
        wire.socket.sendall(whole[:40])
        time.sleep(0.05)
        wire.socket.sendall(whole[40:])
        assert b" 101 " in wire._until(b"\r\n\r\n")
        assert wire.send(frame(TEXT, HELLO)).welcomed()


def test_connection_that_stays_silent_goes_on_as_a_page_s_and_is_not_looked_at_for_ever(
    channels, monkeypatch
):
    monkeypatch.setattr("notifications.first_look.LOOKS_FOR", 0.1)
    looks = channels._server._looks[0]
    with socket.create_connection(("127.0.0.1", channels.port), timeout=10) as silent:
        eventually(lambda: not looks._looking)  # looked after every two seconds, and late on a busy machine
        silent.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b" 200 " in silent.recv(1000)


def test_what_came_with_the_handshake_is_heard_after_it(wire):
    greeting = PLAIN.replace(b"shop.example", wire.host.encode()).replace(
        b"Cookie: sessionid=abc", b"X-Pad: a"
    )
    wire.socket.sendall(greeting + frame(TEXT, HELLO) + frame(PING, b"?"))
    assert b" 101 " in wire._until(b"\r\n\r\n")
    heard = [wire.read(), wire.read()]
    assert {each.opcode for each in heard} == {TEXT, 0xA}


# An open socket


def test_waiting_socket_holds_no_task_of_its_application(connect, channels):
    client = connect()
    client.hello()
    eventually(lambda: channels._server.sockets, 5)
    [held, *_] = channels._server.sockets
    assert held not in channels._server.connections
    assert held._queue is None


def test_frame_that_is_longer_than_anything_we_take_is_cut_off_at_its_head(wire):
    wire.open().send(frame(TEXT, HELLO))
    assert wire.welcomed()
    wire.send(struct.pack("!BBQ", 0x81, 0xFF, MESSAGE_BYTES + 1))
    assert wire.is_over()


def test_fragments_of_a_message_that_is_too_long_are_cut_off(wire):
    wire.open().send(frame(TEXT, b"x" * FRAME_BYTES, fin=False))
    with suppress(OSError):
        for _ in range(8):
            wire.send(frame(0x0, b"x" * FRAME_BYTES, fin=False))
            time.sleep(0.02)
    assert wire.is_over()


def test_pings_without_end_that_nobody_reads_the_answers_to_are_cut_off(wire):
    wire.open().send(frame(TEXT, HELLO))
    assert wire.welcomed()
    ping, sent = frame(PING, b"x" * 125) * 100, 0
    wire.socket.settimeout(5)
    with suppress(OSError):
        while sent < 40 * UNREAD_BYTES:
            wire.socket.sendall(ping)
            sent += len(ping)
    assert UNREAD_BYTES < sent < 40 * UNREAD_BYTES


def test_client_that_does_not_answer_a_close_is_dropped(wire):
    wire.open().send(frame(TEXT, b"no hello"))
    assert json.loads(wire.read().payload)["t"] == "bye"
    assert wire.read().opcode == CLOSE
    begun = time.monotonic()
    assert wire.is_over()
    assert 0.5 < time.monotonic() - begun < 5


def test_burst_of_what_fits_the_window_arrives_whole_over_a_narrow_connection(connect, room, wire):
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.open().send(frame(TEXT, HELLO))
    assert wire.welcomed()
    sub = json.dumps({"t": "sub", "id": 1, "stream": room}).encode()
    wire.send(frame(TEXT, sub)).read()
    say(room, 15, ballast="x" * 14_000)
    heard = [json.loads(wire.read().payload)["o"] for _ in range(15)]
    assert heard == list(range(1, 16))
