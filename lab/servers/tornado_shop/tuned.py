"""Ahead of the handlers: to a guest a kept answer goes out as the bytes it was, before there is a request for one."""

from __future__ import annotations

import secrets

from django.conf import settings
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.web import Application

from lab.servers.tornado_shop.handlers import JSON_TYPE, Shop, etag_of

OK = ResponseStartLine("HTTP/1.1", 200, "OK")


class Prebuilt(HTTPServerConnectionDelegate):
    def __init__(self, shop: Shop, application: Application) -> None:
        self.shop, self.application = shop, application
        self._etags: dict[str, tuple[bytes, str]] = {}

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        return Asked(self, server_conn, request_conn)

    def find(self, start: RequestStartLine, headers: HTTPHeaders) -> tuple[bytes, str] | None:
        if self.shop.cache is None or start.method != "GET" or _says_who_or_what(headers):
            return None
        key = f"http://{headers.get('Host', '')} {start.path}"
        body = self.shop.cache.ready(key)
        if body is None:
            return None
        kept = self._etags.get(key)
        if kept is None or kept[0] is not body:
            kept = self._etags[key] = (body, etag_of(body))
        return kept


class Asked(HTTPMessageDelegate):
    def __init__(self, ahead: Prebuilt, server_conn: object, request_conn: HTTPConnection) -> None:
        self._ahead, self._server_conn, self._request_conn = ahead, server_conn, request_conn
        self._kept: tuple[bytes, str] | None = None
        self._handler: HTTPMessageDelegate | None = None

    def headers_received(self, start_line: object, headers: HTTPHeaders) -> object:  # type: ignore[override]
        assert isinstance(start_line, RequestStartLine)
        self._kept = self._ahead.find(start_line, headers)
        if self._kept:
            return None
        self._handler = self._ahead.application.start_request(self._server_conn, self._request_conn)
        return self._handler.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> object:  # type: ignore[override]
        return self._handler.data_received(chunk) if self._handler else None

    def on_connection_close(self) -> None:
        if self._handler:
            self._handler.on_connection_close()

    def finish(self) -> None:
        if self._handler:
            self._handler.finish()
        elif self._kept:
            self._answer(*self._kept)

    def _answer(self, body: bytes, etag: str) -> None:
        address = getattr(self._request_conn, "context").remote_ip  # noqa: B009
        within, limits = self._ahead.shop.limits.count("read", address)
        status = OK if within else ResponseStartLine("HTTP/1.1", 429, "Too Many Requests")
        told = body if within else b""
        headers = HTTPHeaders(limits)
        headers["Content-Type"] = JSON_TYPE
        headers["Content-Length"] = str(len(told))
        headers["Cache-Control"] = "public, no-cache"
        headers["Etag"] = etag
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Request-Id"] = secrets.token_hex(8)
        self._request_conn.write_headers(status, headers, told)
        self._request_conn.finish()


def _says_who_or_what(headers: HTTPHeaders) -> bool:
    """Who asks, or what they have already: the answer depends on it."""
    cookies = headers.get("Cookie", "")
    return f"{settings.SESSION_COOKIE_NAME}=" in cookies or "If-None-Match" in headers
