"""Stripe's form encoding: `shipping[address][city]=Bergen` and `expand[]=customer` become nested dicts.

Lists stay dicts with number keys; only the type of a parameter tells a list from a map (see parameters.py).
"""

import re
from typing import Any
from urllib.parse import parse_qsl

from shop.sandbox.errors import StripeError

MAX_FIELDS = 1000
MAX_DEPTH = 8
KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def decode(encoded: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(
            encoded.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except UnicodeDecodeError as error:
        raise StripeError("Invalid request: the parameters are not valid UTF-8.") from error
    except ValueError as error:
        raise StripeError(f"Invalid request: more than {MAX_FIELDS} parameters.") from error
    tree: dict[str, Any] = {}
    for key, value in pairs:
        _put(tree, _path(key), value, key)
    return tree


def _path(key: str) -> list[str]:
    match = KEY.fullmatch(key)
    if not match:
        raise StripeError(f"Invalid parameter name: {key[:100]}", param=key[:100])
    path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
    if len(path) > MAX_DEPTH:
        raise StripeError(f"Parameters are nested too deeply: {key[:100]}", param=key[:100])
    return path


def _put(tree: dict[str, Any], path: list[str], value: str, key: str) -> None:
    *parents, last = path
    for part in parents:
        tree = tree.setdefault(part or str(len(tree)), {})
        if not isinstance(tree, dict):
            raise StripeError(f"Invalid parameter: {key[:100]} is both a value and a hash", param=key[:100])
    name = last or str(len(tree))
    if isinstance(tree.get(name), dict):
        raise StripeError(f"Invalid parameter: {key[:100]} is both a value and a hash", param=key[:100])
    tree[name] = value
