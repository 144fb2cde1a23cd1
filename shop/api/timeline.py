"""An order's log, in the words of its page."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.log import position
from shop.api.ownership import ORDER, find_order
from shop.api.shapes import PageQuery, PageSerializer, StreamSerializer, stream
from shop.api.views import ApiViewSet
from shop.orders.log import LogEntry, OrderEvent


class LogEntrySerializer(serializers.Serializer):
    kind = serializers.CharField(
        help_text="For programs; the stream tells the same as `order.<kind>`. More may come."
    )
    title = serializers.CharField()
    why = serializers.CharField(allow_blank=True)
    hand = serializers.CharField(help_text="Who did it, in words: `you`, `the shop`, a name.")
    at = serializers.DateTimeField()

    def to_representation(self, event: OrderEvent) -> dict[str, Any]:
        entry: LogEntry = event.read_by(self.context["request"].user)
        return super().to_representation(entry)


class TimelinePageSerializer(PageSerializer):
    results = LogEntrySerializer(many=True)
    stream = StreamSerializer()


@extend_schema(parameters=[ORDER])
class TimelineViewSet(ApiViewSet):
    queryset = OrderEvent.objects.none()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="orders_timeline", parameters=[PageQuery], responses=TimelinePageSerializer)
    def list(self, request: Request, public_id: str) -> Response:
        """Everything that happened to an order, the newest first."""
        PageQuery.read(request)
        here = position(f"order:{public_id}")
        order = find_order(request, public_id)
        events = order.events.select_related("actor").order_by("-id")
        return self.page(events, LogEntrySerializer, stream=stream(order.stream, here))
