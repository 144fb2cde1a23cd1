"""Who may read which stream. The project says so here, so that this app knows nothing of the project.

A stream is named `kind:key`. One rule answers for all streams of a kind; a kind nobody registered is closed.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import batched
from typing import Any, NamedTuple

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase


@dataclass(frozen=True, slots=True)
class Reader:
    """Whoever holds the other end: a user or an anonymous one, and the session if it came with a cookie."""

    user: AbstractBaseUser | AnonymousUser
    session: SessionBase | dict[str, Any]
    session_key: str = ""  # of the session that must stay for this reader to stay


Rule = Callable[[Reader, str], bool]
PublicRule = Callable[[Collection[str]], Collection[str]]
ASKED_AT_ONCE = 1000


class StreamKind(NamedTuple):
    may_read: Rule
    shared: bool = False
    readable: PublicRule | None = None


_kinds: dict[str, StreamKind] = {}


def register_stream(kind: str, may_read: Rule, *, shared: bool = False) -> None:
    """Let those read `kind:<key>` for whom may_read(reader, key) is true; it may ask the database.

    `shared` is for streams that unrelated transactions write to at once: none waits for another, because a
    relay gives the offsets after the commit.
    """
    _kinds[kind] = StreamKind(may_read, shared)


def register_public_stream(kind: str, readable: PublicRule, *, shared: bool = False) -> None:
    """Streams that everybody may read or nobody: `readable` says which of these keys, in one query.

    It is asked for one reader and believed for all, for two seconds; and again about whatever is open.
    """
    _kinds[kind] = StreamKind(lambda reader, key: key in readable([key]), shared, readable)


def may_read(reader: Reader, stream: str) -> bool:
    kind, key = _kind(stream), stream.partition(":")[2]
    return kind is not None and bool(key) and kind.may_read(reader, key)


def is_shared(stream: str) -> bool:
    kind = _kind(stream)
    return kind is not None and kind.shared


def is_public(stream: str) -> bool:
    kind = _kind(stream)
    return kind is not None and kind.readable is not None


def closed(streams: Iterable[str]) -> list[str]:
    """Which of these are public streams that nobody may read (any more)."""
    keys: dict[str, list[str]] = {}
    for stream in filter(is_public, streams):
        kind, _, key = stream.partition(":")
        keys.setdefault(kind, []).append(key)
    return [f"{kind}:{key}" for kind, all_keys in keys.items() for key in _closed(_kinds[kind], all_keys)]


def _closed(kind: StreamKind, keys: list[str]) -> set[str]:
    assert kind.readable is not None
    return set(keys).difference(*(kind.readable(some) for some in batched(keys, ASKED_AT_ONCE)))


def _kind(stream: str) -> StreamKind | None:
    return _kinds.get(stream.partition(":")[0])
