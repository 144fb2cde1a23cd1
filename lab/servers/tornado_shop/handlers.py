"""What every handler is made of: who asks and how often, JSON in and out, refusals."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from django.conf import settings
from tornado.web import RequestHandler

from lab.servers.tornado_shop.cache import Cache
from lab.servers.tornado_shop.database import Pool
from lab.servers.tornado_shop.limits import Limits
from lab.servers.tornado_shop.people import Account, account_of
from lab.servers.tornado_shop.provider import Provider
from lab.servers.tornado_shop.refusals import Refused, invalid, not_found

JSON_TYPE, PROBLEM = "application/json", "application/problem+json"
LARGEST_BODY = 256 * 1024
PRIVATE = "Authorization, Cookie, Cart-Token, Drop-Places, Guest-Orders"


@dataclass
class Shop:
    pool: Pool
    provider: Provider
    cache: Cache | None
    limits: Limits = field(default_factory=Limits)


def encoded(answer: Any) -> bytes:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def etag_of(body: bytes) -> str:
    return f'"{sha256(body).hexdigest()[:32]}"'


class Handler(RequestHandler):
    limit = ""
    public = False
    account: Account | None = None

    def initialize(self, shop: Shop) -> None:
        self.shop = shop

    def set_default_headers(self) -> None:
        self.set_header("Content-Type", JSON_TYPE)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Request-Id", secrets.token_hex(8))

    async def prepare(self) -> None:
        if key := self.get_cookie(settings.SESSION_COOKIE_NAME):
            self.account = await account_of(self.shop.pool, key)
        if self.account and self.request.method != "GET":
            self.check_xsrf_cookie()
        name = self.limit or ("read" if self.request.method == "GET" else "write")
        who = f"user:{self.account.id}" if self.account else self.request.remote_ip or ""
        within, headers = self.shop.limits.count(name, who)
        for header, value in headers.items():
            self.set_header(header, value)
        if not within:
            raise Refused(429, "throttled", "That was too often.")
        self.set_header("Cache-Control", "public, no-cache" if self.public else "no-store")
        if not self.public:
            self.set_header("Vary", PRIVATE)

    @property
    def base_url(self) -> str:
        return f"{self.request.protocol}://{self.request.host}"

    def sent(self) -> dict[str, Any]:
        if len(self.request.body) > LARGEST_BODY:
            raise Refused(413, "body_too_large", "That is too much.")
        try:
            body = json.loads(self.request.body or b"{}")
        except ValueError:
            raise invalid("Not JSON.") from None
        if not isinstance(body, dict):
            raise invalid("Not an object.")
        return body

    async def answer_public(self, about: str, render: Callable[[], Awaitable[Any]]) -> None:
        """From the cache where there is one; `about` names what is rendered, this host's address is in it."""

        async def as_bytes() -> bytes:
            return encoded(await render())

        cache, key = self.shop.cache, f"{self.base_url} {about}"
        self.finish(await cache.get(key, as_bytes) if cache else await as_bytes())

    def compute_etag(self) -> str | None:
        return etag_of(b"".join(self._write_buffer))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        refused = error if isinstance(error, Refused) else _refusal(status_code)
        self.set_header("Content-Type", PROBLEM)
        problem = {
            "type": f"/api/v1/problems/#{refused.code}",
            "title": HTTPStatus(status_code).phrase,
            "status": status_code,
            "code": refused.code,
            "detail": refused.detail,
            "request_id": self._headers["X-Request-Id"],
        }
        details = {"details": refused.details} if refused.details else {}
        self.finish(encoded(problem | details))


class NotFoundHandler(Handler):
    async def prepare(self) -> None:
        raise not_found()


def _refusal(status: int) -> Refused:
    return Refused(status, "error", HTTPStatus(status).phrase)
