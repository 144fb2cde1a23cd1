"""ASGI entry: HTTP to Django, sockets to the notifications, and the sandbox where no real keys are set.

`manage.py serve` is what it is made for; any other ASGI server may have it too.
"""

import asyncio
import os
from collections.abc import Callable
from contextvars import Context
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
django.setup(set_prefix=False)  # before anything below may touch a model

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.handlers.asgi import ASGIHandler  # noqa: E402

from notifications import lifespan as sockets  # noqa: E402
from notifications.routing import websocket_urlpatterns  # noqa: E402
from shop.ahead import Ahead  # noqa: E402
from shop.handler import LeanHandler  # noqa: E402
from shop.media import serve_media  # noqa: E402
from shop.sandbox.app import Sandbox  # noqa: E402

django_application = LeanHandler() if settings.LEAN_HANDLER else ASGIHandler()
sandbox = (
    Sandbox(
        database=settings.DATA_DIR / "sandbox.sqlite3",
        base_url=settings.PUBLIC_URL,
        webhook_url=f"{settings.PUBLIC_URL}/webhooks/stripe/",
        webhook_secret=settings.STRIPE_WEBHOOK_SECRET,
        secret_key=settings.STRIPE_SECRET_KEY,
        publishable_key=settings.STRIPE_PUBLISHABLE_KEY,
    )
    if settings.SANDBOX
    else None
)
media = None if settings.PRODUCTION else serve_media(django_application)
_running: set[asyncio.Future[None]] = set()  # the loop itself holds tasks only weakly


async def to_its_end(scope: dict[str, Any], receive: Callable, send: Callable) -> None:
    """Django, also when the server gives up on a request whose client has hung up, as Daphne does after ten seconds.

    A thread that waits for a lock cannot be stopped. Django closes its connection after it: cancelled before that, it
    would never, and of the pool one connection would be missing for good.

    Its context is its own: a server may begin a request in the midst of the one before on the same connection, and
    what that left in there, such as its thread, would be shared.
    """
    coroutine = django_application(scope, receive, send)
    request = asyncio.get_running_loop().create_task(coroutine, context=Context())
    _running.add(request)
    request.add_done_callback(_running.discard)
    await asyncio.shield(request)


pages: Callable = Ahead(to_its_end) if settings.AHEAD_OF_DJANGO else to_its_end


async def http(scope: dict[str, Any], receive: Callable, send: Callable) -> None:
    """Ahead of Django: the sandbox's paths and, where no reverse proxy does it, pictures. The rest is the shop."""
    application = pages
    if sandbox is not None and (scope["path"] + "/").startswith(f"{sandbox.prefix}/"):
        application = sandbox
    elif media is not None and scope["path"].startswith(settings.MEDIA_URL):
        application = media
    await application(scope, receive, send)


async def lifespan(scope: dict[str, Any], receive: Callable, send: Callable) -> None:
    """Daphne has none: `shop.serve` does the same there."""
    await receive()
    sockets.begin()
    if sandbox is not None:
        await sandbox.start()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await sockets.end()
    if sandbox is not None:
        await sandbox.stop()
    await send({"type": "lifespan.shutdown.complete"})


application = ProtocolTypeRouter(
    {"http": http, "websocket": URLRouter(websocket_urlpatterns), "lifespan": lifespan}
)
