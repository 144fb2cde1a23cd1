"""Carries committed events to whoever delivers them: to hubs here at once, to other processes by the layer.

All of it is a hint that may be lost; hubs read the log for what they missed. So nothing here reaches the
caller: no error, no waiting for a broker. It may be called from any thread, with or without an event loop.
"""

import asyncio
import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from channels.layers import BaseChannelLayer, InMemoryChannelLayer, get_channel_layer

from notifications.protocol import Entry

GROUP = "notifications"
LAYER_SECONDS = 2.0
BACKLOG = 10_000
BATCH = 50

logger = logging.getLogger(__name__)

listeners: set[Callable[[Sequence[Entry]], None]] = set()


def wake(entries: Sequence[Entry]) -> None:
    hubs = tuple(listeners)
    for hear in hubs:
        hear(entries)
    # What waits for its place in the log a hub places, and tells then. Where one is here, no other is asked: each would
    # ask the database, only to find that done.
    told = [entry for entry in entries if entry.offset] if hubs else entries
    if told and layer_between_processes() is not None:
        _courier.take(told)


def layer_between_processes() -> BaseChannelLayer | None:
    """The channel layer, unless it ends at this process, where hubs are told directly."""
    layer = get_channel_layer()
    return None if isinstance(layer, InMemoryChannelLayer) else layer


class Courier:
    """One thread with a loop of its own, so that no writer waits for the layer and no loop is borrowed."""

    def __init__(self) -> None:
        self._bag: deque[Entry] = deque(maxlen=BACKLOG)
        self._something = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = False

    def take(self, entries: Sequence[Entry]) -> None:
        with self._something:
            self._bag.extend(entries)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="notifications-courier", daemon=True)
                self._thread.start()
            self._something.notify()

    def finish(self) -> None:
        """Let a short process (a command, a task) send its last hints."""
        with self._something:
            self._something.wait_for(lambda: not self._bag and not self._busy, timeout=LAYER_SECONDS)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            while True:
                batch = self._next_batch()
                try:
                    runner.run(self._send(batch))
                except Exception:
                    logger.warning("The channel layer took no hint; hubs will read the log.", exc_info=True)

    def _next_batch(self) -> list[Entry]:
        with self._something:
            self._busy = False
            self._something.notify_all()
            self._something.wait_for(lambda: bool(self._bag))
            self._busy = True
            return [self._bag.popleft() for _ in range(min(BATCH, len(self._bag)))]

    async def _send(self, batch: list[Entry]) -> None:
        layer = layer_between_processes()
        if layer is not None:
            async with asyncio.timeout(LAYER_SECONDS):
                await layer.group_send(GROUP, {"type": "hint", "entries": [list(entry) for entry in batch]})


_courier = Courier()
atexit.register(_courier.finish)
