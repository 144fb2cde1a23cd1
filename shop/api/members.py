"""Answers of which the request chooses the members: `fields` names them, `include` adds what a list leaves out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from rest_framework import serializers

from shop.api.shapes import Query, Several


def names(of: Iterable[str], help_text: str) -> Several:
    """Of a query: some of these names."""
    return Several(
        child=serializers.ChoiceField(tuple(of)), required=False, min_length=1, help_text=help_text
    )


class MembersQuery(Query):
    """Takes `fields`, and where there is more `include`; `plain` is what an answer has without either."""

    plain: ClassVar[tuple[str, ...]]

    @classmethod
    def members(cls, query: dict[str, Any]) -> frozenset[str]:
        return frozenset(query.get("fields", cls.plain)) | frozenset(query.get("include", ()))


class ChosenMixin:
    """Of a serializer. `members` of the context are those that are shown; without it all are."""

    shows_what_is_asked_for = True  # the schema promises none of them
    context: dict[str, Any]

    def get_fields(self) -> dict[str, serializers.Field]:
        fields: dict[str, serializers.Field] = super().get_fields()  # type: ignore[misc]
        shown = self.context.get("members")
        return fields if shown is None else {name: fields[name] for name in fields if name in shown}
