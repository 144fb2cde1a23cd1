"""Parts that several resources are made of: amounts, pages, positions in a stream."""

from typing import Any

from django.conf import settings
from djmoney.money import Money
from rest_framework import serializers
from rest_framework.pagination import PageNumberPagination

from notifications.protocol import Position
from shop.money import as_json


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


class Pages(PageNumberPagination):
    page_size = 24
    max_page_size = 100
    page_size_query_param = "per_page"


def stream(name: str, position: Position) -> dict[str, Any]:
    """Where to follow on from what this answer shows; the position must be read before the rows are."""
    return {"name": name, "epoch": position.epoch, "offset": position.offset}
