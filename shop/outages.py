"""When the database is away, full, overloaded or locked: nothing of ours is wrong, and trying again will help.

Such a request is answered 503 with Retry-After, in the words of who asked: a page, a line for htmx, JSON. Whatever it
was about was rolled back. The payment provider takes a 503 for a message not delivered, and sends it again.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping

from django.db import InterfaceError, OperationalError

RETRY_AFTER = 10  # seconds
HEADERS: Mapping[str, str] = {"Retry-After": str(RETRY_AFTER), "Cache-Control": "no-store"}
CODE = "unavailable"
MESSAGE = "We cannot write anything down at the moment. Please try again in a moment; nothing happens twice."

# Of PostgreSQL each OperationalError is one. SQLite also says so of a statement that makes no sense.
SQLITE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
# PostgreSQL's deadlock_detected and serialization_failure.
OURS = {"40P01", "40001"}
PRIMARY = 0xFF  # the part of SQLite's code that names the kind


def is_outage(error: BaseException | None) -> bool:
    """Or what came of one, as Django's word that a session it could not write is gone."""
    while error and not isinstance(error, OperationalError | InterfaceError):
        error = error.__cause__ or error.__context__
    if not isinstance(error, OperationalError):
        return error is not None  # the connection was closed under us, within a transaction
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return code is None or code & PRIMARY in SQLITE


def is_our_order_of_locks(error: BaseException | None) -> bool:
    """A deadlock, or transactions that cannot follow one another: trying again helps, and it is a fault of ours."""
    while error:
        if getattr(error, "sqlstate", None) in OURS:
            return True
        error = error.__cause__ or error.__context__
    return False


class InOneLine(logging.Filter):
    """Of requests that met an outage: what it was, without the way there, which is the same for all of them."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if is_outage(error) and not is_our_order_of_locks(error):
            record.exc_info = None
            record.msg, record.args = "%s (%s)", (record.getMessage(), str(error).partition("\n")[0])
        return True
