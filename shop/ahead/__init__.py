"""Public reads of guests, answered from memory ahead of Django: no thread, no request object, no middleware.

Nothing here says what an answer looks like. Django gives it once, whole, through every middleware; its status and
headers are kept beside the bytes (shop/rendered.py), and go when those go. Only what differs from one answer to the
next is made anew: the name of the request, what is left of the limit, the token against forgery.

The promise stays (shop/rendered.py): each read looks at the log of changes first. Reads that come together share the
look, and the counting of their limits, which are done in one thread (looks.py).

Whatever is unusual is Django's (asking.py): other methods, conditions other than one `If-None-Match`, cookies other
than that against forgery, hosts and addresses that have not been answered yet, who asks too often. AHEAD_OF_DJANGO=off
leaves everything to it. Given up: `request_started` and `request_finished` are not sent, for there is no request.

tests/project/test_ahead.py sends the same requests through both ways and compares, and holds what asking.py reads of
a request against what Django, its middlewares and the views read of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from django.db import connection

from notifications.log_context import begin
from shop.ahead.answers import LIMITED, Answer, Listener, fill, tell
from shop.ahead.asking import Asked, Asking, Scope
from shop.ahead.looks import Looks
from shop.api.serving import takes_json
from shop.api.throttling import Headers, count_all
from shop.rendered import Key, memory
from shop.request_ids import HEADER, is_logged, log, name_of

KNOWN = 10_000
RENDERED_WITHIN = 5.0
TURNS = 3  # what the API rendered is learned with its second answer

logger = logging.getLogger(__name__)


class Found(NamedTuple):
    answer: Answer
    limits: Headers


class Ahead:
    """In front of `application`, which is Django."""

    def __init__(self, application: Callable[..., Any]) -> None:
        self.hits = 0
        self._application = application
        self._asking = Asking()
        self._looks: Looks[Asked, Found | None] = Looks(look, give_back)
        self._known: set[Key] = set()  # what was kept before, and so is likely to be again
        self._rendering: dict[Key, asyncio.Future[None]] = {}

    async def __call__(self, scope: Scope, receive: Callable, send: Callable) -> None:
        asked = self._asking.read(scope)
        if asked is None:
            await self._application(scope, receive, send)
            return
        began = time.perf_counter()
        found = await self._found(asked)
        if found is None:
            await self._listen(asked, scope, receive, send)
            return
        self.hits += 1
        begin(request=(name := name_of(asked.name)))
        headers, body = fill(found.answer, asked, {HEADER: name, **found.limits})
        await tell(found.answer, headers, body, scope, send)
        if is_logged():
            log("GET", found.answer.route, found.answer.status, began)

    async def _found(self, asked: Asked) -> Found | None:
        """When a change has dropped what many read, one of them has it rendered; those who wait for it look again."""
        for _ in range(TURNS):
            if may_be_kept(asked):
                if found := await self._looked(asked):
                    return found
                if may_be_kept(asked):  # but not for whom, or so often
                    return None
            rendered = self._rendering.get(asked.key)
            if rendered is None:
                return None
            await asyncio.wait([rendered], timeout=RENDERED_WITHIN)
        return None

    async def _looked(self, asked: Asked) -> Found | None:
        try:
            return await self._looks.ask(asked)
        except Exception:
            logger.exception("this read is left to Django")
            return None

    async def _listen(self, asked: Asked, scope: Scope, receive: Callable, send: Callable) -> None:
        listener = Listener(asked.key, scope, send)
        done = None
        if asked.key in self._known:
            done = self._rendering.setdefault(asked.key, asyncio.get_running_loop().create_future())
        try:
            await self._application(listener.scope, receive, listener.send)
            if listener.keep():
                self._remember(asked.key)
        finally:
            if done and not done.done():
                done.set_result(None)
                del self._rendering[asked.key]

    def _remember(self, key: Key) -> None:
        if len(self._known) >= KNOWN:
            self._known.clear()
        self._known.add(key)

    def close(self) -> None:
        """For tests: the connection of the thread that looks would outlive their database."""
        self._looks.close()


def give_back() -> None:
    """In the thread that looks: nobody asks, and others may want its connection."""
    connection.close()


def may_be_kept(asked: Asked) -> bool:
    kept = memory.glance(asked.key)
    return kept is not None and bool(kept.answers)


def look(questions: Sequence[Asked]) -> list[Found | None]:
    """In the thread that looks."""
    if not memory.look():
        connection.close()  # the next look has a new one
        return [None] * len(questions)
    found = [_answer_to(asked) for asked in questions]
    limited = [one is not None and one.is_limited for one in found]
    counts = Counter(
        asked.address for asked, is_limited in zip(questions, limited, strict=True) if is_limited
    )
    limits = {who: iter(told) for who, told in count_all(LIMITED, counts).items()} if counts else {}
    return [
        None if one is None else _within(one, next(limits[asked.address]) if is_limited else {})
        for asked, one, is_limited in zip(questions, found, limited, strict=True)
    ]


def _answer_to(asked: Asked) -> Answer | None:
    kept = memory.find(asked.key)
    if kept is None:
        return None
    status = 304 if kept.etag and asked.etag == kept.etag else 200
    answer = kept.answers.get(status)
    return answer if answer and answer.suits(asked, takes_json) else None


def _within(answer: Answer, limits: Headers | None) -> Found | None:
    return None if limits is None else Found(answer, limits)  # beyond it Django says how it is refused
