"""What of a change of the schema would break an app that was built against the one before.

The rules are those of docs/api.md: operations, parameters and members of answers stay; what a request need not have it
need not have later either; types stay; of an enumeration an answer may get new values, a request loses none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")


def breaking_changes(before: Json, after: Json) -> list[str]:
    return list(_of_operations(before, after))


def _of_operations(before: Json, after: Json) -> Iterator[str]:
    for path, item in before["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            name, now = f"{method.upper()} {path}", after["paths"].get(path, {}).get(method)
            if now is None:
                yield f"{name} is gone"
            else:
                yield from _of_operation(name, item[method], now, before, after)


def _of_operation(name: str, was: Json, now: Json, before: Json, after: Json) -> Iterator[str]:
    if was["operationId"] != now["operationId"]:
        yield f"{name}: generated clients call it {was['operationId']}, not {now['operationId']}"
    if {} in was.get("security", [{}]) and {} not in now.get("security", [{}]):
        yield f"{name}: guests could, and cannot any more"
    yield from _of_parameters(name, was.get("parameters", []), now.get("parameters", []), before, after)
    yield from _of_bodies(name, was.get("requestBody", {}), now.get("requestBody", {}), before, after)
    for status, answer in was["responses"].items():
        for media, content in answer.get("content", {}).items():
            there = now["responses"].get(status, {}).get("content", {}).get(media)
            where = f"{name}, {status}"
            if there is None:
                yield f"{where} {media} is gone"
            else:
                yield from _of_answer(where, content["schema"], there["schema"], before, after, frozenset())


def _of_parameters(name: str, was: list[Json], now: list[Json], before: Json, after: Json) -> Iterator[str]:
    known = {(one["in"], one["name"]): one for one in was}
    there = {(one["in"], one["name"]): one for one in now}
    for key in known.keys() - there.keys():
        yield f"{name}: the parameter {key[1]} is gone"
    for key, one in there.items():
        if one.get("required") and not known.get(key, {}).get("required"):
            yield f"{name}: the parameter {key[1]} must be given now"
        if key in known:
            where = f"{name}, {key[1]}"
            yield from _of_request(where, known[key]["schema"], one["schema"], before, after, frozenset())


def _of_bodies(name: str, was: Json, now: Json, before: Json, after: Json) -> Iterator[str]:
    if now.get("required") and not was.get("required"):
        yield f"{name}: a body must be sent now"
    for media, content in was.get("content", {}).items():
        there = now.get("content", {}).get(media)
        if there is None:
            yield f"{name}: {media} is not taken any more"
        else:
            where = f"{name}, body"
            yield from _of_request(where, content["schema"], there["schema"], before, after, frozenset())


def _of_request(
    where: str, was: Json, now: Json, before: Json, after: Json, seen: frozenset[str]
) -> Iterator[str]:
    """An app sends what `was` allows: `now` must allow it too."""
    was, now, seen, again = _both(was, now, before, after, seen)
    if again:
        return
    if gone := _types(was) - _types(now):
        yield f"{where} may not be {', '.join(sorted(gone))} any more"
    if "enum" in now and (gone := {*map(str, was.get("enum", ["anything"]))} - {*map(str, now["enum"])}):
        yield f"{where} may not be {', '.join(sorted(gone))} any more"
    for limit, narrower in (("maxLength", int.__lt__), ("maximum", int.__lt__), ("minLength", int.__gt__)):
        if limit in now and (limit not in was or narrower(now[limit], was[limit])):
            yield f"{where}: {limit} is {now[limit]} now"
    for name in set(now.get("required", [])) - set(was.get("required", [])):
        yield f"{where}/{name} must be given now"
    for name, member in was.get("properties", {}).items():
        if name in now.get("properties", {}):
            below = now["properties"][name]
            yield from _of_request(f"{where}/{name}", member, below, before, after, seen)
        else:
            yield f"{where}/{name} is gone"
    if "items" in was and "items" in now:
        yield from _of_request(f"{where}/*", was["items"], now["items"], before, after, seen)


def _of_answer(
    where: str, was: Json, now: Json, before: Json, after: Json, seen: frozenset[str]
) -> Iterator[str]:
    """An app reads what `was` promises: `now` must promise it too."""
    was, now, seen, again = _both(was, now, before, after, seen)
    if again:
        return
    if _types(now) - _types(was):
        yield f"{where} was {', '.join(sorted(_types(was)))}, and may be {', '.join(sorted(_types(now)))}"
    for name in set(was.get("required", [])) - set(now.get("required", [])):
        yield f"{where}/{name} was always there, and need not be"
    for name, member in was.get("properties", {}).items():
        if name in now.get("properties", {}):
            below = now["properties"][name]
            yield from _of_answer(f"{where}/{name}", member, below, before, after, seen)
        else:
            yield f"{where}/{name} is gone"
    if "items" in was and "items" in now:
        yield from _of_answer(f"{where}/*", was["items"], now["items"], before, after, seen)


def _both(
    was: Json, now: Json, before: Json, after: Json, seen: frozenset[str]
) -> tuple[Json, Json, frozenset[str], bool]:
    name = was.get("$ref", "")
    if name and name in seen:
        return was, now, seen, True
    return _resolved(was, before), _resolved(now, after), seen | {name}, False


def _resolved(schema: Json, whole: Json) -> Json:
    """Without references, and with the members of all parts of an `allOf`."""
    if "$ref" in schema:
        return _resolved(whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]], whole)
    if "allOf" in schema:
        parts = [_resolved(part, whole) for part in schema["allOf"]]
        merged: Json = {}
        for part in parts:
            merged |= part
        return merged | {name: value for name, value in schema.items() if name != "allOf"}
    variants = [_resolved(one, whole) for one in schema.get("oneOf", schema.get("anyOf", []))]
    if variants:
        types = {type_ for one in variants for type_ in _types(one)}
        return next((one for one in variants if "properties" in one), variants[0]) | {"type": sorted(types)}
    return schema


def _types(schema: Json) -> set[str]:
    """An integer is a number too."""
    found = schema.get("type", ["object", "array", "string", "number", "boolean", "null"])
    types = {found} if isinstance(found, str) else set(found)
    return types | {"integer"} if "number" in types else types
