import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from notifications import monitoring
from shop.background import start_in_thread


class Command(BaseCommand):
    help = (
        "Runs mail, refunds, expiry and reconciliation: one or more of these stand beside the web processes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        monitoring.add_arguments(parser)

    def handle(self, *, metrics_port: int, **options: Any) -> None:
        monitoring.start_monitoring("background", metrics_port)
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        background = start_in_thread()
        stop.wait()
        background.stop(within=30)
