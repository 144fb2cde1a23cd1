"""The schema of the API, in OpenAPI 3.1: what each view says of itself, and what all of them have in common."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework.permissions import SAFE_METHODS, AllowAny
from rest_framework.serializers import ModelSerializer

from shop.api.refusals import status_of
from shop.api.shapes import ProblemSerializer, Strict
from shop.errors import ShopError
from shop.problems import MEDIA_TYPE, problem

KEY_HEADER = "Idempotency-Key"
IDEMPOTENCY_KEY = OpenApiParameter(
    KEY_HEADER,
    {"type": "string", "pattern": r"^[\x21-\x7e]{16,255}$"},
    OpenApiParameter.HEADER,
    description="Your own name for this request, such as a UUID. Sent again with it, the request has no second effect: "
    "the first answer comes again, for 24 hours.",
)
COMMON = {
    "400": "Malformed JSON, or `errors` says which fields are wrong.",
    "401": "Nobody is signed in, or the access token does not hold any more.",
    "403": "Signed in, and not allowed.",
    "404": "There is nothing here, or nothing of yours.",
    "405": "Not with this method.",
    "406": "The answer is JSON; nothing else is there to accept.",
    "409": "Another request with the same key is under way (`request_in_flight`), or a refusal of the shop.",
    "413": "The body is larger than 64 KiB.",
    "415": "The body is not JSON.",
    "422": "As the schema wants it, and yet of no use here: `errors` says why (`invalid`). Or the key was used for "
    "another request (`idempotency_key_reused`).",
    "429": "Too often: `Retry-After` says when to come back.",
    "503": "The database is away or busy: `Retry-After` says when to come back, and nothing is half done.",
}

LARGEST_OF_COLUMNS = {2**bits - 1 for bits in (15, 31, 63)}


class Operation(AutoSchema):
    """Adds the refusals that come of what an operation takes, to those that its view names, and a title."""

    def get_override_parameters(self) -> list[Any]:
        own = [*super().get_override_parameters(), *getattr(self.view, "headers_taken", ())]
        return [*own, IDEMPOTENCY_KEY] if self.method not in SAFE_METHODS else own

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        if told := operation.get("description"):
            operation["summary"] = re.split(r"[.;:](?=\s|$)", told, maxsplit=1)[0]
        for one in operation.get("parameters", []):
            if one["in"] == "query" and one["schema"].get("type") == "array":
                one |= {"style": "form", "explode": False}  # once, with commas
        answers = operation["responses"]
        for status in self._common(operation):
            if status not in answers:
                answers[status] = self._get_response_for_code(
                    OpenApiResponse(ProblemSerializer, COMMON[status]), status, [MEDIA_TYPE]
                )
        operation["responses"] = {status: answers[status] for status in sorted(answers)}
        return operation

    def _common(self, operation: dict[str, Any]) -> list[str]:
        found = ["406", "429", "503"]
        parameters = operation.get("parameters", [])
        if "requestBody" in operation:
            found += ["400", "413", "415"]
        if any(one["in"] in ("query", "header") for one in parameters):
            found += ["400", "422"]
        if any(one["in"] == "path" for one in parameters):
            found += ["404"]
        if self.method not in SAFE_METHODS:
            found += ["409", "422"]
        # A token that does not hold is told so also where none is needed.
        found += ["401"]
        if not any(isinstance(one, AllowAny) for one in self.view.get_permissions()):
            found += ["403"]
        return found

    def is_deprecated(self) -> bool:
        return getattr(self.view, "deprecated", None) is not None

    def _postprocess_serializer_schema(self, schema: Any, serializer: Any, direction: str) -> Any:
        schema = super()._postprocess_serializer_schema(schema, serializer, direction)
        if direction == "request" and isinstance(serializer, Strict):
            schema["additionalProperties"] = False
        if direction == "response":
            for one in schema.get("properties", {}).values():
                _widen(one)
        if direction == "response" and isinstance(serializer, ModelSerializer):
            # What a row may be made without is there all the same when it is shown, unless the request chooses.
            schema["required"] = sorted(schema["properties"])
            if getattr(serializer, "shows_what_is_asked_for", False):
                del schema["required"]
        return schema


def _widen(shown: dict[str, Any]) -> None:
    """What a column could hold says nothing of what it means, and is another number on another database."""
    if shown.get("maximum", 0) in LARGEST_OF_COLUMNS:
        del shown["maximum"]
        shown.pop("format", None)
    if -shown.get("minimum", 0) - 1 in LARGEST_OF_COLUMNS:
        del shown["minimum"]


def refusals(*errors: type[ShopError]) -> dict[Any, OpenApiResponse]:
    """The responses with which an operation refuses: `extend_schema(responses={200: ..., **refusals(OutOfStock)})`."""
    by_status: dict[int, list[type[ShopError]]] = {}
    for error in errors:
        by_status.setdefault(status_of(error), []).append(error)
    return {
        (status, MEDIA_TYPE): OpenApiResponse(
            ProblemSerializer,
            description="\n".join(f"- `{one.code}`: {one.message}" for one in those),
            examples=[_example(status, one) for one in those],
        )
        for status, those in by_status.items()
    }


def _example(status: int, error: type[ShopError]) -> OpenApiExample:
    value = problem(status, error.code, error.message) | {"request_id": "8f14e45fceea167a"}
    return OpenApiExample(
        error.code, value, response_only=True, status_codes=[str(status)], media_type=MEDIA_TYPE
    )
