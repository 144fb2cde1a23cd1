"""Django's SQLite with one thing added: within a process, who comes first to write begins first.

SQLite lets whoever asks in the right instant go ahead of those who wait, who ask less and less often. With hundreds
at once somebody waits out the whole timeout while newcomers pass, and is told that the database is locked.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError
from django.db.backends.sqlite3 import base


class Line:
    """Whose turn it is to ask SQLite for its lock. It is left before the transaction ends, so nobody can keep it."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: deque[threading.Event] = deque()

    @contextmanager
    def turn(self, within: float) -> Iterator[None]:
        """Raises OperationalError where it does not come within so many seconds."""
        mine = threading.Event()
        with self._mutex:
            self._waiting.append(mine)
            self._waiting[0].set()
        try:
            if not mine.wait(within):
                raise OperationalError("database is locked")
            yield
        finally:
            with self._mutex:
                self._waiting.remove(mine)
                if self._waiting:
                    self._waiting[0].set()


line = Line()


class DatabaseWrapper(base.DatabaseWrapper):
    def _start_transaction_under_autocommit(self) -> None:
        with line.turn(self.settings_dict["OPTIONS"].get("timeout", 20)):
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # unknown to its stubs
