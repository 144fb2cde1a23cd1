"""The little of HTTP that an ASGI app without a framework needs."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_BODY = 256 * 1024
STATIC = Path(__file__).parent / "static"
CONTENT_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-src 'self'; base-uri 'none'"
)

logger = logging.getLogger("shop.sandbox")


class BodyTooLarge(Exception):
    pass


class ClientGone(Exception):
    pass


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: bytes
    headers: Mapping[str, str]
    body: bytes

    def asks_for(self, name: str) -> str | None:
        values = parse_qs(self.query.decode("latin-1")).get(name)
        return values[-1] if values else None


@dataclass
class Response:
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, send: Send) -> None:
        headers = {
            "content-type": self.content_type,
            "content-length": str(len(self.body)),
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
            **self.headers,
        }
        encoded = [
            (name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": encoded})
        await send({"type": "http.response.body", "body": self.body})


async def read_request(scope: Mapping[str, Any], receive: Receive) -> Request:
    """The body arrives in pieces; it is refused as soon as it has grown too large."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise BodyTooLarge
        more = message.get("more_body", False)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(scope["method"], scope["path"], scope.get("query_string", b""), headers, bytes(body))


def as_json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(status, json.dumps(value, indent=2).encode(), headers=headers or {})


def as_page(html: str, status: int = 200, frame_ancestors: str = "'self'") -> Response:
    policy = f"{PAGE_POLICY}; frame-ancestors {frame_ancestors}"
    headers = {"content-security-policy": policy, "referrer-policy": "same-origin"}
    return Response(status, html.encode(), "text/html; charset=utf-8", headers)


def redirect(url: str) -> Response:
    location = quote(url, safe="!#$%&'()*+,/:;=?@[]~")
    return Response(303, content_type="text/plain", headers={"location": location})


def static_file(name: str) -> Response:
    path = STATIC / name
    if path.suffix not in CONTENT_TYPES or path.parent != STATIC or not path.is_file():
        return Response(404, b"Not found", "text/plain")
    return Response(200, path.read_bytes(), CONTENT_TYPES[path.suffix], {"cache-control": "no-cache"})
