"""What makes a process of the shop die like kill -9 at one named point of its work."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.backends.signals import connection_created

from notifications import wake


def watch(wrapper: Callable[..., Any]) -> None:
    """Puts it around every statement of the connections that open from now on, of every thread."""

    def opened(connection: Any, **_: Any) -> None:
        if wrapper not in connection.execute_wrappers:
            connection.execute_wrappers.append(wrapper)

    connection_created.connect(opened, weak=False)


# Relaying

POINTS = {
    "after select": "SELECT * notifications_pending",
    "after insert": "INSERT * notifications_event",
    "before commit": "DELETE * notifications_pending",
    "before send": "",
    "after send": "",
}


def die_at(point: str) -> None:
    """Like kill -9, at this point of the next time that this process relays."""
    verb, _, table = POINTS[point].partition(" * ")
    if table:

        def die_after(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
            result = execute(sql, params, many, context)
            is_ours = threading.current_thread().name.startswith("notifications-log")
            if is_ours and sql.startswith(verb) and table in sql and "DISTINCT" not in sql:
                _die()
            return result

        watch(die_after)
    elif point == "before send":
        wake.listeners.add(lambda entries: _die())
    else:
        layer = wake.layer_between_processes()
        assert layer is not None, "there is nobody to send to without a layer"
        send = layer.group_send

        async def send_and_die(*args: Any) -> None:
            await send(*args)
            _die()

        layer.group_send = send_and_die


# Buying

PLACING = {
    "the cart is locked": ("after", 'UPDATE "cart_cart"'),
    "the order is written": ("after", 'INSERT INTO "orders_order"'),
    "its stock is taken": ("after", 'UPDATE "inventory_stock"'),
    "the order is whole": ("after", 'INSERT INTO "inventory_reservation"'),
    "the order is committed": ("committed", 'INSERT INTO "inventory_reservation"'),
}
STARTING = {
    "the attempt is written": ("after", 'INSERT INTO "payments_payment"'),
    "the attempt is committed": ("committed", 'INSERT INTO "payments_payment"'),
    "the provider has the intent": ("before", 'UPDATE "payments_payment"'),
    "we have the intent": ("after", 'UPDATE "payments_payment"'),
}
TOLD = {
    "the message is recorded": ("after", 'INSERT INTO "payments_gatewayevent"'),
    "the order is paid": ("after", 'UPDATE "orders_order"'),
    "the message is committed": ("committed", 'INSERT INTO "payments_gatewayevent"'),
}
CHECKOUT = PLACING | STARTING | TOLD


def die_in_checkout(point: str) -> None:
    """At the next statement of that kind, by whichever thread."""
    when, statement = CHECKOUT[point]

    def die(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        told = "gatewayevent" not in statement or "payment_intent.succeeded" in str(params)
        if not (sql.startswith(statement) and told):
            return execute(sql, params, many, context)
        if when == "before":
            _die()
        if when == "committed":
            transaction.on_commit(_die)
        result = execute(sql, params, many, context)
        if when == "after":
            _die()
        return result

    watch(die)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
