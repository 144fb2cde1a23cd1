"""Stripe's lists: newest first, cut into pages by the id of the last object seen."""

from typing import TYPE_CHECKING, Any

from shop.sandbox.errors import StripeError
from shop.sandbox.store import Object, public

if TYPE_CHECKING:
    from shop.sandbox.calls import Call

COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def page(
    call: "Call",
    kind: str,
    url: str,
    filters: tuple[str, ...] = (),
    where: str = "1",
    values: list[Any] | None = None,
) -> Object:
    limit = call.params.get("limit", 10)
    if not 1 <= limit <= 100:
        bound = "greater than or equal to 1" if limit < 1 else "less than or equal to 100"
        raise StripeError(f"This value must be {bound}.", code="parameter_invalid_integer", param="limit")
    clauses, values = [where], values or []
    for name in filters:
        if name in call.params:
            clauses.append(f"body ->> '$.{name}' = ?")
            values.append(call.params[name])
    _created(call.params.get("created"), clauses, values)
    found, backwards = _window(call, kind, clauses, values, limit + 1)
    more = len(found) > limit
    found = found[:limit]
    data = list(reversed(found)) if backwards else found
    return {"object": "list", "data": [public(obj) for obj in data], "has_more": more, "url": url}


def _created(wanted: Any, clauses: list[str], values: list[Any]) -> None:
    if isinstance(wanted, int):
        clauses.append("body ->> '$.created' = ?")
        values.append(wanted)
    elif isinstance(wanted, dict):
        for name, moment in wanted.items():
            clauses.append(f"body ->> '$.created' {COMPARISONS[name]} ?")
            values.append(moment)


def _window(
    call: "Call", kind: str, clauses: list[str], values: list[Any], limit: int
) -> tuple[list[Object], bool]:
    """What follows `starting_after`, or what stands just before `ending_before` (found in rising order)."""
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    if after and before:
        raise StripeError("You can only specify one of these parameters: starting_after, ending_before.")
    cursor = after or before
    if cursor:
        seq = call.store.seq_of(kind, cursor)
        if seq is None:
            call.existing(kind, cursor, "starting_after" if after else "ending_before", 400)
        clauses.append(f"seq {'<' if after else '>'} ?")
        values.append(seq)
    where = " AND ".join(clauses)
    if before:
        return call.store.find(kind, where, tuple(values), limit, "ASC"), True
    return call.store.find(kind, where, tuple(values), limit), False
