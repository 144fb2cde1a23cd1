"""One API call as the functions behind the routes see it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shop.sandbox import events
from shop.sandbox.errors import StripeError, no_such
from shop.sandbox.knobs import Knobs
from shop.sandbox.store import Object, Store

MAX_METADATA = 50
STRIPE_NAMES = {"payment_method": "PaymentMethod", "setup_intent": "setupintent"}


@dataclass
class Call:
    store: Store
    knobs: Knobs
    stripe_url: str
    params: Object = field(default_factory=dict)
    id: str = ""
    request_id: str | None = None
    idempotency_key: str | None = None
    from_browser: bool = False
    webhooks: bool = True
    now: int = field(default_factory=lambda: int(time.time()))

    def emit(self, type: str, obj: Object, previous: Object | None = None) -> None:
        events.record(self, type, obj, previous)

    def existing(self, kind: str, id: str, param: str = "id", status: int = 404) -> Object:
        """The object, or Stripe's 404 (400 when the id came as a parameter)."""
        obj = self.store.get(kind, id)
        if obj is None:
            raise no_such(STRIPE_NAMES.get(kind, kind), id, param, status)
        return obj

    def save(self, obj: Object) -> Object:
        self.store.save(obj)
        return obj

    def taken(self, *names: str) -> Object:
        """Those parameters that were sent; an empty string unsets and reads as null."""
        return {
            name: None if self.params[name] == "" else self.params[name]
            for name in names
            if name in self.params
        }

    def refuse_if(self, wrong: bool, message: str, **fields: Any) -> None:
        if wrong:
            raise StripeError(message, **fields)


Handler = Callable[[Call], Object]


def merge_metadata(call: Call, obj: Object) -> None:
    """New keys are added, empty values remove theirs, an empty string removes all."""
    if "metadata" not in call.params:
        return
    sent = call.params["metadata"]
    merged = {} if sent == "" else {**(obj["metadata"] or {}), **sent}
    merged = {name: value for name, value in merged.items() if value != ""}
    if len(merged) > MAX_METADATA:
        raise StripeError("Metadata can have up to 50 keys.", param="metadata")
    for name, value in merged.items():
        if len(name) > 40:
            raise StripeError(
                f"Metadata keys can be up to 40 characters long, {name[:50]} is {len(name)}.",
                param="metadata",
            )
        if len(value) > 500:
            raise StripeError(
                f"Metadata values can have up to 500 characters, but you passed in a value that is {len(value)} "
                f"characters. Invalid value: {value[:50]}...",
                param=f"metadata[{name}]",
            )
    obj["metadata"] = merged
