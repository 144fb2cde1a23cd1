"""Waiting for another machine without keeping anything of ours from others.

Under ASGI each request that touches the database gets a thread, and the thread a connection; Django keeps both
until the request ends, also while an asynchronous view waits. With a pool of 16 connections, 16 buyers whose
bank is slow would stop the shop. So whoever waits gives both back first; what comes after gets new ones.
"""

from __future__ import annotations

from collections.abc import Awaitable

from asgiref.sync import SyncToAsync, sync_to_async
from django.db import connections


class WaitingInTransaction(RuntimeError):
    """Another machine was asked while a transaction, and so its locks, were open."""


async def holding_nothing[Answer](answer: Awaitable[Answer]) -> Answer:
    """Awaits `answer` with this request's connections closed (or back in the pool) and its thread ended.

    Raises WaitingInTransaction where a transaction is open.
    """
    context = SyncToAsync.thread_sensitive_context.get(None)
    executor = SyncToAsync.context_to_thread_executor.get(context) if context else None
    if context and executor:
        await sync_to_async(_give_connections_back)()
        SyncToAsync.context_to_thread_executor.pop(context, None)
        executor.shutdown(wait=False)  # type: ignore[attr-defined]
    return await answer


def _give_connections_back() -> None:
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            raise WaitingInTransaction
        connection.close()
