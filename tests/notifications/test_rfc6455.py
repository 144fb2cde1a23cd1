"""What RFC 6455 asks of a server, in bytes: how it greets, what it takes apart, and how it ends a broken connection."""

import base64
import hashlib
import json
import os
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple, Self

import pytest

from notifications.protocol import FRAME_BYTES, SUBPROTOCOL
from tests.notifications.doors import SERVERS, Pier

SECONDS = 10.0
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
HELLO = json.dumps({"t": "hello"}).encode()


class Frame(NamedTuple):
    opcode: int
    payload: bytes

    @property
    def code(self) -> int:
        return struct.unpack("!H", self.payload[:2])[0]


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, bits: int = 0, masked: bool = True
) -> bytes:
    """One frame as a client sends it."""
    first, size = fin << 7 | bits << 4 | opcode, len(payload)
    lengths = struct.pack("!B", size) if size < 126 else struct.pack("!BH", 126, size)
    if size > 0xFFFF:
        lengths = struct.pack("!BQ", 127, size)
    if not masked:
        return bytes([first]) + lengths + payload
    key = os.urandom(4)
    hidden = bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))
    return bytes([first, lengths[0] | 0x80]) + lengths[1:] + key + hidden


class Wire:
    """A TCP connection that says what it is told, and reads whole frames."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self.host = f"127.0.0.1:{port}"
        self.left = b""

    def ask(self, *lines: str, **headers: str) -> tuple[int, dict[str, str]]:
        """An opening handshake with these headers changed (or, when empty, left out); status and headers back."""
        wanted = {
            "Host": self.host,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Protocol": SUBPROTOCOL,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        start = lines or ["GET /ws/notifications/ HTTP/1.1"]
        text = [*start, *(f"{name}: {value}" for name, value in wanted.items() if value)]
        self.socket.sendall("\r\n".join([*text, "", ""]).encode())
        head = self._until(b"\r\n\r\n").decode("latin1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        return int(head[0].split()[1]), fields

    def open(self) -> Self:
        assert self.ask()[0] == 101
        return self

    def send(self, *frames: bytes) -> Self:
        self.socket.sendall(b"".join(frames))
        return self

    def read(self) -> Frame:
        head = self._take(2)
        assert not head[1] & 0x80, "a server must not mask"
        size = head[1] & 0x7F
        if size > 125:
            size = struct.unpack("!H" if size == 126 else "!Q", self._take(2 if size == 126 else 8))[0]
        return Frame(head[0] & 0x0F, self._take(size))

    def read_until(self, opcode: int) -> Frame:
        while (got := self.read()).opcode != opcode:
            pass
        return got

    def welcomed(self) -> bool:
        return json.loads(self.read().payload)["t"] == "welcome"

    def ends_in(self, code: int) -> bool:
        """With this code where a close frame is sent at all; a server may just drop who breaks the protocol."""
        try:
            assert self.read_until(CLOSE).code == code
        except (EOFError, ConnectionResetError):
            return True
        return self.is_over()

    def is_over(self) -> bool:
        """The server ends the TCP connection; what it still had to say is passed over."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True

    def _take(self, size: int) -> bytes:
        while len(self.left) < size:
            self._more()
        taken, self.left = self.left[:size], self.left[size:]
        return taken

    def _until(self, mark: bytes) -> bytes:
        while mark not in self.left:
            self._more()
        taken, _, self.left = self.left.partition(mark)
        return taken

    def _more(self) -> None:
        got = self.socket.recv(65536)
        if not got:
            raise EOFError(self.left)
        self.left += got


