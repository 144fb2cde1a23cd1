"""Channel layers that fail, for tests of what is promised without one."""

import asyncio
from typing import ClassVar

from channels.layers import BaseChannelLayer


class SilentLayer(BaseChannelLayer):
    """Takes everything and delivers nothing."""

    async def new_channel(self, prefix: str = "silent.") -> str:
        return f"{prefix}channel"

    async def receive(self, channel: str) -> dict:
        await asyncio.Event().wait()
        return {}

    async def group_add(self, group: str, channel: str) -> None:
        pass

    async def group_discard(self, group: str, channel: str) -> None:
        pass

    async def group_send(self, group: str, message: dict) -> None:
        pass


class NotingLayer(SilentLayer):
    """Delivers nothing, and keeps what it took."""

    taken: ClassVar[list[list]] = []  # as on the wire: an entry is a list

    async def group_send(self, group: str, message: dict) -> None:
        self.taken += message["entries"]


class BrokenLayer(SilentLayer):
    """Fails whatever it is asked."""

    async def new_channel(self, prefix: str = "broken.") -> str:
        raise ConnectionError("no broker")

    async def group_send(self, group: str, message: dict) -> None:
        raise ConnectionError("no broker")
