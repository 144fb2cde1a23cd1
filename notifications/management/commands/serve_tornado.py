from typing import Any

import uvloop
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tornado.netutil import bind_sockets

from notifications import monitoring
from notifications.tornado_server import serve

BACKLOG = 1024


class Command(BaseCommand):
    help = "Serves the notifications' sockets by Tornado until SIGTERM or Ctrl-C, beside the web processes."
    requires_system_checks = []  # They would import every page of the site.

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)"
        )
        parser.add_argument("--port", type=int, default=8100, help="0 for any that is free (default: 8100)")
        parser.add_argument(
            "--reuse-port", action="store_true", help="share the port with other processes that say the same"
        )
        monitoring.add_arguments(parser)

    def handle(self, *, host: str, port: int, reuse_port: bool, metrics_port: int, **options: Any) -> None:
        if not 0 <= port < 65536:  # The resolver would take it modulo 65536.
            raise CommandError(f"{port} is not a port from 0 to 65535.")
        try:
            listeners = bind_sockets(port, host, backlog=BACKLOG, reuse_port=reuse_port)
        except OSError as error:
            raise CommandError(f"Cannot listen on {host}, port {port}: {error}.") from None
        port = listeners[0].getsockname()[1]
        monitoring.start_monitoring(f"tornado {port}", metrics_port)
        self.stdout.write(f"Serving sockets on {host}, port {port}.")
        self.stdout.flush()
        uvloop.run(serve(listeners))
