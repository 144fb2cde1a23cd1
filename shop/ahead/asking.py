"""What is read of a request before Django, and which requests are left to it."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from django.conf import settings

from shop.rendered import Key
from shop.request_ids import HEADER

Scope = dict[str, Any]

HOST, ACCEPT, COOKIE, ETAG, NAME = b"host", b"accept", b"cookie", b"if-none-match", HEADER.lower().encode()
LEFT_TO_DJANGO = {
    *(b"authorization", b"content-length", b"content-type", b"transfer-encoding"),
    *(b"if-match", b"if-modified-since", b"if-unmodified-since", b"if-range", b"range"),
}
ONE_ETAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e]*")')


class Asked(NamedTuple):
    key: Key
    address: str
    accept: str
    etag: str  # without the mark of a weak one, which counts as the same here
    secret: str  # of the cookie against forgery
    name: str


class Asking:
    def __init__(self) -> None:
        self._cookie = re.compile(rf"{re.escape(settings.CSRF_COOKIE_NAME)}=([a-zA-Z0-9]{{32}})")
        self._read = {HOST, ACCEPT, COOKIE, ETAG, NAME}
        self._tells_https, self._https = b"", b""
        if settings.SECURE_PROXY_SSL_HEADER:
            name, value = settings.SECURE_PROXY_SSL_HEADER
            self._tells_https = name.removeprefix("HTTP_").replace("_", "-").lower().encode()
            self._https = value.encode()
            self._read.add(self._tells_https)
        self._is_off = bool(  # with these Django reads more of a request than is read here
            settings.USE_X_FORWARDED_HOST
            or settings.USE_X_FORWARDED_PORT
            or settings.FORCE_SCRIPT_NAME
            or settings.DISALLOWED_USER_AGENTS
        )

    def read(self, scope: Scope) -> Asked | None:
        """None where the request is unusual."""
        if scope["method"] != "GET" or scope.get("root_path") or self._is_off:
            return None
        told: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in LEFT_TO_DJANGO or name in told:
                return None
            if name in self._read:
                told[name] = value
        if HOST not in told or not scope.get("client") or told.get(self._tells_https, b"") != self._https:
            return None
        return self._asked(scope, {name: value.decode("latin1") for name, value in told.items()})

    def _asked(self, scope: Scope, told: dict[bytes, str]) -> Asked | None:
        cookie = self._cookie.fullmatch(told[COOKIE]) if COOKIE in told else None
        etag = ONE_ETAG.fullmatch(told[ETAG]) if ETAG in told else None
        if (COOKIE in told and not cookie) or (ETAG in told and not etag):
            return None
        query = scope["query_string"]
        if not query.isascii():
            return None
        scheme = "https" if self._https else scope["scheme"]
        return Asked(
            (scheme, told[HOST], scope["path"], query.decode("ascii")),
            scope["client"][0],
            told.get(ACCEPT, ""),
            etag[1] if etag else "",
            cookie[1] if cookie else "",
            told.get(NAME, ""),
        )
