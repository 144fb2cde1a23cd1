"""Giving a request's thread back before a long wait.

Under ASGI each request that touches the database gets a thread, and the thread a connection; Django keeps both until
the request ends, also while an asynchronous view waits: for seconds at a bank, for hours on an event stream.
"""

from __future__ import annotations

from collections.abc import Callable

from asgiref.sync import AsyncToSync, SyncToAsync, sync_to_async
from django.db import connections


async def give_thread_back(close: Callable[[], None] = connections.close_all) -> None:
    """Calls `close` in this request's thread, for its connections, and ends it. What comes after gets a new one.

    A synchronous view that waits keeps its thread: the request ends there, and closes what it opened since.
    """
    context = SyncToAsync.thread_sensitive_context.get(None)
    executor = SyncToAsync.context_to_thread_executor.get(context) if context else None
    # One that was asked for nothing has no thread.
    if context and executor and getattr(executor, "is_used", True):
        await sync_to_async(close)()
        if getattr(AsyncToSync.executors, "current", None) is not None:
            return
        SyncToAsync.context_to_thread_executor.pop(context, None)
        executor.shutdown(wait=False)  # type: ignore[attr-defined]
