from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from shop.serve import serve


class Command(BaseCommand):
    help = "Serves the shop on Daphne with uvloop."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        serve(host, port, ready=lambda: self.stdout.write(f"Serving on http://{host}:{port}/"))
