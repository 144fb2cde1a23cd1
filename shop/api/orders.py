"""Orders: one's own in a list, each in full, and what its buyer may do with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from notifications.inbox import inbox_stream
from notifications.log import position
from notifications.protocol import Position
from shop.api.guests import CART_TOKEN, DROP_PLACES, GuestMixin
from shop.api.members import MembersQuery, names
from shop.api.order_in_full import OrderDetailSerializer, in_full
from shop.api.order_shapes import OrderCardSerializer
from shop.api.ownership import ONLY_LOOKS, PUBLIC_ID, find_order, find_own_order
from shop.api.paging import Cursor
from shop.api.schema import refusals
from shop.api.shapes import PageQuery, PageSerializer, StreamSerializer, Strict, stream
from shop.api.views import ApiViewSet
from shop.cart.services import open_cart
from shop.orders.editing import BEFORE_PACKING
from shop.orders.models import Order, WrongStatus
from shop.orders.refilling import refill
from shop.orders.services import EmailNotVerified, OtherAddress, claim_order, claim_orders
from shop.payments.cancellations import cancel_order

LATEST_COMMIT = timedelta(minutes=1)  # what is in the log by its time may be committed so much later
FOR_ACCOUNTS = {"list", "claim", "claim_all"}


class OrdersQuery(PageQuery, MembersQuery):
    plain = OrderCardSerializer.Meta.fields

    fields = names(plain, "Only these members of each order.")  # type: ignore[assignment]
    status = serializers.ChoiceField(Order.Status.choices, required=False)
    changed_since = serializers.DateTimeField(
        required=False,
        help_text="Only orders to which anything happened from then on: `as_of` of an earlier list.",
    )
    begun = serializers.RegexField(
        r"^[0-9a-f]{0,16}\.[0-9]{1,15}\.[0-9]{1,11}$",
        required=False,
        help_text="Stands in `next`: when the first page was read. Nothing to make oneself.",
    )


class OrdersPageSerializer(PageSerializer):
    """Every page says `stream` and `as_of` of the first one, so that what changes while one turns pages is not lost."""

    results = OrderCardSerializer(many=True)
    stream = StreamSerializer(
        help_text="The inbox: follow it from here, and no change of any order is missed."
    )
    as_of = serializers.DateTimeField(help_text="For the next `changed_since`.")


class Begun(NamedTuple):
    """When the first page of a list was read: what happened since is for the next one, or for the inbox."""

    here: Position
    as_of: datetime

    @classmethod
    def now(cls, name: str) -> Begun:
        return cls(position(name), (timezone.now() - LATEST_COMMIT).replace(microsecond=0))

    @classmethod
    def read(cls, text: str) -> Begun:
        epoch, offset, seconds = text.split(".")
        return cls(Position(epoch, int(offset)), datetime.fromtimestamp(int(seconds), UTC))

    def __str__(self) -> str:
        return f"{self.here.epoch}.{self.here.offset}.{int(self.as_of.timestamp())}"


class OrderCursor(Cursor):
    begun: Begun

    def paginate_queryset(self, *args: Any, **kwargs: Any) -> Any:
        rows = super().paginate_queryset(*args, **kwargs)
        self.base_url = replace_query_param(self.base_url or "", "begun", str(self.begun))
        return rows


class CancelSerializer(Strict):
    why = serializers.CharField(max_length=200, required=False, allow_blank=True)


class ClaimedSerializer(serializers.Serializer):
    claimed = serializers.IntegerField(min_value=0, help_text="So many orders moved to the account.")


class RefilledSerializer(serializers.Serializer):
    sku = serializers.CharField(source="line.sku")
    title = serializers.CharField(source="line.title")
    wanted = serializers.IntegerField(source="line.quantity")
    added = serializers.IntegerField(min_value=0)
    code = serializers.SerializerMethodField(help_text="Why not all of it, for programs; see `problems/`.")
    words = serializers.CharField(
        allow_blank=True, help_text="The same for people; empty where all of it is back."
    )

    def get_code(self, refilled: Any) -> str:
        return refilled.refusal.code if refilled.refusal else ""


class RefillSerializer(serializers.Serializer):
    cart_token = serializers.CharField(allow_null=True, help_text="The guest's cart; an account has its own.")
    lines = RefilledSerializer(many=True)


class OrderViewSet(GuestMixin, ApiViewSet):
    queryset = Order.objects.none()
    pagination_class = OrderCursor
    lookup_field = "public_id"
    lookup_value_regex = PUBLIC_ID

    def get_permissions(self) -> list[BasePermission]:
        return [IsAuthenticated() if self.action in FOR_ACCOUNTS else AllowAny()]

    @extend_schema(operation_id="orders_list", parameters=[OrdersQuery], responses=OrdersPageSerializer)
    def list(self, request: Request) -> Response:
        """The account's own orders, the newest first."""
        asked = OrdersQuery.read(request)
        name = inbox_stream(request.user)  # type: ignore[arg-type]
        # Before the rows: what happens in between is told twice rather than never.
        begun = Begun.read(asked["begun"]) if asked.get("begun") else Begun.now(name)
        members = OrdersQuery.members(asked)
        orders = request.user.orders.prefetch_related(*{"lines"} & members)  # type: ignore[union-attr, misc]
        if "status" in asked:
            orders = orders.filter(status=asked["status"])
        if "changed_since" in asked:
            orders = orders.changed_since(asked["changed_since"])
        self.paginator.begun = begun  # type: ignore[union-attr]
        return self.page(
            orders, OrderCardSerializer, members, stream=stream(name, begun.here), as_of=begun.as_of
        )

    @extend_schema(operation_id="orders_retrieve", responses=OrderDetailSerializer)
    def retrieve(self, request: Request, public_id: str) -> Response:
        """Everything about one order: the account's own, or a guest's by its public id, which cannot be guessed."""
        return self._in_full(request, public_id)

    @extend_schema(
        operation_id="orders_cancel",
        request=CancelSerializer,
        responses={200: OrderDetailSerializer, **ONLY_LOOKS, **refusals(WrongStatus)},
        examples=[OpenApiExample("cancel", {"why": "I ordered the wrong size."}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, public_id: str) -> Response:
        """Calls an order off before it is packed. What was paid goes back; the answer is the order as it is then."""
        order = find_own_order(request, public_id)
        asked = CancelSerializer.read(request)
        cancel_order(order, by=self.user_or_none, why=asked.get("why", ""), only_from=BEFORE_PACKING)
        return self._in_full(request, public_id)

    @extend_schema(
        operation_id="orders_claim",
        request=None,
        responses={200: OrderDetailSerializer, **ONLY_LOOKS, **refusals(EmailNotVerified, OtherAddress)},
    )
    @action(detail=True, methods=["post"])
    def claim(self, request: Request, public_id: str) -> Response:
        """Moves this guest's order, and all others of the account's confirmed addresses, to the account."""
        claim_order(find_own_order(request, public_id), request.user)  # type: ignore[arg-type]
        return self._in_full(request, public_id)

    @extend_schema(
        operation_id="orders_claim_all",
        request=None,
        responses={200: ClaimedSerializer, **refusals(EmailNotVerified)},
    )
    @action(detail=False, methods=["post"], url_path="claim")
    def claim_all(self, request: Request) -> Response:
        """Moves the guest orders of the account's confirmed addresses to the account."""
        return Response({"claimed": claim_orders(request.user)})  # type: ignore[arg-type]

    @extend_schema(
        operation_id="orders_refill",
        request=None,
        parameters=[CART_TOKEN, DROP_PLACES],
        responses=RefillSerializer,
    )
    @action(detail=True, methods=["post"])
    def refill(self, request: Request, public_id: str) -> Response:
        """Puts the lines of an order into the cart, as far as they can be had; says of each what could not."""
        order = find_order(request, public_id)
        cart = open_cart(request.user, self.cart_token)
        lines = refill(order, cart, self.places)
        token = None if cart.user_id else cart.token
        return Response(RefillSerializer({"cart_token": token, "lines": lines}).data)

    def _in_full(self, request: Request, public_id: str) -> Response:
        here = position(f"order:{public_id}")
        return Response(in_full(request, find_order(request, public_id), here))
