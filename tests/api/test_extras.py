"""Nobody sets by the API what it does not offer to be set: every field of every model of ours, sent along with every
body, at every depth of it, is refused by its name, and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.db import connection, models

from notifications.services import relay
from tests.api.examples import ARRANGED, Example, Json, World, operations, request_examples, schema, send
from tests.api.people import API, App, undone

pytestmark = pytest.mark.django_db(transaction=True)
# Of a request rather than of what it is about; and when a stream was last written, which a thread that finds nothing
# left to number says as well. What is in it, the events say.
BOOKKEEPING = {"sessions.session", "idempotency.keptanswer", "notifications.ticket", "notifications.stream"}
PLAUSIBLE = {
    models.BooleanField: True,
    models.DecimalField: "1.00",
    models.IntegerField: 1,
    models.ForeignKey: 1,
    models.JSONField: {},
    models.ManyToManyField: [1],
}
TEMPTING: Json = {
    "id": 1,
    "is_staff": True,
    "is_superuser": True,
    "price": {"amount": "0.01", "currency": "EUR"},
    "status": "paid",
    "total": {"amount": "0.01", "currency": "EUR"},
    "user": 1,
    "user_id": 1,
}


def ours(model: type[models.Model]) -> bool:
    return model.__module__.startswith(("shop.", "accounts.", "notifications."))


def every_field() -> Json:
    """By its name, and by that of its column."""
    found = dict(TEMPTING)
    for model in filter(ours, apps.get_models(include_auto_created=True)):
        for field in [*model._meta.get_fields(), *model._meta.fields]:
            value = next((value for kind, value in PLAUSIBLE.items() if isinstance(field, kind)), "x")
            found.setdefault(field.name, value)
            found.setdefault(getattr(field, "attname", field.name), value)
    return found


EXTRAS = every_field()


def snapshot() -> dict[str, list[Any]]:
    """Every row of every table, once what waited to be numbered is, which another thread may do at any time."""
    relay()
    return {
        model._meta.label_lower: sorted(map(repr, model._base_manager.values_list()))
        for model in apps.get_models(include_auto_created=True)
        if model._meta.label_lower not in BOOKKEEPING
    }


def resolved(shape: Json) -> Json:
    for part in shape.get("allOf", ()):
        shape = shape | resolved(part)
    if "$ref" in shape:
        return resolved(schema()["components"]["schemas"][shape["$ref"].rpartition("/")[2]])
    return shape


def shape_of(operation: str) -> Json:
    body = next(said["requestBody"] for _, _, said in operations() if said["operationId"] == operation)
    return resolved(body["content"]["application/json"]["schema"])


def objects(shape: Json, value: Any, path: str = "") -> Iterator[tuple[str, Json, Json]]:
    """Each object in a body: where it is, what is known there, and the object itself."""
    if isinstance(value, dict):
        yield path, shape["properties"], value
        for name, below in value.items():
            yield from objects(resolved(shape["properties"].get(name, {})), below, f"{path}/{name}")
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from objects(resolved(shape["items"]), below, f"{path}/{place}")


def shapes(shape: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    if "properties" in shape:
        yield path, shape
        for name, below in shape["properties"].items():
            yield from shapes(resolved(below), f"{path}/{name}")
    elif "items" in shape:
        yield from shapes(resolved(shape["items"]), f"{path}/*")


def test_the_fields_of_the_models_are_all_there() -> None:
    assert len(EXTRAS) > 200
    assert {"is_staff", "price", "price_currency", "status", "coupon_id", "public_id", "quantity"} <= set(
        EXTRAS
    )


def test_the_schema_allows_nothing_else_at_any_depth() -> None:
    for operation in ARRANGED:
        for path, shape in shapes(shape_of(operation)):
            assert shape.get("additionalProperties") is False, (operation, path)


@pytest.mark.parametrize("example", request_examples(), ids=lambda one: f"{one.operation}-{one.name}")
def test_a_field_too_many_changes_nothing(example: Example, world_of_examples: World) -> None:
    ask = ARRANGED[example.operation](world_of_examples, dict(example.body))
    before, letters, shape = snapshot(), len(mail.outbox), shape_of(example.operation)
    for path, known, _ in list(objects(shape, ask.body)):
        unknown = {name: value for name, value in EXTRAS.items() if name not in known}
        tries = [unknown, *({name: unknown[name]} for name in TEMPTING if name in unknown)]
        for extras in tries:
            answer = send(example.operation, ask, with_extras(ask.body, path, extras))

            assert answer.status_code == 400, (path, answer.content)
            named = {(one["path"], one["code"]) for one in answer.json()["errors"]}
            assert named == {(f"{path}/{name}", "unknown_field") for name in extras}, path
    assert snapshot() == before
    assert len(mail.outbox) == letters
    # It was the fields that were refused, and nothing was used up by asking.
    assert send(example.operation, ask).status_code < 300


def test_what_does_change_is_seen(world_of_examples: World) -> None:
    example = next(one for one in request_examples() if one.operation == "add_address")
    ask = ARRANGED["add_address"](world_of_examples, example.body)
    before = snapshot()
    assert send("add_address", ask).status_code == 201
    after = snapshot()
    assert {name for name in after if after[name] != before[name]} == {"accounts.address"}


# --- Where there is no body ----------------------------------------------------------------------

# Of what every write makes anew: when, and what cannot be guessed.
VARIES = (models.DateTimeField, models.UUIDField)
SECRETS = {"secret", "digest", "session_key", "key", "data", "client_secret"}


def settled() -> dict[str, list[Any]]:
    """`snapshot()` without moments and secrets."""
    found = {}
    for model in filter(ours, apps.get_models(include_auto_created=True)):
        names = [
            field.attname
            for field in model._meta.concrete_fields
            if not isinstance(field, VARIES) and field.name not in SECRETS
        ]
        if model._meta.label_lower not in BOOKKEEPING:
            found[model._meta.label_lower] = sorted(map(repr, model._base_manager.values_list(*names)))
    return found


@contextmanager
def numbers_again() -> Iterator[None]:
    """What is undone gives its numbers back, which PostgreSQL's sequences do not by themselves."""
    before = _sequences()
    yield
    for name, number in _sequences().items():
        if number != before[name]:
            with connection.cursor() as cursor:
                cursor.execute("SELECT setval(%s, %s, %s)", [name, before[name] or 1, bool(before[name])])


