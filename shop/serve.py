"""Serves the shop: one process, Daphne on uvloop. `manage.py serve` and `manage.py demo` end here."""

from __future__ import annotations

import argparse
import asyncio
import gc
import socket
from collections.abc import Callable
from typing import Any

BACKLOG = 1024
STOPS_WITHIN = 5.0


def port_number(text: str) -> int:
    """For argparse, which puts the text into its message."""
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a port from 1 to 65535")
    return int(text)


class CannotListen(Exception):
    """Why the address cannot be had, in words."""


def check_address(host: str, port: int) -> None:
    """Raises CannotListen. Asked before long preparations, so that nobody waits for a port that is taken."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (")[0]
        raise CannotListen(f"Cannot listen on {host}, port {port}: {why}.") from None


def serve(host: str, port: int, *, metrics_port: int = 0, ready: Callable[[], None] = lambda: None) -> None:
    """Returns after SIGTERM or Ctrl-C, within a few seconds. Raises CannotListen or CannotServeMetrics."""
    check_address(host, port)
    # Not sooner: the application sets Django up, and Daphne takes the loop that is there.
    from django.conf import settings
    from twisted.python.log import PythonLoggingObserver, startLoggingWithObserver

    from notifications.hub import current_hub
    from notifications.monitoring import start_monitoring
    from shop.asgi import application, sandbox
    from shop.background import start_in_thread

    start_monitoring(f"serve {port}", metrics_port)
    # Twisted would write its own errors past the log.
    startLoggingWithObserver(PythonLoggingObserver("twisted").emit, setStdout=False)
    starting = []

    def started() -> None:
        # It measures how late the loop is, also before the first socket comes.
        asyncio.get_event_loop().call_soon(current_hub)
        if sandbox:
            # Webhooks that an earlier process left unsent must not wait for the first visitor.
            starting.append(asyncio.ensure_future(sandbox.start()))
        ready()

    server = _server(
        application=application,
        endpoints=[f"tcp:port={port}:interface={host.replace(':', r'\:')}:backlog={BACKLOG}"],
        ready_callable=started,
        server_name="breakwater",
        **_behind_a_proxy() if settings.PRODUCTION else {},
    )
    # What is there now stays: the collector need not look at it again, which a broadcast notices.
    gc.collect()
    gc.freeze()
    background = start_in_thread() if settings.BACKGROUND else None
    try:
        server.run()
    finally:
        if background:
            background.stop(STOPS_WITHIN)
    if server.fault:
        raise CannotListen(server.fault)


def _behind_a_proxy() -> dict[str, str]:
    return {
        "proxy_forwarded_address_header": "X-Forwarded-For",
        "proxy_forwarded_port_header": "X-Forwarded-Port",
        "proxy_forwarded_proto_header": "X-Forwarded-Proto",
    }


def _server(**options: Any) -> Any:
    from django.conf import settings

    from notifications.daphne_server import Server
    from shop.daphne_http import HttpServer

    class ShopServer(HttpServer if settings.LEAN_HTTP else Server):  # type: ignore[misc]
        fault = ""

        def listen_error(self, failure: Any) -> None:
            self.fault = f"Cannot listen: {failure.getErrorMessage()}"
            self.stop()

    return ShopServer(**options)
