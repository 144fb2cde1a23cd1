"""Who may read which stream. The project says so here, so that this app knows nothing of the project.

A stream is named `kind:key`. One rule answers for all streams of a kind; a kind nobody registered is closed.
"""

from collections.abc import Callable
from dataclasses import dataclass
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


class StreamKind(NamedTuple):
    may_read: Rule
    shared: bool = False
    public: bool = False


_kinds: dict[str, StreamKind] = {}


def register_stream(kind: str, may_read: Rule, *, shared: bool = False, public: bool = False) -> None:
    """Let those read `kind:<key>` for whom may_read(reader, key) is true; it may ask the database.

    `shared` is for streams that unrelated transactions write to at once: none waits for another, because a
    relay gives the offsets after the commit.

    `public` is for streams that everybody may read or nobody: the rule is asked for one reader and believed for all,
    for two seconds.
    """
    _kinds[kind] = StreamKind(may_read, shared, public)


def may_read(reader: Reader, stream: str) -> bool:
    kind, key = _kind(stream), stream.partition(":")[2]
    return kind is not None and bool(key) and kind.may_read(reader, key)


def is_shared(stream: str) -> bool:
    kind = _kind(stream)
    return kind is not None and kind.shared


def is_public(stream: str) -> bool:
    kind = _kind(stream)
    return kind is not None and kind.public


def _kind(stream: str) -> StreamKind | None:
    return _kinds.get(stream.partition(":")[0])
