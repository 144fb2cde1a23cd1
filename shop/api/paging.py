"""Pages by cursor: nothing is shown twice or missed because rows came or went between two pages."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from shop.api.refusals import Invalid, Unfit

PAGE, LARGEST_PAGE = 24, 100


class BadCursor(Unfit):
    def __init__(self) -> None:
        super().__init__({"cursor": ["Take it from `next` or `previous` of a page."]}, "bad_cursor", "query")


class Cursor(CursorPagination):
    """`?limit=` says how many, at most 100; `next` and `previous` are addresses, to be used as they are."""

    page_size = PAGE
    max_page_size = LARGEST_PAGE
    page_size_query_param = "limit"

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[Any, ...]:
        """The query's own: names of columns, of which the last tells any two rows apart."""
        return tuple(queryset.query.order_by) or tuple(queryset.model._meta.ordering)

    def get_page_size(self, request: Request) -> int:
        given = request.query_params.get("limit", str(PAGE))
        if not (given.isascii() and given.isdecimal() and 1 <= int(given[:5]) <= LARGEST_PAGE):
            raise Invalid({"limit": [f"A number from 1 to {LARGEST_PAGE}."]}, "query", "bad_limit")
        return int(given)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters = super().get_schema_operation_parameters(view)
        for one in parameters:
            if one["name"] == self.page_size_query_param:
                one["schema"] |= {"minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE}
        return parameters

    def paginate_queryset(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().paginate_queryset(*args, **kwargs)
        except (ValueError, ValidationError):  # it names a place that no row could have
            raise BadCursor from None

    def decode_cursor(self, request: Request) -> Any:
        try:
            return super().decode_cursor(request)
        except Exception:
            raise BadCursor from None
