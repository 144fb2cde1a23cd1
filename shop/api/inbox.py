"""What an account was told, in the words of its page, and how far it has read."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.inbox import InboxState, inbox_state, inbox_stream, mark_read, messages_of
from notifications.models import Event
from shop.api.shapes import PageQuery, PageSerializer, StreamSerializer, Strict, stream
from shop.api.views import ApiViewSet
from shop.news import news_of


class MessageSerializer(serializers.Serializer):
    offset = serializers.IntegerField(
        min_value=1, help_text="Its place in the stream; `inbox/read/` takes it."
    )
    kind = serializers.CharField(help_text="Such as `order.shipped`. More may come.")
    title = serializers.CharField()
    text = serializers.CharField(allow_blank=True)
    url = serializers.CharField(
        allow_blank=True, help_text="The page of the website that it is about, if any."
    )
    order = serializers.CharField(
        allow_null=True, help_text="The public id of the order that it is about, if any."
    )
    sku = serializers.CharField(allow_null=True, help_text="The variant that it is about, if any.")
    at = serializers.DateTimeField()
    unread = serializers.BooleanField()

    def to_representation(self, event: Event) -> dict[str, Any]:
        news = news_of(event.kind, event.payload)
        url = self.context["request"].build_absolute_uri(news.url) if news.url else ""
        about = {name: event.payload.get(name) for name in ("order", "sku")}
        told = {"title": news.title, "text": news.detail, "url": url, "at": event.created_at, **about}
        same = {"offset": event.offset, "kind": event.kind, "unread": event.unread}  # type: ignore[attr-defined]
        return super().to_representation({**told, **same})


class InboxPageSerializer(PageSerializer):
    """`stream` and `unread` are of one moment."""

    results = MessageSerializer(many=True)
    unread = serializers.IntegerField(min_value=0)
    stream = StreamSerializer()


class ReadSerializer(Strict):
    offset = serializers.IntegerField(
        min_value=0,
        max_value=2**53 - 1,
        help_text="Of the newest message that was shown.",
    )


class InboxStateSerializer(serializers.Serializer):
    unread = serializers.IntegerField(min_value=0)
    stream = StreamSerializer()


class InboxViewSet(ApiViewSet):
    queryset = Event.objects.none()

    @extend_schema(operation_id="inbox_list", parameters=[PageQuery], responses=InboxPageSerializer)
    def list(self, request: Request) -> Response:
        """What the account was told, the newest first."""
        PageQuery.read(request)
        user: Any = request.user
        state = inbox_state(user)  # before the rows
        return self.page(messages_of(user), MessageSerializer, **_told(user, state))

    @extend_schema(
        operation_id="inbox_read",
        request=ReadSerializer,
        responses=InboxStateSerializer,
        examples=[OpenApiExample("up to the newest shown", {"offset": 42}, request_only=True)],
    )
    @action(detail=False, methods=["post"])
    def read(self, request: Request) -> Response:
        """Everything up to an offset is read, on all devices: each hears `inbox.read`. It stays so."""
        asked = ReadSerializer.read(request)
        user: Any = request.user
        mark_read(user, asked["offset"])
        return Response(_told(user, inbox_state(user)))


def _told(user: Any, state: InboxState) -> dict[str, Any]:
    return {"unread": state.unread, "stream": stream(inbox_stream(user), state.position)}
