"""Which pages may open a socket or ask for events: a browser sends our cookies along from any page of the web.

So the page's origin (scheme, host and port) must be one of ours.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from notifications import metrics
from notifications.hub import current_hub

ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")
DEFAULT_PORTS = {"http": "80", "https": "443"}

App = Callable[[Any, Any, Any], Awaitable[None]]


class OriginGate:
    """Around the WebSocket routes: answers 403 to pages of other sites, 503 while too many others are greeted.

    NOTIFICATIONS_ALLOWED_ORIGINS lists our origins; with NOTIFICATIONS_SAME_HOST_ORIGIN the address that the
    request itself was sent to is one too. A client without an Origin is no browser, and must have no cookie.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not may_open(scope):
            metrics.refused("channels", 403)
            await receive()
            await send({"type": "websocket.close", "code": 4403})
        elif not current_hub().has_room:
            metrics.refused("channels", 503)
            await receive()
            await _refuse(scope, send)
        else:
            await self.app(scope, receive, send)


async def _refuse(scope: Any, send: Any) -> None:
    """503, where the server has ASGI's extension for that; elsewhere every refusal is a 403."""
    if "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", "status": 503, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})
    else:
        await send({"type": "websocket.close", "code": 4001})


def may_open(scope: Any) -> bool:
    origins = _header(scope, b"origin")
    return _are_ours(scope, origins) if origins else not _header(scope, b"cookie")


def may_ask(scope: Any) -> bool:
    """Of a plain GET. Browsers leave Origin out where it is the page's own, and tell others by Sec-Fetch-Site."""
    origins, sites = _header(scope, b"origin"), _header(scope, b"sec-fetch-site")
    return (not origins or _are_ours(scope, origins)) and {"same-origin", "none"}.issuperset(sites)


def _are_ours(scope: Any, origins: list[str]) -> bool:
    origin = _normal(origins[0]) if len(origins) == 1 else None
    return origin is not None and origin in _ours(scope)


def _ours(scope: Any) -> set[str | None]:
    ours = {_normal(origin) for origin in getattr(settings, "NOTIFICATIONS_ALLOWED_ORIGINS", ())}
    hosts = _header(scope, b"host")
    same_host = getattr(settings, "NOTIFICATIONS_SAME_HOST_ORIGIN", False)
    if same_host and len(hosts) == 1 and _is_our_host(hosts[0]):
        scheme = "https" if scope.get("scheme") in {"wss", "https"} else "http"
        ours.add(_normal(f"{scheme}://{hosts[0].lower()}"))
    return ours - {None}


def _is_our_host(host: str) -> bool:
    # Anybody's name may be made to resolve to us.
    return validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)


def _normal(origin: str) -> str | None:
    """With its port spelled out; None if it is no web origin, written as browsers write it, in lower case."""
    match = ORIGIN.fullmatch(origin)
    if match is None:
        return None
    scheme, host, port = match.groups()
    return f"{scheme}://{host}:{port or DEFAULT_PORTS[scheme]}"


def _header(scope: Any, wanted: bytes) -> list[str]:
    return [value.decode("latin1") for name, value in scope["headers"] if name == wanted]
