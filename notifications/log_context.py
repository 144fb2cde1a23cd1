"""What a log line is about: which request, connection, stream or order. Whoever formats the lines adds it.

It follows tasks and threads as context variables do.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

SHOWN = 8  # characters of a stream's key: enough to find it, too few to open it where the key is a secret

_context: ContextVar[Mapping[str, str]] = ContextVar("log_context", default=MappingProxyType({}))


def log_context() -> Mapping[str, str]:
    return _context.get()


def begin(**fields: str) -> None:
    """Something else from here on: nothing that was bound before holds any longer."""
    _context.set(fields)


def bind(**fields: str) -> None:
    """Until the surrounding `about` or task ends."""
    _context.set({**_context.get(), **fields})


@contextmanager
def about(**fields: str) -> Iterator[None]:
    token = _context.set({**_context.get(), **fields})
    try:
        yield
    finally:
        _context.reset(token)


def shown(stream: str) -> str:
    """The name of a stream as a log may have it."""
    kind, _, key = stream.partition(":")
    return f"{kind}:{key[:SHOWN]}{'…' if len(key) > SHOWN else ''}"
