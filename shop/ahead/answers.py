"""Django's answers: kept as they were sent, and sent again with what is each one's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from shop.ahead.asking import Asked
from shop.ahead.tokens import cookie_of, new_secret, token_of
from shop.rendered import NOTE, Kept, Key, Note, memory
from shop.request_ids import HEADER
from shop.wholes import ANSWER, Pairs, lines

Message = dict[str, Any]

LIMITED = "read"  # under which limit answers of the API are counted
EACH_ITS_OWN = (HEADER.lower().encode(), b"ratelimit-", b"set-cookie")
TOKEN = re.compile(rb'(?<=name="csrfmiddlewaretoken" value=")[a-zA-Z0-9]{64}(?=")')


@dataclass(frozen=True, slots=True)
class Answer:
    """`parts` lie around the tokens against forgery; the whole is one part where it has no form.

    `own` are the headers that are made anew for each; `head` is the lines of the others.
    """

    status: int
    headers: Pairs
    head: bytes
    own: frozenset[bytes]
    parts: list[bytes]
    route: str
    is_limited: bool

    def suits(self, asked: Asked, takes_json: Callable[[str], bool]) -> bool:
        """The API alone asks what the client takes, and has conditions."""
        return takes_json(asked.accept) if self.is_limited else not asked.etag


def fill(answer: Answer, asked: Asked, own: Mapping[str, str]) -> tuple[Pairs, bytes]:
    """The headers that are its own, and the body."""
    named = ((name.encode(), value.encode("latin1")) for name, value in own.items())
    headers = [pair for pair in named if pair[0] in answer.own]
    if len(answer.parts) == 1:
        return headers, answer.parts[0]
    secret = asked.secret or new_secret()
    headers.append((b"Set-Cookie", cookie_of(secret)))
    return headers, token_of(secret).join(answer.parts)


async def tell(answer: Answer, headers: Pairs, body: bytes, scope: dict[str, Any], send: Callable) -> None:
    if whole := scope.get("extensions", {}).get(ANSWER):
        whole(answer.status, answer.head + lines(headers), body)
        return
    all_headers = [*answer.headers, *headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": all_headers})
    await send({"type": "http.response.body", "body": body})


class Listener:
    """Hears what Django sends, and what the view tells of it in `note`."""

    def __init__(self, key: Key, scope: dict[str, Any], send: Callable) -> None:
        self.note = Note()
        self.scope = {**scope, NOTE: self.note}
        self._key, self._send = key, send
        if whole := scope.get("extensions", {}).get(ANSWER):
            self.scope["extensions"] = {**scope["extensions"], ANSWER: self._answer}
            self._whole = whole
        self._status = 0
        self._headers: Pairs = []
        self._chunks: list[bytes] = []

    def _answer(self, status: int, head: bytes, body: bytes) -> None:
        if self.note.kept or self.note.begun:
            pairs = (line.partition(b": ") for line in head.split(b"\r\n")[:-1])
            self._status, self._headers = status, [(name, value) for name, _, value in pairs]
            self._chunks.append(body)
        self._whole(status, head, body)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], message["headers"]
        elif self.note.begun:
            self._chunks.append(message.get("body", b""))
        await self._send(message)

    def keep(self) -> bool:
        """Once all was sent; whether something came of it."""
        if self.note.kept and self._status in (200, 304):
            body = self.note.kept.body if self._status == 200 else b""
            return self._put(self.note.kept, [body], is_limited=True)
        if self.note.begun and self._status == 200:
            body = b"".join(self._chunks)
            if kept := memory.keep(self._key, self.note.about, body, {}, "", self.note.begun):
                return self._put(kept, TOKEN.split(body), is_limited=False)
        return False

    def _put(self, kept: Kept, parts: list[bytes], *, is_limited: bool) -> bool:
        cookies = [value for name, value in self._headers if name.lower() == b"set-cookie"]
        expected = [] if len(parts) == 1 else [settings.CSRF_COOKIE_NAME]
        if [cookie.partition(b"=")[0].decode() for cookie in cookies] != expected:
            return False  # something personal is in it
        own = {name for name, _ in self._headers if name.lower().startswith(EACH_ITS_OWN)}
        headers = [pair for pair in self._headers if pair[0] not in own]
        kept.answers[self._status] = Answer(
            self._status, headers, lines(headers), frozenset(own), parts, self.note.route, is_limited
        )
        return True
