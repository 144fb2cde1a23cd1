"""Parts that several resources are made of: what is strict, amounts, pages, positions in a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email
from djmoney.money import Money
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from notifications.protocol import STREAM_NAME, Position
from shop.api.paging import LARGEST_PAGE
from shop.api.refusals import Invalid, Unfit
from shop.money import as_json

# What REST framework would turn into what it wants, the number 12 into a text, "yes" into true; or would call by
# Python's names.
JSON_TYPES: tuple[tuple[type[serializers.Field], Any, str], ...] = (
    (serializers.CharField, str, "a text"),
    (serializers.BooleanField, bool, "true or false"),
    (serializers.IntegerField, (int, float), "a whole number"),
    (serializers.ListField, list, "a list"),
    (serializers.Serializer, Mapping, "an object"),
)


class Strict(serializers.Serializer):
    """What a client sends: a name that is not known is an error, not a thing overlooked, and no type is another."""

    default_error_messages: ClassVar = {"invalid": "This is to be an object."}
    is_typed = True
    unknown = "There is no such field."

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = {name: field for name, field in self.fields.items() if not field.read_only}
            if unknown := [name for name in data if name not in known]:
                fault = serializers.ErrorDetail(self.unknown, code="unknown_field")
                raise ValidationError({name: [fault] for name in unknown})
            if self.is_typed and (mistyped := _mistyped(known, data)):
                raise ValidationError(mistyped, code="invalid")
        return super().to_internal_value(data)

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """What the body says."""
        sent = cls(data=request.data)
        sent.is_valid(raise_exception=True)
        return dict(sent.validated_data)


class Query(Strict):
    """The parameters behind a question mark; each is given once, or one with several values as often as it has some,
    because not every generated client can put commas between them. Those `elsewhere` are read by the paging.
    """

    is_typed = False  # all of it is text
    unknown = "There is no such parameter."
    elsewhere: tuple[str, ...] = ()

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        query = request.query_params
        several = {name for name, field in cls._declared_fields.items() if isinstance(field, Several)}
        twice = [name for name in query.keys() - several if len(query.getlist(name)) > 1]
        try:
            if twice:
                raise ValidationError({name: ["Give it once."] for name in twice})
            given = {name: ",".join(query.getlist(name)) for name in query if name not in cls.elsewhere}
            asked = cls(data=given)
            asked.is_valid(raise_exception=True)
        except ValidationError as error:
            raise Invalid(error.detail, "query") from None
        return asked.validated_data


def _mistyped(known: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    faults = {name: _fault(known[name], value) for name, value in data.items()}
    return {name: fault for name, fault in faults.items() if fault}


def _fault(field: Any, value: Any) -> Any:
    """In words; of a list, for each in it. One that is too long is not looked through."""
    if isinstance(field, serializers.ListField) and isinstance(value, list):
        if field.max_length is not None and len(value) > field.max_length:
            return [serializers.ErrorDetail(f"{field.max_length} at most.", code="max_length")]
        faults = {place: _fault(field.child, one) for place, one in enumerate(value)}
        return {place: fault for place, fault in faults.items() if fault}
    found = next((one for one in JSON_TYPES if isinstance(field, one[0])), None)
    if found is None or value is None or isinstance(value, found[1]):
        return []
    return [f"This is to be {found[2]}."]


class Several(serializers.ListField):
    """Of a query: values with commas between them."""

    def to_internal_value(self, data: Any) -> list[Any]:
        try:
            return super().to_internal_value(data.split(",") if isinstance(data, str) else data)
        except ValidationError as error:
            # Which of them it was, the words say: a parameter has no path below its name.
            each = error.detail.values() if isinstance(error.detail, dict) else [error.detail]
            raise ValidationError([fault for faults in each for fault in faults]) from None


class Words(serializers.CharField):
    """Of a query: what somebody typed; what is no character in it is a space."""

    def to_internal_value(self, data: Any) -> str:
        return " ".join(super().to_internal_value(data).replace("\0", " ").split())


@extend_schema_field({"type": "string", "format": "email", "maxLength": 254})
class EmailText(serializers.CharField):
    """The schema cannot say what an address is; `fit_email` does."""


def fit_email(email: str, *, missing: str) -> str:
    """Raises Unfit, with the words `missing` where there is none."""
    try:
        validate_email(email)
    except DjangoValidationError:
        words = "This does not look like an e-mail address. One looks like ada@example.com."
        raise Unfit({"email": [words if email else missing]}) from None
    return email


class PageQuery(Query):
    """What every list that comes in pages takes."""

    limit = serializers.IntegerField(
        min_value=1, max_value=LARGEST_PAGE, required=False, help_text="24 if left out."
    )
    cursor = serializers.CharField(
        max_length=400, required=False, help_text="Stands in `next` and `previous`; nothing to make oneself."
    )


@extend_schema_serializer(many=False)
class PageSerializer(serializers.Serializer):
    """A part of a list. `next` and `previous` are addresses, to be used as they are, and null at its ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class MoneySerializer(serializers.Serializer):
    """`amount` has as many decimals as the currency; it is text, so that no client rounds it."""

    amount = serializers.RegexField(r"^-?[0-9]+(\.[0-9]+)?$")
    currency = serializers.RegexField(r"^[A-Z]{3}$")


@extend_schema_field(MoneySerializer)
class Amount(serializers.Field):
    """Money as `as_json` shapes it; a bare number, as annotations give it, is of the shop's own currency."""

    def to_representation(self, value: Any) -> dict[str, str]:
        return as_json(value if isinstance(value, Money) else Money(value, settings.DEFAULT_CURRENCY))


class StepSerializer(serializers.Serializer):
    """One step on the way to a total. `lines` are the SKUs it is about."""

    kind = serializers.CharField()
    reason = serializers.CharField()
    amount = Amount()
    lines = serializers.ListField(child=serializers.CharField())


class StreamSerializer(serializers.Serializer):
    """Where to follow on from what this answer shows, over a socket, by long poll or as server-sent events."""

    name = serializers.RegexField(STREAM_NAME)
    epoch = serializers.CharField(allow_blank=True)
    offset = serializers.IntegerField(min_value=0)


def stream(name: str, position: Position) -> dict[str, Any]:
    """Where to follow on from what this answer shows; the position must be read before the rows are."""
    return {"name": name, "epoch": position.epoch, "offset": position.offset}


class FieldErrorSerializer(serializers.Serializer):
    """One field that is wrong. `path` is a JSON pointer in a body, elsewhere the name."""

    # `in` is Python's own word.
    def get_fields(self) -> dict[str, serializers.Field]:
        return {"in": serializers.ChoiceField(["body", "query", "path", "header"]), **super().get_fields()}

    path = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer):
    """RFC 9457. `code` is stable and for programs, `detail` is for people; more members may come."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField(min_value=400, max_value=599)
    code = serializers.CharField()
    detail = serializers.CharField()
    request_id = serializers.CharField(allow_blank=True, help_text="Name it when you write to us.")
    errors: Any = FieldErrorSerializer(many=True, required=False)
    details = serializers.DictField(required=False, help_text="What the refusal is about, by code.")
