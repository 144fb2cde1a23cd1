import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from notifications import monitoring
from notifications.hub import current_hub


class Command(BaseCommand):
    help = "Gives the waiting events of shared streams their offsets, beside any number of web processes."

    def add_arguments(self, parser: CommandParser) -> None:
        monitoring.add_arguments(parser)

    def handle(self, *, metrics_port: int, **options: Any) -> None:
        monitoring.start_monitoring("relay", metrics_port)
        asyncio.run(relay_until_told())


async def relay_until_told() -> None:
    """A hub without sockets: it relays at every hint it hears, and at every turn of its poll."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    current_hub()
    await stop.wait()
