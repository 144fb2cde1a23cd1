"""Requests to an ASGI application, and what it told, compared but for what is each answer's own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, NamedTuple

TOKEN = re.compile(rb'(name="csrfmiddlewaretoken" value=")[a-zA-Z0-9]{64}')
NAME = re.compile(rb'("request_id": ?")[0-9a-f]{16}(?=")')
COOKIE = re.compile(rb"^((?:csrftoken|sessionid|messages)=)[^;]+|(expires=)[^;]+")
OWN = {
    b"x-request-id": rb"[0-9a-f]{16}",
    b"ratelimit-remaining": rb"\d+",
    b"ratelimit-reset": rb"\d+",
    b"expires": rb".* GMT",
}
COMMON = [(b"host", b"localhost"), (b"accept", b"*/*"), (b"user-agent", b"curl/8"), (b"connection", b"close")]


class Told(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> bytes:
        return next((value for key, value in self.headers if key.lower() == name), b"")

    def without_its_own(self) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Names, tokens and what is left of a limit: that they are there, and of which form."""
        headers = []
        for name, value in self.headers:
            name = name.lower()
            if name in OWN:
                assert re.fullmatch(OWN[name], value), (name, value)
                value = b"its own"
            if name == b"set-cookie":
                value = COOKIE.sub(rb"\1\2its own", value)
            headers.append((name, value))
        return self.status, sorted(headers), NAME.sub(rb"\1its own", TOKEN.sub(rb"\1its own", self.body))


def request(path: str, headers: list[tuple[bytes, bytes]] = COMMON, **more: Any) -> dict[str, Any]:
    path, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": headers,
        "client": ["127.0.0.1", 50000],
        "server": ["127.0.0.1", 8000],
        **more,
    }


async def ask(application: Callable, scope: dict[str, Any], body: bytes = b"") -> Told:
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    told = Told(0, [], b"")

    async def hear() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def say(message: dict[str, Any]) -> None:
        nonlocal told
        if message["type"] == "http.response.start":
            told = told._replace(status=message["status"], headers=message["headers"])
        else:
            told = told._replace(body=told.body + message.get("body", b""))

    async with asyncio.timeout(30):
        await application(scope, hear, say)
    return told


def plus(*headers: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    return [*COMMON, *headers]
