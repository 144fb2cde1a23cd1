"""Waiting for another machine without keeping anything of ours from others.

Under ASGI each request that touches the database gets a thread, and the thread a connection; Django keeps both
until the request ends, also while an asynchronous view waits. With a pool of 16 connections, 16 buyers whose
bank is slow would stop the shop. So whoever waits gives both back first; what comes after gets new ones.

Everything that leaves the shop passes here: asynchronous code through `holding_nothing`, synchronous code, which
keeps its thread, through `refuse_to_wait_with_locks`. tests/project/test_outbound.py finds what does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from asgiref.sync import AsyncToSync, sync_to_async
from django.db import connections

from notifications.threads import give_thread_back


class WaitingInTransaction(RuntimeError):
    """Another machine was asked while a transaction, and so its locks, were open."""


async def holding_nothing[Answer](answer: Awaitable[Answer]) -> Answer:
    """Awaits `answer` with this request's connections closed (or back in the pool) and its thread ended.

    Raises WaitingInTransaction where a transaction is open.
    """
    if asyncio.get_running_loop() in AsyncToSync.loop_thread_executors:
        await sync_to_async(refuse_to_wait_with_locks)()  # of the synchronous caller
    await give_thread_back(_give_connections_back)
    return await answer


def refuse_to_wait_with_locks() -> None:
    """Raises WaitingInTransaction where this thread has a transaction open, other than that around a test."""
    for connection in connections.all(initialized_only=True):
        if any(not block._from_testcase for block in connection.atomic_blocks):  # type: ignore[attr-defined]
            raise WaitingInTransaction


def _give_connections_back() -> None:
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            raise WaitingInTransaction
        connection.close()
