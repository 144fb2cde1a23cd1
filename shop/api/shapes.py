"""Parts that several resources are made of: amounts, pages, positions in a stream."""

from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.pagination import PageNumberPagination

from notifications.protocol import Position


class Amount(serializers.Field):
    """`{"amount": "24.00", "currency": "EUR"}`: a string, because a float is not money."""

    def to_representation(self, value: Any) -> dict[str, str]:
        amount, currency = (
            getattr(value, "amount", value),
            getattr(value, "currency", settings.DEFAULT_CURRENCY),
        )
        return {
            "amount": f"{amount:.2f}" if amount == round(amount, 2) else f"{amount:f}",
            "currency": str(currency),
        }


class Pages(PageNumberPagination):
    page_size = 24
    max_page_size = 100
    page_size_query_param = "per_page"


def stream(name: str, position: Position) -> dict[str, Any]:
    """Where to follow on from what this answer shows; the position must be read before the rows are."""
    return {"name": name, "epoch": position.epoch, "offset": position.offset}
