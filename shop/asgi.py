"""ASGI entry: HTTP to Django, sockets to the notifications, and the sandbox where no real keys are set."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
django_application = get_asgi_application()  # Sets Django up, before anything below may touch a model.

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from notifications.routing import websocket_urlpatterns  # noqa: E402
from shop.sandbox.app import Sandbox  # noqa: E402

sandbox = (
    Sandbox(
        database=settings.DATA_DIR / "sandbox.sqlite3",
        base_url=settings.SANDBOX_URL,
        webhook_url=f"{settings.SANDBOX_URL}/webhooks/stripe/",
        webhook_secret=settings.STRIPE_WEBHOOK_SECRET,
        secret_key=settings.STRIPE_SECRET_KEY,
        publishable_key=settings.STRIPE_PUBLISHABLE_KEY,
    )
    if settings.SANDBOX
    else None
)


async def http(scope, receive, send):  # type: ignore[no-untyped-def]
    """Whatever is under the sandbox's path goes there, ahead of Django; the rest is the shop."""
    mine = sandbox is not None and (scope["path"] + "/").startswith(f"{sandbox.prefix}/")
    await (sandbox if mine else django_application)(scope, receive, send)


application = ProtocolTypeRouter({"http": http, "websocket": URLRouter(websocket_urlpatterns)})
