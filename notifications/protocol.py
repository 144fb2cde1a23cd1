"""The wire `shop-notify.v1`: frames, limits, and what ends a connection.

No I/O, so that every door can speak it.
"""

import json
import random
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder

SUBPROTOCOL = "shop-notify.v1"
FRAME_BYTES = 16 * 1024
MESSAGE_BYTES = 4 * FRAME_BYTES  # what a door takes in at all: in between the client hears why it ends
UNREAD_BYTES = 1024 * 1024  # four windows: who asks and acknowledges without reading is cut off here
STREAMS_PER_SOCKET = 32
SOCKETS_PER_USER = 10
FRAMES_PER_SECOND = 20
FRAMES_BURST = 40
REPLAY_BATCH = 500
STREAM_NAME = re.compile(r"[a-z][a-z0-9_-]*:[\w.~@-]{1,140}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits a deployment (or a test) may tighten, in seconds, events and bytes."""

    hello: float = 5
    ping: float = 25
    pong: float = 8
    window: int = 128
    window_bytes: int = 256 * 1024
    stall: float = 30
    age: float = 12 * 3600


class Bye(Exception):
    """Ends a connection; the client is told why before the close."""

    code: ClassVar[int]
    reason: ClassVar[str]
    reconnect: ClassVar[bool] = True
    # Of the WebSocket close that follows, where RFC 6455 has a code of its own for it.
    close_code: ClassVar[int | None] = None
    # Spread over seconds: what ends one connection often ends thousands in the same moment.
    retry_ms: ClassVar[tuple[int, int]] = (200, 3000)


class Drain(Bye):
    code, reason, close_code = 4001, "this server is leaving; another one answers", 1012


class Resync(Bye):
    code, reason = 4002, "the log moved on without you: subscribe again"


class Unavailable(Bye):
    code, reason, retry_ms = 4003, "cannot tell who you are just now: come again", (1000, 5000)


class Slow(Bye):
    code, reason = 4008, "nothing acknowledged for too long"


class Full(Bye):
    """Only where a client cannot acknowledge in any other way."""

    code, reason, retry_ms = 4009, "a full window: coming again acknowledges it", (0, 100)


class NoPong(Bye):
    code, reason = 4012, "no pong"


class TooFast(Bye):
    code, reason = 4013, "too many frames"


class Expired(Bye):
    code, reason = 4020, "open for long enough: come again with fresh credentials"


class Unauthenticated(Bye):
    code, reason, reconnect = 4501, "this ticket opens nothing", False


class NoHello(Bye):
    code, reason, reconnect = 4502, "no hello", False


class Revoked(Bye):
    code, reason, reconnect = 4503, "signed out, or no longer admitted", False


class TooManySockets(Bye):
    code, reason, reconnect = 4504, "too many sockets of one user", False


class BadFrame(Bye):
    code, reason, reconnect = 4506, "not a frame of this protocol", False


class WrongVersion(Bye):
    code, reason, reconnect = 4508, f"only {SUBPROTOCOL} is spoken here", False


class FrameTooLarge(ValueError):
    """An event that no client could be sent."""


class Position(NamedTuple):
    """A place in a log. The empty epoch at 0 is the start of a log that had no event when it was read."""

    epoch: str = ""
    offset: int = 0


class Frame(str):
    """A frame in ASCII, so that its length is its size; one that goes to many sockets is encoded once."""

    @cached_property
    def fields(self) -> dict[str, Any]:
        """What it says, read once for all who ask."""
        fields: dict[str, Any] = json.loads(self)
        return fields

    @cached_property
    def wire(self) -> bytes:
        """It as one unmasked WebSocket text frame (RFC 6455, section 5.2)."""
        size = len(self)
        if size < 126:
            head = struct.pack("!BB", 0x81, size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 0x81, 126, size)
        else:
            head = struct.pack("!BBQ", 0x81, 127, size)
        return head + self.encode("ascii")


class Entry(NamedTuple):
    """One line of a log with its frame ready to be sent. At offset 0 it only says that a relay is wanted.

    `at` is the event's own time in seconds since 1970.
    """

    stream: str
    epoch: str = ""
    offset: int = 0
    frame: Frame = Frame()
    at: float = 0.0

    @classmethod
    def from_layer(cls, stream: str, epoch: str, offset: int, frame: str, at: float = 0.0) -> "Entry":
        return cls(stream, epoch, offset, Frame(frame), at)


@dataclass(frozen=True, slots=True)
class Hello:
    ticket: str = ""
    resume: Mapping[str, Position] = field(default_factory=dict)
    window: int | None = None


@dataclass(frozen=True, slots=True)
class Sub:
    id: str | int | None
    stream: str
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Unsub:
    stream: str


@dataclass(frozen=True, slots=True)
class Ack:
    stream: str
    offset: int


@dataclass(frozen=True, slots=True)
class Pong:
    pass


Said = Hello | Sub | Unsub | Ack | Pong


def parse(text: str | None) -> Said:
    """What the client says, or BadFrame. Unknown keys are left alone, so that a later client may say more."""
    if text is None or len(text) > FRAME_BYTES or len(text.encode(errors="replace")) > FRAME_BYTES:
        raise BadFrame
    try:
        raw = json.loads(text)
        return _READERS[raw["t"]](raw)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadFrame from error


def _hello(raw: dict[str, Any]) -> Hello:
    resume = {_stream(name): _position(place) for name, place in raw.get("resume", {}).items()}
    window = raw.get("window")
    return Hello(_text(raw.get("ticket", "")), resume, None if window is None else max(1, _whole(window)))


def _sub(raw: dict[str, Any]) -> Sub:
    position = _position(raw) if "o" in raw else None
    return Sub(_id(raw["id"]), _stream(raw["stream"]), position)


def _stream(name: object) -> str:
    if not STREAM_NAME.fullmatch(_text(name)):
        raise ValueError(name)
    return str(name)


def _position(raw: Mapping[str, Any]) -> Position:
    return Position(_text(raw.get("e", "")), _whole(raw["o"]))


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise ValueError(value)
    return value


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError(value)
    return value


def _id(value: object) -> str | int:
    return _text(value) if isinstance(value, str) else _whole(value)


_READERS: dict[str, Callable[[dict[str, Any]], Said]] = {
    "hello": _hello,
    "sub": _sub,
    "unsub": lambda raw: Unsub(_stream(raw["stream"])),
    "ack": lambda raw: Ack(_stream(raw["s"]), _whole(raw["o"])),
    "pong": lambda raw: Pong(),
}


def build(kind: str, /, **fields: Any) -> Frame:
    # Sorted, because PostgreSQL keeps no order of keys: an event has the same bytes live and from the log.
    text = json.dumps({"t": kind, **fields}, cls=DjangoJSONEncoder, separators=(",", ":"), sort_keys=True)
    return Frame(text)


def event(stream: str, epoch: str, offset: int, uid: UUID, kind: str, at: datetime, data: Any) -> Frame:
    ts = int(at.timestamp() * 1000)
    frame = build("ev", s=stream, e=epoch, o=offset, id=uid, k=kind, ts=ts, d=data)
    if len(frame) > FRAME_BYTES:
        raise FrameTooLarge(f"{kind} on {stream} takes {len(frame)} bytes, at most {FRAME_BYTES} fit a frame")
    return frame


def bye(end: type[Bye]) -> Frame:
    retry_ms = random.randint(*end.retry_ms) if end.reconnect else 0
    return build("bye", code=end.code, reconnect=end.reconnect, retry_ms=retry_ms, reason=end.reason)
