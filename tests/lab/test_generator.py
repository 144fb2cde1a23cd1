"""The load against servers of a few lines, which count what they are asked: what it says it did, it did."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from lab.wire import http
from lab.wire.http import request
from lab.wire.sockets import Crowd
from notifications.protocol import build
from tests.processes import free_port

ANSWERS = {
    b"/": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"/empty": b"HTTP/1.1 204 No Content\r\n\r\n",
    b"/chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\n0\r\n\r\n0\r\n\r\n",
    b"/fault": b"HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno",
}


class Plain(asyncio.Protocol):
    """Answers from ANSWERS, in pieces of a few bytes where asked for /slow/..., and drops who asks for /drop."""

    asked: Counter[bytes] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        path = data.split(b" ", 2)[1]
        self.asked[path] += 1
        if path == b"/drop":
            self.transport.abort()
        elif path.startswith(b"/slow"):
            answer = ANSWERS[path.removeprefix(b"/slow")]
            self.task = asyncio.ensure_future(self.trickle(answer))
        else:
            self.transport.write(ANSWERS[path])

    async def trickle(self, answer: bytes) -> None:
        for at in range(0, len(answer), 7):
            self.transport.write(answer[at : at + 7])
            await asyncio.sleep(0.001)


class Harbour(asyncio.Protocol):
    """Welcomes everybody, lets them subscribe, and keeps what they said."""

    everybody: list["Harbour"] = []
    said: Counter[str] = Counter()
    full = 0  # for so many

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.open, self.refuse = transport, False, False

    def data_received(self, data: bytes) -> None:
        if not self.open:
            self.open = True
            if b"cookie: nobody" in data.lower():
                self.transport.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                return
            if Harbour.full:
                Harbour.full -= 1
                self.transport.write(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
                return
            self.everybody.append(self)
            self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            return
        for text in unmasked(data):
            frame = json.loads(text)
            self.said[frame["t"]] += 1
            if frame["t"] == "hello":
                self.transport.write(build("welcome", reader="7").wire)
            elif frame["t"] == "sub":
                ok = build("ok", id=frame["id"], stream=frame["stream"], e="e", o=0, recovered=True).wire
                # In two pieces: what arrives is no message yet.
                self.transport.write(ok[:9])
                asyncio.get_running_loop().call_later(0.01, self.transport.write, ok[9:])


def unmasked(data: bytes) -> list[bytes]:
    texts, at = [], 0
    while at < len(data):
        size, start = data[at + 1] & 0x7F, at + 6
        if size == 126:
            size, start = int.from_bytes(data[at + 2 : at + 4]), at + 8
        texts.append(data[start : start + size])  # its mask is nought
        at = start + size
    return texts


def event(stream: str, offset: int, n: int, *, at: float) -> bytes:
    return build("ev", s=stream, e="e", o=offset, id="x", k="lab", ts=1, d={"n": n, "at": at}).wire


@pytest.fixture
async def plain() -> AsyncIterator[int]:
    Plain.asked.clear()
    port = free_port()
    server = await asyncio.get_running_loop().create_server(Plain, "127.0.0.1", port)
    yield port
    server.close()


@pytest.fixture
async def harbour() -> AsyncIterator[int]:
    Harbour.everybody.clear()
    Harbour.said.clear()
    port = free_port()
    server = await asyncio.get_running_loop().create_server(Harbour, "127.0.0.1", port)
    yield port
    server.close()


@pytest.fixture
async def crowd() -> AsyncIterator[Crowd]:
    crowd = Crowd()
    yield crowd
    await crowd.close()


@pytest.mark.parametrize("path", ["/", "/empty", "/chunks", "/slow/", "/slow/chunks"])
async def test_every_answer_is_counted_once(plain: int, path: str) -> None:
    seen = await http.closed(plain, [request(path)], connections=4, seconds=20.0, most=40)
    assert seen["requests"] == Plain.asked[path.encode()] == 40
    assert seen["errors"] == 0
    assert 0 < seen["p50_ms"] <= seen["p99_ms"] <= seen["max_ms"]


async def test_connections_ask_again_for_as_long_as_they_are_told(plain: int) -> None:
    seen = await http.closed(plain, [request("/"), request("/empty")], connections=3, seconds=0.2)
    assert seen["requests"] == Plain.asked.total() > 6
    assert abs(Plain.asked[b"/"] - Plain.asked[b"/empty"]) <= 1
    assert 0.2 <= seen["seconds"] < 2


async def test_faults_and_lost_connections_are_errors(plain: int) -> None:
    seen = await http.closed(plain, [request("/fault")], connections=2, seconds=20.0, most=6)
    assert seen["errors"] == seen["statuses"]["500"] == 6
    seen = await http.closed(plain, [request("/drop")], connections=2, seconds=20.0, most=6)
    assert (seen["requests"], seen["errors"]) == (0, 2)


async def test_an_open_loop_counts_waiting_for_a_connection(plain: int) -> None:
    seen = await http.opened(plain, [request("/slow/")], rate=100, seconds=0.3, connections=1)
    assert seen["requests"] == Plain.asked[b"/slow/"] == 30
    assert seen["errors"] == 0
    # One at a time takes some six milliseconds each, and one comes every ten: whoever is late makes others late.
    assert seen["max_ms"] >= seen["p50_ms"] > 5


async def test_each_delivery_is_counted_and_dated(harbour: int, crowd: Crowd) -> None:
    came = await crowd.open([harbour], 20, streams=["product:a"], at_once=7)
    assert came["open"] == came["readers"] == len(Harbour.everybody) == 20
    assert Harbour.said == {"hello": 20, "sub": 20}
    crowd.forget()
    said = time.monotonic()
    for n in range(3):
        for each in Harbour.everybody:
            each.transport.write(event("product:a", n + 1, n, at=said))
    seen = await crowd.expect(60, {"product:a": [said - 1, said - 1, said - 1]}, within=5)
    assert (seen["deliveries"], seen["missing"]) == (60, 0)
    assert 1000 <= seen["p50_ms"] <= seen["last_max_ms"] < 4000
    assert (await crowd.lateness({"product:a": [said] * 3}))["max_ms"] < 3000
    assert (await crowd.lateness({"product:b": []}))["deliveries"] == 0


async def test_frames_that_come_together_or_in_pieces_are_all_heard(harbour: int, crowd: Crowd) -> None:
    await crowd.open([harbour], 1, streams=["product:a"])
    crowd.forget()
    wire = b"".join(event("product:a", n, n, at=0.0) for n in range(1, 71))
    for at in range(0, len(wire), 50):
        Harbour.everybody[0].transport.write(wire[at : at + 50])
        await asyncio.sleep(0.0005)
    seen = await crowd.expect(70, within=5)
    assert seen["deliveries"] == 70
    await asyncio.sleep(0.05)
    assert Harbour.said["ack"] == 1  # after 64


async def test_what_does_not_come_is_missing(harbour: int, crowd: Crowd) -> None:
    await crowd.open([harbour], 2, streams=["product:a"])
    crowd.forget()
    Harbour.everybody[0].transport.write(event("product:a", 1, 0, at=time.monotonic()))
    seen = await crowd.expect(2, within=0.2)
    assert (seen["deliveries"], seen["missing"]) == (1, 1)


async def test_who_is_not_let_in_ends_the_measurement(harbour: int, crowd: Crowd) -> None:
    with pytest.raises(ConnectionError, match="403"):
        await crowd.open([harbour], 1, own=[("", "nobody")])


async def test_who_finds_no_room_comes_back(
    harbour: int, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.wire.sockets.RETRY_SECONDS", 0.01)
    monkeypatch.setattr(Harbour, "full", 7)
    came = await crowd.open([harbour], 5, at_once=5)
    assert (came["open"], came["refused"]) == (5, 7)
    assert len(Harbour.everybody) == 5


async def test_all_are_cut_off_and_come_back(harbour: int, crowd: Crowd) -> None:
    own = [(f"user:{n}", f"sessionid={n}") for n in range(5)]
    await crowd.open([harbour], 10, own=own)
    assert await crowd.cut() == 10
    back = await crowd.open([harbour], 10, own=own, at_once=10)
    assert back["open"] == 10
    assert len(Harbour.everybody) == 20
