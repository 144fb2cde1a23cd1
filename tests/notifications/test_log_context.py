"""What goes wrong in a connection is logged with its name and its stream's, and without what opens the stream."""

import logging
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

from notifications import streams
from notifications.log_context import log_context
from tests.notifications.client import Client
from tests.waiting import eventually


class Lines(logging.Handler):
    """Each line with what it is about, as a formatter finds it."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[tuple[str, dict[str, str]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append((record.getMessage(), dict(log_context())))


@pytest.fixture
def lines() -> Iterator[Lines]:
    lines, logger = Lines(), logging.getLogger("notifications")
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    yield lines
    logger.setLevel(logging.NOTSET)
    logger.removeHandler(lines)


def break_down(*_: object) -> NoReturn:
    raise OSError("no such disk")


def test_a_stream_that_cannot_be_opened_is_named_but_not_given_away(
    connect: Callable[..., Client], lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(streams._kinds, "vault", streams.StreamKind(break_down, shared=False))
    first, second = connect(), connect()
    names = [client.hello()["conn"] for client in (first, second)]
    assert first.sub("vault:a-key-that-opens-it")["code"] == "unavailable"
    second.say_raw("nonsense")
    assert second.ended()[1] == 4506
    eventually(lambda: len(lines.kept) == 2)
    assert lines.kept == [
        ("vault:a-key-th… could not be opened", {"connection": names[0], "stream": "vault:a-key-th…"}),
        ("ended: 4506, not a frame of this protocol", {"connection": names[1]}),
    ]
