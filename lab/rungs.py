"""The configurations that are compared: each serves this shop, to the same clients, from the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

TORNADO, TORNADO_TUNED, LIMIT = "tornado", "tornado-tuned", "bare-uvloop"

Family = Literal["django", "tornado", "limit"]


@dataclass(frozen=True)
class Rung:
    """`command` is for the Python that runs the lab; `{port}` in it, and in the environment, becomes the port.

    `offers` says which loads it can stand: "sockets", "http" (all pages and the API), "api" (the products, orders and
    payments of the API), or a name that a load asks for.
    """

    name: str
    title: str
    family: Family
    command: tuple[str, ...]
    offers: frozenset[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: str = "/readyz"


ASGI = "shop.asgi:application"
THREADS = 32


def _rung(
    name: str, title: str, command: str, offers: str, family: Family = "django", **environment: str
) -> Rung:
    return Rung(name, title, family, tuple(command.split()), frozenset(offers.split()), environment)


_ALL = (
    _rung(
        "wsgi-threads",
        "WSGI with threads",
        f"-m gunicorn --bind 127.0.0.1:{{port}} --worker-class gthread --threads {THREADS} --keep-alive 75"
        " --no-control-socket shop.wsgi:application",
        "http api",
        DATABASE_POOL_MAX=str(THREADS),
    ),
    _rung(
        "channels-tutorial",
        "Channels as in its tutorial",
        "-m lab.servers.tutorial --port {port}",
        "sockets",
    ),
    _rung(
        "channels-tutorial-redis",
        "Channels as in its tutorial, with Redis",
        "-m lab.servers.tutorial --port {port} --layer redis",
        "sockets processes",
    ),
    _rung(
        "daphne-stock",
        "our hub on stock Daphne",
        f"-m daphne --bind 127.0.0.1 --port {{port}} --verbosity 0 {ASGI}",
        "sockets http api processes",
        # Django as it comes as well.
        AHEAD_OF_DJANGO="off",
        LEAN_HANDLER="off",
    ),
    _rung(
        "daphne-serve",
        "our serve (Daphne)",
        "manage.py serve --port {port}",
        "sockets http api processes",
    ),
    _rung(
        "daphne-asyncpg",
        "our serve, async views with asyncpg",
        "manage.py serve --port {port}",
        "http api",  # the shop's, and two operations in this form beside
        DJANGO_SETTINGS_MODULE="lab.by_hand_settings",
    ),
    _rung(
        "uvicorn",
        "the same application on uvicorn",
        "-m uvicorn --host 127.0.0.1 --port {port} --loop uvloop --ws wsproto --ws-max-size 65536"
        f" --ws-per-message-deflate false --timeout-graceful-shutdown 5 --no-access-log --log-level warning {ASGI}",
        "sockets http api processes",
    ),
    _rung(
        "granian",
        "the same application on granian",
        "-m granian --host 127.0.0.1 --port {port} --interface asgi --loop uvloop --backpressure 65536"
        f" --workers-kill-timeout 10 --log-level warning {ASGI}",
        "sockets http api processes",
    ),
    _rung(
        TORNADO,
        "Tornado as people write it",
        "-m lab.servers.tornado_shop --port {port}",
        "sockets api processes",
        "tornado",
    ),
    _rung(
        TORNADO_TUNED,
        "Tornado, tuned",
        "-m lab.servers.tornado_shop --port {port} --tuned",
        "sockets api processes",
        "tornado",
    ),
    _rung(LIMIT, "bare uvloop", "-m lab.servers.bare --port {port}", "sockets http", "limit"),
)

QUICK = (TORNADO, "daphne-serve")  # a short run has these, where a load has any of them

RUNGS: dict[str, Rung] = {rung.name: rung for rung in _ALL}