def _sequences() -> dict[str, int | None]:
    if connection.vendor != "postgresql":
        return {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences")
        return dict(cursor.fetchall())


def without_body() -> Iterator[tuple[str, str]]:
    for method, path, said in operations():
        if method != "get" and "requestBody" not in said:
            yield method, path.removeprefix(API)


@pytest.mark.django_db(transaction=False)
def test_a_body_where_none_is_asked_for_is_left_alone(
    callers: dict[str, App], things: dict[str, Any], subtests: pytest.Subtests
) -> None:
    routes = list(without_body())
    assert len(routes) > 20
    for method, path in routes:
        outcomes = []
        for body in (None, EXTRAS):
            with numbers_again(), undone():
                answer = callers["owner"].send(method, path.format(**things), body)
                outcomes.append((answer.status_code, settled()))
        with subtests.test(f"{method} {path}"):
            assert outcomes[0] == outcomes[1]


def with_extras(body: Json, path: str, extras: Json) -> Json:
    changed: Any = json.loads(json.dumps(body))
    below = changed
    for name in path.split("/")[1:]:
        below = below[int(name)] if isinstance(below, list) else below[name]
    below |= extras
    return changed


# --- Behind the question mark --------------------------------------------------------------------

# They have queries of their own (notifications/query.py), of which they leave alone what they do not know.
STREAMS = {"events_poll", "events_stream"}


def reads() -> Iterator[tuple[str, str, bool]]:
    """Operation, path, and whether it takes a query. What is one of many things is tried where there are many."""
    for method, path, said in operations():
        if method == "get" and "{" not in path and said["operationId"] not in STREAMS:
            asks = any(one["in"] == "query" for one in said.get("parameters", ()))
            yield said["operationId"], path, asks


@pytest.mark.parametrize(("operation", "path", "asks"), list(reads()), ids=lambda one: str(one))
def test_a_parameter_too_many_is_refused_where_there_are_any_and_else_left_alone(
    operation: str, path: str, asks: bool, world_of_examples: World
) -> None:
    app: App = world_of_examples.app().reauthenticate("three grey gulls at noon")
    place = path.removeprefix(API)
    plain, more = app.get(place), app.get(f"{place}?is_staff=true&total=1")
    if asks:
        assert more.status_code == 400, more.content
        errors = {(one["in"], one["path"], one["code"]) for one in more.json()["errors"]}
        assert errors == {("query", name, "unknown_field") for name in ("is_staff", "total")}
    else:
        assert (more.status_code, list(more.json())) == (plain.status_code, list(plain.json()))
