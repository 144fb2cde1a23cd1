import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand

from notifications.hub import current_hub


class Command(BaseCommand):
    help = "Gives the waiting events of shared streams their offsets, beside any number of web processes."

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(relay_until_told())


async def relay_until_told() -> None:
    """A hub without sockets: it relays at every hint it hears, and at every turn of its poll."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    current_hub()
    await stop.wait()
