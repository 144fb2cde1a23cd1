"""Whatever any test does: no socket of Python's is opened by a thread that has a transaction open.

PostgreSQL's own connections are made in C and are not seen here; the cache and the channel layer are ours.
"""

import sys
import threading
from typing import Any

from django.db.transaction import Atomic

# Counted here: within an event loop Django hides the connections of the thread that runs it.
_open = threading.local()


class ConnectedInTransaction(AssertionError):
    """Another machine was asked while a transaction, and so its locks, were open."""


def watch() -> None:
    """For the rest of the process: an audit hook cannot be taken away."""
    enter, leave = Atomic.__enter__, Atomic.__exit__
    if hasattr(enter, "counts"):
        return

    def entering(block: Atomic) -> None:
        enter(block)
        _open.blocks = getattr(_open, "blocks", 0) + (not block._from_testcase)

    def leaving(block: Atomic, *fault: Any) -> None:
        _open.blocks -= not block._from_testcase
        leave(block, *fault)

    entering.counts = True  # type: ignore[attr-defined]
    Atomic.__enter__, Atomic.__exit__ = entering, leaving  # type: ignore[method-assign]
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    # An address that is a path belongs to Valkey, which a test starts on a socket file.
    if event == "socket.connect" and isinstance(arguments[1], tuple) and getattr(_open, "blocks", 0):
        raise ConnectedInTransaction(arguments[1])
