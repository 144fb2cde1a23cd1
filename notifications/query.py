"""What a request to door 3 asks for, and how it is refused."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote, unquote

from django.http import QueryDict

from notifications.protocol import STREAM_NAME, STREAMS_PER_SOCKET, Position

LONGEST_WAIT = 25.0
SECONDS = re.compile(r"[0-9]{1,2}(\.[0-9]{1,3})?", re.ASCII)
OFFSET = re.compile(r"[0-9]{1,15}", re.ASCII)
EPOCH_LENGTH = 16

# A stream without a position is followed from now on.
Asked = Mapping[str, Position | None]


class Refusal(Exception):
    """What is answered instead of events. Codes are stable, messages are not."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


def seconds_asked(query: QueryDict) -> float:
    given = query.getlist("wait")
    if not given:
        return LONGEST_WAIT
    if len(given) > 1 or not SECONDS.fullmatch(given[0]) or float(given[0]) > LONGEST_WAIT:
        raise Refusal(
            400, "bad_wait", f"wait is a number of seconds from 0 to {LONGEST_WAIT:.0f}, given once."
        )
    return float(given[0])


def streams_asked(query: QueryDict, last_event_id: str | None) -> Asked:
    """The streams with their positions. Last-Event-ID wins over the query: it says how far this client got since."""
    streams = query.getlist("stream")
    _check_names(streams)
    if last_event_id:
        epochs, offsets = _places(last_event_id)
    else:
        epochs, offsets = query.getlist("e"), query.getlist("o")
    if not epochs and not offsets:
        return dict.fromkeys(streams)
    if not len(epochs) == len(offsets) == len(streams):
        message = "Give e and o once for each stream, in the order of the streams, or leave both out."
        raise Refusal(400, "bad_position", message)
    return {
        stream: _position(stream, epoch, offset)
        for stream, epoch, offset in zip(streams, epochs, offsets, strict=True)
    }


def last_event_id(asked: Asked) -> str:
    """The positions of all streams, in the order of the query."""
    return ",".join(
        ":" if place is None else f"{quote(place.epoch)}:{place.offset}" for place in asked.values()
    )


def _places(last_event_id: str) -> tuple[list[str], list[str]]:
    pairs = [part.rpartition(":") for part in last_event_id.split(",")]
    return [unquote(epoch) for epoch, _, _ in pairs], [offset for _, _, offset in pairs]


def _check_names(streams: Sequence[str]) -> None:
    if not streams:
        raise Refusal(400, "no_stream", "Name a stream: ?stream=kind:key.")
    if len(streams) > STREAMS_PER_SOCKET:
        raise Refusal(400, "too_many_streams", f"At most {STREAMS_PER_SOCKET} streams at once.")
    for stream in streams:
        if not STREAM_NAME.fullmatch(stream) or len(stream) > 200:
            raise Refusal(400, "bad_stream", f"Not the name of a stream: {stream[:200]!r}.")
    if len(set(streams)) < len(streams):
        raise Refusal(400, "stream_twice", "Name each stream once.")


def _position(stream: str, epoch: str, offset: str) -> Position | None:
    if not epoch and not offset:
        return None
    if len(epoch) > EPOCH_LENGTH or not OFFSET.fullmatch(offset):
        raise Refusal(
            400, "bad_position", f"Not a position: e={epoch[:50]!r}, o={offset[:50]!r} of {stream}."
        )
    return Position(epoch, int(offset))
