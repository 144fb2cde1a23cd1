"""The network between a client and a server, which can be cut, go silent, lose a frame, and lead elsewhere."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Self


class Wire:
    """Use as `async with Wire(port) as wire`; clients go to `wire.url`."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.opened = 0
        self.swallow: Callable[[bytes], bool] = lambda frame: False
        self.reopened = asyncio.Event()
        self.open = asyncio.Event()  # cleared, no packet comes through
        self.open.set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/ws/notifications/"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        if self.opened > 1:
            self.reopened.set()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers |= {writer, far_writer}
            await self._carry_back(reader, writer, far_reader, far_writer)
        writer.close()

    async def _carry_back(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        there = asyncio.create_task(self._forward(reader, far_writer))
        try:
            writer.write(await far_reader.readuntil(b"\r\n\r\n"))
            while True:
                frame = await _next_frame(far_reader)
                await self.open.wait()
                if not self.swallow(frame):
                    writer.write(frame)
        finally:
            there.cancel()

    async def _forward(self, reader: asyncio.StreamReader, far_writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self.open.wait()
            far_writer.write(data)
        far_writer.close()


async def _next_frame(reader: asyncio.StreamReader) -> bytes:
    """A frame of a server: short or long, never masked."""
    head = await reader.readexactly(2)
    size = head[1]
    if size == 126:
        more = await reader.readexactly(2)
        head, size = head + more, int.from_bytes(more)
    return head + await reader.readexactly(size)
