"""Following streams: the ticket that opens a socket to an app, and how the long poll and the event stream are asked.

Those two are notifications' own (`notifications/views.py`), which serves them without this room; here they are said.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
)
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from notifications import protocol
from notifications.identity import TICKET_AGE, issue_ticket
from notifications.protocol import STREAM_NAME
from notifications.query import LONGEST_WAIT
from shop.api.authentication import session_key_of
from shop.api.guests import CART_TOKEN, MOST_ORDERS, GuestMixin
from shop.api.ownership import PUBLIC_ID
from shop.api.shapes import ProblemSerializer, Strict
from shop.api.views import ApiView
from shop.problems import MEDIA_TYPE

SOCKET = "/ws/notifications/"
ROOT = "/api/v1/events/"


class AskTicketSerializer(Strict):
    orders = serializers.ListField(
        child=serializers.RegexField(f"^{PUBLIC_ID}$"),
        max_length=MOST_ORDERS,
        required=False,
        help_text="Public ids of guest orders to be followed; an account's own need not be named.",
    )


class SocketLimitsSerializer(serializers.Serializer):
    hello_seconds = serializers.FloatField(help_text="The `hello` comes within so many.")
    ping_seconds = serializers.FloatField(help_text="A `ping` comes every so many.")
    pong_seconds = serializers.FloatField(help_text="Its `pong` is due within so many.")
    window = serializers.IntegerField(help_text="So many events are on their way without an `ack`.")
    streams = serializers.IntegerField(help_text="So many on one connection.")
    connections = serializers.IntegerField(help_text="So many of one account.")
    frame_bytes = serializers.IntegerField(help_text="No frame is longer.")
    frames_per_second = serializers.IntegerField(help_text="The client sends no more.")


class TicketSerializer(serializers.Serializer):
    ticket = serializers.CharField(
        help_text="For `ticket` of the socket's `hello`, or `Authorization: Ticket`."
    )
    expires_in = serializers.IntegerField(help_text="Seconds in which it must be used, once.")
    socket = serializers.CharField(help_text="The WebSocket's address.")
    subprotocol = serializers.CharField()
    limits = SocketLimitsSerializer()


class TicketView(GuestMixin, ApiView):
    limit = "write"
    secret = True
    headers_taken = (CART_TOKEN,)

    @extend_schema(
        operation_id="events_ticket",
        request=AskTicketSerializer,
        responses={201: TicketSerializer},
        examples=[
            OpenApiExample("a guest's order", {"orders": ["q0mXc3n5TzOe7XmFJ0aS9A"]}, request_only=True)
        ],
    )
    def post(self, request: Request) -> Response:
        """A ticket for one connection: to an account's streams, to a guest's cart, to the orders that are named.

        It opens no more than the caller may read. A connection of an account ends when its sign-in does.
        """
        asked = AskTicketSerializer.read(request)
        grants: dict[str, Any] = {"guest_orders": asked.get("orders", [])}
        if self.cart_token:
            grants["cart"] = self.cart_token
        ticket = issue_ticket(request.user, session_key_of(request), grants)
        told = {
            "ticket": ticket,
            "expires_in": int(TICKET_AGE.total_seconds()),
            "socket": request.build_absolute_uri(SOCKET).replace("http", "ws", 1),
            "subprotocol": protocol.SUBPROTOCOL,
            "limits": _limits(),
        }
        return Response(TicketSerializer(told).data, status=201)


def _limits() -> dict[str, Any]:
    limits = protocol.Limits(**getattr(settings, "NOTIFICATIONS_LIMITS", {}))
    return {
        "hello_seconds": limits.hello,
        "ping_seconds": limits.ping,
        "pong_seconds": limits.pong,
        "window": limits.window,
        "streams": protocol.STREAMS_PER_SOCKET,
        "connections": protocol.SOCKETS_PER_USER,
        "frame_bytes": protocol.FRAME_BYTES,
        "frames_per_second": protocol.FRAMES_PER_SECOND,
    }


# What is said of door 3. Its frames are those of the socket.


class OkFrameSerializer(serializers.Serializer):
    """`recovered: false` means: read the resource anew, and go on from `o`."""

    t = serializers.ChoiceField(["ok"])
    id = serializers.IntegerField(min_value=0, help_text="The stream's place in the query.")
    stream = serializers.CharField()
    e = serializers.CharField(allow_blank=True, help_text="The epoch.")
    o = serializers.IntegerField(min_value=0, help_text="The offset.")
    recovered = serializers.BooleanField()


class ErrFrameSerializer(serializers.Serializer):
    t = serializers.ChoiceField(["err"])
    id = serializers.IntegerField(min_value=0, allow_null=True)
    stream = serializers.CharField()
    code = serializers.CharField()
    temporary = serializers.BooleanField()


class EvFrameSerializer(serializers.Serializer):
    t = serializers.ChoiceField(["ev"])
    s = serializers.CharField(help_text="The stream.")
    e = serializers.CharField()
    o = serializers.IntegerField(min_value=1)
    id = serializers.UUIDField()
    k = serializers.CharField(help_text="The kind, such as `order.paid`.")
    ts = serializers.IntegerField(help_text="Milliseconds since 1970.")
    d = serializers.DictField(help_text="What the kind tells.")


class ByeFrameSerializer(serializers.Serializer):
    t = serializers.ChoiceField(["bye"])
    code = serializers.IntegerField()
    reconnect = serializers.BooleanField()
    retry_ms = serializers.IntegerField(min_value=0)
    reason = serializers.CharField()


class FramesSerializer(serializers.Serializer):
    frames = serializers.ListField(
        child=PolymorphicProxySerializer(  # type: ignore[arg-type]
            component_name="Frame",
            serializers={
                "ok": OkFrameSerializer,
                "err": ErrFrameSerializer,
                "ev": EvFrameSerializer,
                "bye": ByeFrameSerializer,
            },
            resource_type_field_name="t",
        )
    )


def _several(name: str, schema: dict[str, Any], words: str, *, required: bool = False) -> OpenApiParameter:
    listed = {"type": "array", "items": schema, "maxItems": protocol.STREAMS_PER_SOCKET}
    return OpenApiParameter(name, listed, required=required, explode=True, description=words)


PARAMETERS = [
    _several(
        "stream",
        {"type": "string", "pattern": f"^{STREAM_NAME.pattern}$"},
        "As a resource names it.",
        required=True,
    ),
    _several(
        "e", {"type": "string", "maxLength": 16}, "For each stream, in their order, the epoch; with `o`."
    ),
    _several(
        "o", {"type": "string", "pattern": "^[0-9]{1,15}$"}, "For each the offset. Without: from now on."
    ),
]
WAIT = OpenApiParameter(
    "wait",
    {"type": "number", "minimum": 0, "maximum": int(LONGEST_WAIT), "default": int(LONGEST_WAIT)},
    description="Seconds until it is answered though nothing happened.",
)
LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID", {"type": "string"}, OpenApiParameter.HEADER, description="Wins over `e` and `o`."
)
REFUSED = {
    (status, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, words)
    for status, words in {
        400: "The query means nothing, or two things.",
        401: "`bad_ticket`, `token_invalid`: what was sent to say who asks opens nothing.",
        403: "A page of another site.",
        404: "None of the streams is there for the caller.",
        429: "More connections than one account may have.",
        503: "The server leaves, or greets too many: `Retry-After`.",
    }.items()
}


class PollDoor(ApiView):
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="events_poll",
        parameters=[*PARAMETERS, WAIT],
        responses={200: FramesSerializer, **REFUSED},
    )
    def get(self, request: Request) -> Response:
        """Long poll: answered when something happens on one of the streams, or after `wait` seconds.

        The next request, with the positions of the last `ok` or `ev` of each stream, is the acknowledgement.
        Besides the access token it takes `Authorization: Ticket <ticket>`, which is how a guest is known.
        """
        raise NotImplementedError


class StreamDoor(ApiView):
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="events_stream",
        parameters=[*PARAMETERS, LAST_EVENT_ID],
        responses={(200, "text/event-stream"): OpenApiResponse(str, "Each `data:` is a frame."), **REFUSED},
    )
    def get(self, request: Request) -> Response:
        """The same as server-sent events, for as long as the connection holds."""
        raise NotImplementedError


def with_doors(endpoints: list[Any]) -> list[Any]:
    """A preprocessing hook of drf-spectacular: adds the endpoints that are no views of DRF."""
    doors = {ROOT: PollDoor.as_view(), f"{ROOT}stream/": StreamDoor.as_view()}
    return [*endpoints, *((path, path, "GET", view) for path, view in doors.items())]
