"""What is committed anywhere, for servers without a hub: from the layer that wakes hubs, where it may be lost."""

from __future__ import annotations

from collections.abc import AsyncIterator

from channels.layers import get_channel_layer

from notifications import wake
from notifications.protocol import Entry


async def committed() -> AsyncIterator[Entry]:
    """For ever. An entry without an offset only asks for a relay, which is not for these servers."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(wake.GROUP, channel)
    while True:
        message = await layer.receive(channel)
        for parts in message["entries"]:
            entry = Entry.from_layer(*parts)
            if entry.offset:
                yield entry
