"""The shop's server: Daphne on uvloop, with the background work beside it in the embedded mode."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import uvloop
from twisted.internet import asyncioreactor

FRAME_LIMIT = 16 * 1024
BACKLOG = 1024


def serve(host: str, port: int, *, ready: Callable[[], None] | None = None) -> None:
    """Serves until SIGTERM or SIGINT. Raises OSError when the address cannot be listened on."""
    # Order matters: Twisted takes the loop that is there when Daphne is first imported.
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)
    from daphne.server import Server
    from django.conf import settings

    from shop.asgi import application, sandbox
    from shop.background import start_in_thread

    def started() -> None:
        if sandbox:
            loop.create_task(sandbox.start())
        if ready:
            ready()

    behind_proxy = {
        "proxy_forwarded_address_header": "X-Forwarded-For",
        "proxy_forwarded_port_header": "X-Forwarded-Port",
    }
    server = Server(
        application=application,
        endpoints=[f"tcp:port={port}:interface={host.replace(':', chr(92) + ':')}:backlog={BACKLOG}"],
        ready_callable=started,
        websocket_max_message_size=FRAME_LIMIT,
        websocket_max_frame_size=FRAME_LIMIT,
        server_name="breakwater",
        **(behind_proxy if settings.PRODUCTION else {}),
    )
    background = None if settings.PRODUCTION else start_in_thread()
    try:
        server.run()
    finally:
        if background:
            background.stop()
