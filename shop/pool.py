"""The pool of connections after the database was away."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from psycopg_pool import ConnectionPool, PoolTimeout

# Each try waits twice as long as the one before it; after so many seconds the pool gives up, and begins anew.
GIVES_UP_AFTER = 3.0


def begin_anew(pool: ConnectionPool[Any]) -> None:
    """Called when it gave up. It would try again only for the next who asks, not for those who wait already."""
    with suppress(PoolTimeout):
        pool.putconn(pool.getconn(timeout=0.01))
