"""The pool. asyncpg prepares each statement once per connection and keeps it."""

from __future__ import annotations

import os

import asyncpg

POOL = 16  # as many as the shop's own processes have


async def open_pool() -> asyncpg.Pool:
    url = os.environ["DATABASE_URL"]
    return await asyncpg.create_pool(
        url, min_size=2, max_size=POOL, command_timeout=20, server_settings={"timezone": "UTC"}
    )
