"""The pool. asyncpg, which has no stubs, prepares each statement once per connection and keeps it."""

from __future__ import annotations

import os
from typing import Any

from asyncpg import Connection, Pool, Record, UniqueViolationError, create_pool  # type: ignore[import-untyped]

__all__ = ["Connection", "Pool", "Record", "UniqueViolationError", "open_pool"]

POOL = 16  # as many as the shop's own processes have


async def open_pool() -> Any:
    url = os.environ["DATABASE_URL"]
    return await create_pool(
        url, min_size=2, max_size=POOL, command_timeout=20, server_settings={"timezone": "UTC"}
    )
