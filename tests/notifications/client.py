"""A client that speaks the protocol frame by frame, for tests that run without an event loop of their own."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Self

import aiohttp

from notifications.protocol import SUBPROTOCOL

SECONDS = 5.0


class Client:
    def __init__(self, runner: asyncio.Runner, url: str, **options: Any) -> None:
        self._run = runner.run
        self._run(self._open(url, options))

    async def _open(self, url: str, options: dict[str, Any]) -> None:
        options.setdefault("protocols", [SUBPROTOCOL])
        self._http = aiohttp.ClientSession()
        try:
            self._ws = await self._http.ws_connect(url, **options)
        except aiohttp.WSServerHandshakeError:
            await self._http.close()
            raise

    def say(self, kind: str, **fields: Any) -> Self:
        self.say_raw(json.dumps({"t": kind, **fields}))
        return self

    def say_raw(self, text: str | bytes) -> None:
        self._run(self._ws.send_bytes(text) if isinstance(text, bytes) else self._ws.send_str(text))

    def hear(self, seconds: float = SECONDS) -> dict[str, Any]:
        """The next frame; a close reads as {"t": "closed", "code": ...}."""
        text = self.hear_text(seconds)
        return {"t": "closed", "code": self._closed_with} if text is None else json.loads(text)

    def hear_text(self, seconds: float = SECONDS) -> str | None:
        """The next frame as it came; None for a close."""
        message = self._run(asyncio.wait_for(self._ws.receive(), seconds))
        # What the server said. aiohttp's close_code becomes 1006 when the server did not wait for our answer to it.
        self._closed_with = message.data if message.type is aiohttp.WSMsgType.CLOSE else self._ws.close_code
        return message.data if message.type is aiohttp.WSMsgType.TEXT else None

    def hear_nothing(self, seconds: float) -> None:
        try:
            frame = self.hear(seconds)
        except TimeoutError:
            return
        raise AssertionError(frame)

    def hello(self, **fields: Any) -> dict[str, Any]:
        return self.say("hello", **fields).hear()

    def sub(self, stream: str, **fields: Any) -> dict[str, Any]:
        return self.say("sub", id=1, stream=stream, **fields).hear()

    def offsets(self, count: int, *, ack_every: int = 64, seconds: float = SECONDS) -> list[int]:
        """The offsets of the next events, in the order they came."""
        heard: list[int] = []
        while len(heard) < count:
            frame = self.hear(seconds)
            assert frame["t"] == "ev", frame
            heard.append(frame["o"])
            if len(heard) % ack_every == 0:
                self.say("ack", s=frame["s"], o=frame["o"])
        return heard

    def ended(self) -> tuple[dict[str, Any], int]:
        """The bye and the code of the close after it; what came before is skipped."""
        while (frame := self.hear())["t"] != "bye":
            assert frame["t"] != "closed", frame
        closed = self.hear()
        return frame, closed["code"]

    def close(self) -> None:
        self._run(self._ws.close())
        self._run(self._http.close())


def subscribed(connect: Callable[..., Client], stream: str, **options: Any) -> Client:
    client = connect(**options)
    client.hello()
    client.sub(stream)
    return client
