"""What happened, as Stripe's events; each is written with the change itself and queued for the webhook."""

import json
import random
import time
from typing import TYPE_CHECKING, Any

from stripe import Event
from stripe._api_version import _ApiVersion

from shop.sandbox import lists
from shop.sandbox.shapes import shaped
from shop.sandbox.store import Object, new_id, public

if TYPE_CHECKING:
    from shop.sandbox.calls import Call

REORDER_SECONDS = 2.0


def record(call: "Call", type: str, obj: Object, previous: Object | None = None) -> None:
    data = {"object": public(obj)} | ({"previous_attributes": previous} if previous is not None else {})
    event = shaped(
        Event,
        {
            "id": new_id("evt"),
            "object": "event",
            "api_version": _ApiVersion.CURRENT,
            "created": call.now,
            "livemode": False,
            "pending_webhooks": int(call.webhooks),
            "request": {"id": call.request_id, "idempotency_key": call.idempotency_key},
            "type": type,
        },
    )
    event["data"] = json.loads(json.dumps(data))
    call.save(event)
    if call.webhooks:
        _queue(call, event["id"])


def _queue(call: "Call", event: str) -> None:
    knobs, now = call.knobs, time.time()
    lost = random.random() < knobs.webhook_loss
    for _ in range(1 if lost else 1 + knobs.webhook_duplicates):
        shuffle = random.random() * REORDER_SECONDS if knobs.webhook_reorder else 0.0
        call.store.execute(
            "INSERT INTO deliveries (event, state, attempts, created, due, answer) VALUES (?, ?, 0, ?, ?, ?)",
            event,
            "lost" if lost else "waiting",
            now,
            now + knobs.webhook_delay_ms / 1000 + shuffle,
            "thrown away by the webhook_loss knob" if lost else "",
        )


def changes(before: Object, after: Object) -> Object:
    """Stripe's `previous_attributes`: the old values of what changed."""
    return {name: before.get(name) for name in after if name != "_" and before.get(name) != after[name]}


def retrieve(call: "Call") -> Object:
    return call.existing("event", call.id)


def list_all(call: "Call") -> Object:
    where = ["1"]
    values: list[Any] = []
    if "types" in call.params:
        where.append("body ->> '$.type' IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(call.params["types"]))
    if call.params.get("type", "").endswith(".*"):
        where.append("substr(body ->> '$.type', 1, length(?)) = ?")
        values += [call.params["type"][:-1]] * 2
        del call.params["type"]
    if "delivery_success" in call.params:
        where.append("(body ->> '$.pending_webhooks' = 0) = ?")
        values.append(int(call.params["delivery_success"]))
    return lists.page(call, "event", "/v1/events", ("type",), " AND ".join(where), values)
