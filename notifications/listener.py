"""A conversation whose client says everything in one request, and then only listens."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest

from notifications import identity, protocol
from notifications.conversation import Conversation
from notifications.hub import current_hub
from notifications.protocol import Frame, Hello, Limits, Position
from notifications.query import Asked, Refusal, last_event_id
from notifications.streams import Reader

RETRY_MS = (1000, 3000)  # until a connection is back that broke without a bye


class OneWay(Conversation):
    """Nobody acknowledges here: whoever got a full window comes again instead."""

    credentials: tuple[str, str] | None = None  # of the request: they win over its cookie

    def _who(self, hello: Hello) -> asyncio.Future[Reader | None]:
        if self.credentials is None:
            return super()._who(hello)
        return self.hub.ask(identity.reader_by_credentials, *self.credentials)

    def stalled(self) -> None:
        self.end(protocol.Full)


class Listener:
    """The door of one request: it keeps what it is handed until that is heard.

    Its place among the user's connections is free when the request's task ends, however it ends.
    """

    def __init__(self, name: str, request: ASGIRequest, asked: Asked) -> None:
        self.name = name
        self._asked = asked
        self._positions = dict(asked)
        self._heard: asyncio.Queue[Frame] = asyncio.Queue()
        self._opening: list[Frame] = []
        self._size = 0
        self._limits = Limits(**getattr(settings, "NOTIFICATIONS_LIMITS", {}))
        session_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        self._conversation = OneWay(self, current_hub(), self._limits, session_key)
        self._scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        if credentials and identity.is_scheme(self._scheme):
            self._conversation.credentials = (self._scheme, credentials)
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(lambda _: self._conversation.gone())

    # What a conversation asks of a door

    def write(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            self._heard.put_nowait(frame)

    def close(self, code: int) -> None:
        """The bye before it says so already."""

    # What a view asks

    async def open(self) -> None:
        """Says hello and waits until each stream is answered, or the window is full before that.

        Raises Refusal where nobody is let in, or none of the streams may be read.
        """
        self._say("hello")
        for place, (stream, position) in enumerate(self._asked.items()):
            where = {} if position is None else {"e": position.epoch, "o": position.offset}
            self._say("sub", id=place, stream=stream, **where)
        answers: list[str] = []
        while len(answers) < len(self._asked) and not self._has_ended():
            self._opening.append(await self._next())
            said = self._opening[-1].fields
            if said["t"] in {"ok", "err"}:
                answers.append(said.get("code", "ok"))
            elif said["t"] == "bye" and not answers:
                raise _refusal(said, self._scheme)
        if set(answers) == {"not_found"}:
            raise Refusal(404, "not_found", "None of these streams is there for you.")

    async def until_news(self, seconds: float, gathering: float) -> list[Frame]:
        """What there is as soon as it tells the client anything, or after so many seconds."""
        frames = self._opening
        try:
            async with asyncio.timeout(seconds):
                while not any(map(self._is_news, frames)):
                    frames.append(await self._next())
            await asyncio.sleep(gathering)
        except TimeoutError:
            pass
        self._conversation.gone()
        while not self._heard.empty():
            frames.append(self._heard.get_nowait())
        return [frame for frame in frames if frame.fields["t"] in {"ok", "err", "ev", "bye"}]

    async def as_events(self) -> AsyncIterator[str]:
        """Everything as a text/event-stream, until the bye."""
        yield f"retry: {random.randint(*RETRY_MS)}\n\n"
        for frame in self._opening:
            yield self._as_event(frame)
        while not self._has_ended():
            yield self._as_event(await self._next())

    def _has_ended(self) -> bool:
        return self._conversation.over and self._heard.empty()

    async def _next(self) -> Frame:
        frame = await self._heard.get()
        self._size += len(frame)
        if frame.fields["t"] == "ping":
            self._answer_ping()
        return frame

    def _answer_ping(self) -> None:
        # A server may take all of this for a client that reads none of it: so this, too, counts as its window.
        if self._size > self._limits.window_bytes:
            self._conversation.end(protocol.Full)
        else:
            self._say("pong")

    def _say(self, kind: str, **fields: Any) -> None:
        self._conversation.hear(protocol.build(kind, **fields))

    def _is_news(self, frame: Frame) -> bool:
        said = frame.fields
        if said["t"] == "ok":
            return not said["recovered"] or self._asked[said["stream"]] is None
        return said["t"] in {"err", "ev", "bye"}

    def _as_event(self, frame: Frame) -> str:
        said, lines = frame.fields, [f"data: {frame}"]
        if said["t"] in {"ok", "ev"}:
            self._positions[said.get("s") or said["stream"]] = Position(said["e"], said["o"])
            lines.append(f"id: {last_event_id(self._positions)}")
        if said["t"] == "bye" and said["reconnect"]:
            lines.append(f"retry: {said['retry_ms']}")
        return "\n".join([*lines, "", ""])


def _refusal(bye: dict[str, Any], scheme: str) -> Refusal:
    if bye["reconnect"]:
        after = {"Retry-After": str(1 + bye["retry_ms"] // 1000)}
        return Refusal(503, "unavailable", bye["reason"], after)
    if bye["code"] == protocol.TooManySockets.code:
        return Refusal(429, "too_many_connections", bye["reason"])
    challenge = {"WWW-Authenticate": scheme.capitalize()}
    if scheme.lower() == "ticket":
        return Refusal(401, "bad_ticket", bye["reason"], challenge)
    return Refusal(401, "token_invalid", "This token opens nothing, or nothing any more.", challenge)
