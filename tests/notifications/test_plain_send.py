"""The door of an ASGI server that offers no frames, and whose `send` waits for the client."""

import asyncio

import pytest

from notifications.consumers import Socket
from notifications.protocol import UNREAD_BYTES, Frame

FRAME = Frame("x" * 10_000)


async def test_frames_are_sent_in_order_and_the_close_last():
    sent, taken = [], asyncio.Event()

    async def send(message):
        await taken.wait()
        sent.append(message.get("text") or message["code"])

    door = Socket(send)
    for number in range(3):
        door.write([Frame(number)])
    door.close(1012)
    assert sent == []  # and the hub waited for none of it
    taken.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sent == ["0", "1", "2", 1012]


async def test_client_that_never_reads_costs_no_more_than_its_bound():
    async def send(message):
        await asyncio.Event().wait()

    door = Socket(send)
    for _ in range(UNREAD_BYTES // len(FRAME) + 1):
        door.write([FRAME])
    with pytest.raises(BufferError):
        door.write([FRAME])
    assert not door._out


async def test_client_that_reads_has_no_such_bound():
    async def send(message):
        await asyncio.sleep(0)

    door = Socket(send)
    for _ in range(3 * UNREAD_BYTES // len(FRAME)):
        door.write([FRAME])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
