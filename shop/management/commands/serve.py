from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser

from notifications import monitoring
from shop.serve import CannotListen, port_number, serve


class Command(BaseCommand):
    help = "Serves the shop until SIGTERM or Ctrl-C. Migrate first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)"
        )
        parser.add_argument("--port", type=port_number, default=8000, help="1 to 65535 (default: 8000)")
        monitoring.add_arguments(parser)

    def handle(self, *, host: str, port: int, metrics_port: int, **options: Any) -> None:
        if settings.SANDBOX and urlsplit(settings.SANDBOX_URL).port != port:
            self.stderr.write(
                f"Payments will fail: set PUBLIC_URL=http://localhost:{port} in the environment."
            )

        def announce() -> None:
            self.stdout.write(f"Serving on {host}, port {port}.")

        try:
            serve(host, port, metrics_port=metrics_port, ready=announce)
        except CannotListen as error:
            raise CommandError(str(error)) from None
