"""How a process is watched: its metrics on a port of its own, and its report for the page that shows all."""

import argparse

from django.conf import settings
from django.core.management.base import CommandError
from prometheus_client import start_http_server

from notifications.vitals import Reporter


class CannotServeMetrics(CommandError):
    """Why, in words."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--metrics-port",
        type=int,
        default=getattr(settings, "METRICS_PORT", 0),
        help="serve Prometheus' metrics there, on METRICS_HOST; each process needs its own (default: METRICS_PORT)",
    )


def start_monitoring(name: str, metrics_port: int = 0) -> None:
    """Call it once in a process, by the name that people shall know it by. Raises CannotServeMetrics."""
    if metrics_port:
        serve_metrics(getattr(settings, "METRICS_HOST", "127.0.0.1"), metrics_port)
    Reporter(name).start()


def serve_metrics(host: str, port: int) -> None:
    """In a thread. For nobody but those who look after the site: it asks no one who they are."""
    try:
        start_http_server(port, addr=host)
    except (OSError, OverflowError) as error:
        why = (getattr(error, "strerror", None) or str(error)).partition(" (")[0]
        raise CannotServeMetrics(f"Cannot serve metrics on {host}, port {port}: {why}.") from None
