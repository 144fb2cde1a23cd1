"""The hub's own work, without a socket."""

import asyncio
import gc
import logging
from typing import Any

import pytest
from django.db import connection

from notifications.hub import current_hub

TABLE = "notifications_pending"


def rename(before: str, after: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {before} RENAME TO {after}")


async def relay_once() -> list[dict[str, Any]]:
    """What the loop had to say of tasks that nobody looked after."""
    loop, left = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: left.append(context))
    hub = current_hub()
    at_rest = set(hub._tasks)
    try:
        hub._relay_soon()
        await asyncio.wait(set(hub._tasks) - at_rest, timeout=10)
        gc.collect()
        hub._relay_soon()
        assert hub._relaying, "the next wake tries again"
    finally:
        hub.close()
    return left


@pytest.mark.django_db(transaction=True)
def test_a_log_that_cannot_be_written_is_said_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    rename(TABLE, "away")
    try:
        with caplog.at_level(logging.WARNING, logger="notifications.hub"):
            left = asyncio.run(relay_once())
    finally:
        rename("away", TABLE)
    assert left == []
    assert any("trying again" in record.message for record in caplog.records)
