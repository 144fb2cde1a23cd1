"""JSON as the API takes it: small, shallow, in Unicode, each name once. What is not is refused with the reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isinf
from typing import IO, Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

LARGEST_BODY = 64 * 1024  # bytes
DEEPEST = 8
LONGEST_NUMBER = 18  # digits: more than any column takes


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"
    default_detail = f"A body has at most {LARGEST_BODY // 1024} KiB here."


class Malformed(ParseError):
    default_code = "malformed_json"


class StrictJSONParser(JSONParser):
    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read(LARGEST_BODY + 1)
        if len(body) > LARGEST_BODY:
            raise BodyTooLarge
        try:
            value = json.loads(
                body.decode(),
                parse_constant=_refuse,
                parse_int=_whole,
                parse_float=_finite,
                object_pairs_hook=_each_name_once,
            )
        except UnicodeDecodeError as error:
            raise Malformed(f"This is not UTF-8, from byte {error.start} on.") from None
        except json.JSONDecodeError as error:
            raise Malformed(f"This is no JSON: {error.msg}, line {error.lineno}.") from None
        except RecursionError:
            raise _too_deep() from None
        _look_through(value)
        return value


def _refuse(constant: str) -> None:
    raise Malformed(f"JSON has no {constant}.")


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > LONGEST_NUMBER:
        raise Malformed(f"No number here has more than {LONGEST_NUMBER} digits.")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if isinf(value):
        raise Malformed("A number is too large for anything here.")
    return value


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed(f"An object has {json.dumps(twice)} twice.")
    return found


def _look_through(value: Any) -> None:
    """Without recursion, since what it looks for is what is too deep for that."""
    level, depth = [value], 0
    while level:
        below: list[Any] = []
        for one in level:
            if isinstance(one, str):
                _check_text(one)
            elif isinstance(one, dict | list):
                if depth == DEEPEST:
                    raise _too_deep()
                below += [*one, *one.values()] if isinstance(one, dict) else one
        level, depth = below, depth + 1


def _check_text(text: str) -> None:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Malformed("A text has a character that is none: U+0000, or half of a pair.")


def _too_deep() -> Malformed:
    return Malformed(f"At most {DEEPEST} levels of objects and lists.", code="too_deep")
