"""Whole objects: every field that the official `stripe` package knows of a resource, null where nothing is.

The classes of the package list the fields that Stripe documents; reading them here keeps the sandbox complete
when the package grows.
"""

import types
from functools import cache
from typing import Any, Union, get_args, get_origin

from stripe import StripeObject


@cache
def fields(resource: type) -> dict[str, type | None]:
    """Each field's name, with the class of its nested object where it has one of its own."""
    annotations = {**resource.__annotations__}
    for name in ("OBJECT_NAME", "deleted"):
        annotations.pop(name, None)
    return {name: _nested(hint) for name, hint in annotations.items()}


def _nested(hint: Any) -> type | None:
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for option in options:
        if isinstance(option, type) and issubclass(option, StripeObject) and option.__annotations__:
            return option
    return None


def shaped(resource: type, values: dict[str, Any]) -> dict[str, Any]:
    """`values` with the missing fields as null, in nested objects too."""
    unknown = values.keys() - fields(resource).keys()
    if unknown:
        raise TypeError(f"{resource.__qualname__} has no {sorted(unknown)}")
    return _whole(resource, values)


def shaped_fields(resource: type, values: dict[str, Any]) -> dict[str, Any]:
    """Only the given fields, their nested objects made whole."""
    whole = shaped(resource, values)
    return {name: whole[name] for name in values}


def _whole(resource: type, values: dict[str, Any]) -> dict[str, Any]:
    return {name: _filled(values.get(name), nested) for name, nested in fields(resource).items()}


def _filled(value: Any, nested: type | None) -> Any:
    if nested is not None and isinstance(value, dict):
        return _whole(nested, value)
    return value
