"""Somebody at door 3: asks over plain HTTP, and keeps what a browser's EventSource keeps."""

import asyncio
import json
from typing import Any, Self

import aiohttp

SECONDS = 5.0


class Answer:
    def __init__(self, status: int, headers: Any, text: str) -> None:
        self.status, self.headers, self.text = status, headers, text

    @property
    def json(self) -> Any:
        assert self.headers["Content-Type"] in ("application/json", "application/problem+json")
        assert self.headers["Cache-Control"] == "no-store"
        return json.loads(self.text)

    @property
    def frames(self) -> list[dict[str, Any]]:
        assert self.status == 200, self.text
        return self.json["frames"]

    @property
    def kinds(self) -> list[str]:
        return [frame["t"] for frame in self.frames]

    @property
    def offsets(self) -> list[int]:
        return [frame["o"] for frame in self.frames if frame["t"] == "ev"]

    @property
    def error(self) -> tuple[int, str]:
        assert self.json["detail"]
        assert self.json["type"] == f"/api/v1/problems/#{self.json['code']}"
        return self.status, self.json["code"]


class EventSource:
    """As in a browser: it keeps the last id, and comes again with it."""

    def __init__(self, visitor: "Visitor", params: list[tuple[str, str]], headers: dict[str, str]) -> None:
        self._visitor, self._params, self._headers = visitor, params, headers
        self.last_id, self.retry_ms = "", 0
        self.open()

    def open(self) -> Self:
        headers = self._headers | ({"Last-Event-ID": self.last_id} if self.last_id else {})
        self.answer = self._visitor.open("stream/", self._params, headers)
        assert self.answer.status == 200
        assert self.answer.headers["Content-Type"] == "text/event-stream"
        assert self.answer.headers["X-Accel-Buffering"] == "no"
        assert self.answer.headers["Cache-Control"] == "no-store"
        return self

    def hear(self, seconds: float = SECONDS) -> dict[str, Any]:
        """The next frame; the end of the answer reads as {"t": "end"}."""
        data = None
        while line := self._visitor.run(asyncio.wait_for(self.answer.content.readline(), seconds)).decode():
            field, _, value = line.rstrip("\n").partition(": ")
            if field == "data":
                data = json.loads(value)
            elif field == "id":
                self.last_id = value
            elif field == "retry":
                self.retry_ms = int(value)
            elif not line.rstrip("\n") and data:
                return data
        return {"t": "end"}

    def opened(self) -> list[dict[str, Any]]:
        """What comes before the first event: the answers to the streams."""
        assert self.hear()["t"] == "welcome"
        return [self.hear() for name, _ in self._params if name == "stream"]

    def offsets(self, count: int) -> list[int]:
        frames = [self.hear() for _ in range(count)]
        assert {frame["t"] for frame in frames} == {"ev"}, frames
        return [frame["o"] for frame in frames]

    def close(self) -> None:
        self.answer.close()
        self._visitor.run(asyncio.sleep(0))


class Visitor:
    def __init__(self, runner: asyncio.Runner, port: int) -> None:
        self.run = runner.run
        self._url = f"http://127.0.0.1:{port}/api/v1/events/"
        self._http: aiohttp.ClientSession = self.run(self._session())

    async def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    def open(self, path: str, params: Any, headers: dict[str, str], method: str = "GET") -> Any:
        return self.run(self._http.request(method, self._url + path, params=params, headers=headers))

    async def ask(self, path: str, params: Any, headers: dict[str, str], method: str = "GET") -> Answer:
        async with self._http.request(method, self._url + path, params=params, headers=headers) as answer:
            return Answer(answer.status, answer.headers, await answer.text())

    def poll(self, *streams: Any, wait: float | str = SECONDS, **headers: str) -> Answer:
        """Each stream by its name, or with a position: (name, epoch, offset)."""
        return self.run(self.polling(*streams, wait=wait, **headers))

    def polling(self, *streams: Any, wait: float | str = SECONDS, **headers: str) -> Any:
        return self.ask("", [*query(*streams), ("wait", str(wait))], headers)

    def stream(self, *streams: Any, **headers: str) -> EventSource:
        return EventSource(self, query(*streams), headers)

    def close(self) -> None:
        self.run(self._http.close())


def query(*streams: Any) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for stream in streams:
        name, *place = (stream,) if isinstance(stream, str) else stream
        pairs += [("stream", name), *zip(("e", "o"), map(str, place), strict=False)]
    return pairs