@pytest.fixture(scope="session", params=SERVERS)
def harbour(request, django_db_setup):
    """Daphne's own protocol has its turn as well."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def wire(harbour, transactional_db) -> Iterator[Wire]:
    made = Wire(harbour.port)
    yield made
    made.socket.close()


# 4: the opening handshake


def test_handshake_is_answered_with_the_key_s_digest_and_the_subprotocol(wire):
    status, headers = wire.ask()
    digest = base64.b64encode(hashlib.sha1(b"dGhlIHNhbXBsZSBub25jZQ==" + GUID.encode()).digest()).decode()
    assert status == 101
    assert headers["sec-websocket-accept"] == digest.lower()
    assert headers["upgrade"] == "websocket"
    assert headers["sec-websocket-protocol"] == SUBPROTOCOL
    assert "sec-websocket-extensions" not in headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_WebSocket_Key": ""},
        {"Sec_WebSocket_Version": "7"},
        {"Sec_WebSocket_Version": ""},
        {"Connection": "keep-alive"},
    ],
    ids=str,
)
def test_handshake_that_is_none_is_refused(wire, headers):
    assert wire.ask(**headers)[0] in {400, 404, 426}


def test_compression_is_not_agreed_to(wire):
    """It costs some 90 KiB a socket and opens the door to secrets guessed by their size."""
    assert "sec-websocket-extensions" not in wire.ask(Sec_WebSocket_Extensions="permessage-deflate")[1]


# 5: framing


def test_message_in_one_frame(wire):
    assert wire.open().send(frame(TEXT, HELLO)).welcomed()


def test_message_in_bytes_that_trickle(wire):
    wire.open()
    for at in (trickle := frame(TEXT, HELLO)):
        wire.send(bytes([at]))
    assert len(trickle) > 10
    assert wire.welcomed()


def test_message_in_fragments_with_a_ping_between(wire):
    wire.open().send(
        frame(TEXT, HELLO[:3], fin=False),
        frame(PING, b"between"),
        frame(CONTINUATION, HELLO[3:7], fin=False),
        frame(CONTINUATION, HELLO[7:]),
    )
    assert wire.read() == (PONG, b"between")
    assert wire.welcomed()


def test_empty_fragments_are_fragments(wire):
    wire.open().send(frame(TEXT, b"", fin=False), frame(CONTINUATION, HELLO, fin=False), frame(CONTINUATION))
    assert wire.welcomed()


@pytest.mark.parametrize("payload", [b"", b"tide", b"x" * 125])
def test_ping_is_answered_with_its_payload(wire, payload):
    assert wire.open().send(frame(PING, payload)).read() == (PONG, payload)


def test_pong_nobody_asked_for_is_passed_over(wire):
    assert wire.open().send(frame(PONG, b"?"), frame(TEXT, HELLO)).welcomed()


PROTOCOL_ERRORS = {
    "reserved bit 1": frame(TEXT, HELLO, bits=4),
    "reserved bit 2": frame(TEXT, HELLO, bits=2),
    "reserved bit 3": frame(TEXT, HELLO, bits=1),
    "reserved opcode": frame(0x3, HELLO),
    "reserved control opcode": frame(0xB),
    "ping in fragments": frame(PING, b"", fin=False),
    "ping of 126 bytes": frame(PING, b"x" * 126),
    "close of 126 bytes": frame(CLOSE, struct.pack("!H", 1000) + b"x" * 124),
    "continuation of nothing": frame(CONTINUATION, HELLO),
    "text within text": frame(TEXT, b"{", fin=False) + frame(TEXT, HELLO),
}


@pytest.mark.parametrize("sent", PROTOCOL_ERRORS.values(), ids=PROTOCOL_ERRORS.keys())
def test_broken_frame_ends_the_connection(wire, sent):
    assert wire.open().send(sent).ends_in(1002)


def test_frame_without_a_mask_ends_the_connection(wire, harbour):
    if isinstance(harbour, Pier):
        pytest.xfail("Tornado takes frames without a mask, and has no place where they could be refused")
    assert wire.open().send(frame(TEXT, HELLO, masked=False)).ends_in(1002)


INVALID_UTF8 = {
    "lone byte": b'{"t":"\xff"}',
    "overlong": b"\xc0\xaf",
    "surrogate": b"\xed\xa0\x80",
    "beyond the last character": b"\xf4\x90\x80\x80",
    "cut short": b'{"t":"\xe2\x82',
}


@pytest.mark.parametrize("payload", INVALID_UTF8.values(), ids=INVALID_UTF8.keys())
def test_text_that_is_not_utf8_ends_the_connection(wire, payload):
    assert wire.open().send(frame(TEXT, payload)).ends_in(1007)


def test_character_cut_by_a_fragment_is_whole(wire):
    text = '{"t":"hello","pad":"grüße"}'.encode()
    cut = text.index("ü".encode()) + 1
    wire.open().send(frame(TEXT, text[:cut], fin=False), frame(CONTINUATION, text[cut:]))
    assert wire.welcomed()


def test_message_that_no_frame_of_ours_could_be_ends_in_4506(wire):
    wire.open().send(frame(TEXT, HELLO))
    assert wire.welcomed()
    wire.send(frame(TEXT, b"x" * (FRAME_BYTES + 1)))
    assert json.loads(wire.read().payload)["code"] == 4506
    assert wire.read_until(CLOSE).code == 4506


# 7: the close


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_close_is_answered_and_the_server_hangs_up(wire, code):
    wire.open().send(frame(CLOSE, struct.pack("!H", code) + b"good night"))
    assert wire.read_until(CLOSE).code in {code, 1000}
    assert wire.is_over()


def test_close_without_a_code_is_a_close(wire):
    wire.open().send(frame(CLOSE))
    assert wire.read_until(CLOSE).opcode == CLOSE
    assert wire.is_over()


@pytest.mark.parametrize("payload", [b"\x03", struct.pack("!H", 1005), struct.pack("!H", 999)], ids=repr)
def test_close_that_is_none_ends_the_connection_all_the_same(wire, payload):
    wire.open().send(frame(CLOSE, payload))
    try:
        wire.read_until(CLOSE)
    except (EOFError, ConnectionResetError):
        return
    assert wire.is_over()


def test_nothing_is_read_after_the_close(wire):
    wire.open().send(frame(CLOSE, struct.pack("!H", 1000)), frame(TEXT, HELLO))
    assert wire.read().opcode == CLOSE
    assert wire.is_over()
