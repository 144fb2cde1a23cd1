"""Sending something back: asking for it, seeing what became of it, and keeping it after all."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from shop.api.guests import GuestMixin
from shop.api.ownership import ONLY_LOOKS, ORDER, find_order, find_own_order
from shop.api.refusals import NotFound, Unfit
from shop.api.schema import refusals
from shop.api.shapes import PageQuery, PageSerializer, Strict
from shop.api.views import ApiViewSet
from shop.orders.models import Order
from shop.returns.models import Return, ReturnLine, WrongReturnStatus
from shop.returns.services import NothingToReturn, request_return, withdraw_return

LARGEST_ID = 2**53 - 1
MOST_LINES = 100


class ReturnLineSerializer(serializers.ModelSerializer):
    line: serializers.Field = serializers.IntegerField(source="order_line_id")
    sku = serializers.CharField(source="order_line.sku")
    title = serializers.CharField(source="order_line.title")

    class Meta:
        model = ReturnLine
        fields = ("line", "sku", "title", "quantity")


class ReplacementSerializer(serializers.ModelSerializer):
    """The order that comes instead."""

    number = serializers.CharField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = Order
        fields = ("public_id", "number", "url")

    @extend_schema_field(serializers.URLField())
    def get_url(self, order: Order) -> str:
        return reverse("api:order-detail", args=[order.public_id], request=self.context["request"])


class ReturnSerializer(serializers.ModelSerializer):
    status_text = serializers.CharField(source="get_status_display")
    can_withdraw = serializers.BooleanField(help_text="Until it has arrived here.")
    replacement = ReplacementSerializer(allow_null=True)
    lines = ReturnLineSerializer(many=True)

    class Meta:
        model = Return
        fields = (
            *("id", "status", "status_text", "can_withdraw", "reason", "wish", "note", "answer"),
            *("requested_at", "replacement", "lines"),
        )
        extra_kwargs = {
            "note": {"help_text": "In the buyer's words."},
            "answer": {"help_text": "In ours."},
        }


class ReturnsPageSerializer(PageSerializer):
    results = ReturnSerializer(many=True)


class ReturnedLineSerializer(Strict):
    line = serializers.IntegerField(
        min_value=1,
        max_value=LARGEST_ID,
        help_text="The line's id; `may.returns` of the order says which and how many.",
    )
    quantity = serializers.IntegerField(min_value=1, max_value=10_000)


class AskReturnSerializer(Strict):
    lines = serializers.ListField(child=ReturnedLineSerializer(), min_length=1, max_length=MOST_LINES)
    reason = serializers.ChoiceField(Return.Reason.choices)
    wish = serializers.ChoiceField(Return.Wish.choices, default=Return.Wish.REFUND)
    note = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        help_text="Anything we should know; of an exchange, which print it shall be.",
    )


EXAMPLE = OpenApiExample(
    "one of two came damaged",
    {
        "lines": [{"line": 4711, "quantity": 1}],
        "reason": "damaged",
        "wish": "exchange",
        "note": "A corner is bent. The same again, please.",
    },
    request_only=True,
)


@extend_schema(parameters=[ORDER])
class ReturnViewSet(GuestMixin, ApiViewSet):
    queryset = Return.objects.none()
    lookup_url_kwarg = "return_id"
    lookup_value_regex = "[0-9]{1,15}"

    @extend_schema(operation_id="returns_list", parameters=[PageQuery], responses=ReturnsPageSerializer)
    def list(self, request: Request, public_id: str) -> Response:
        """What was asked for of an order so far, the newest first."""
        PageQuery.read(request)
        return self.page(find_order(request, public_id).returns.in_full().order_by("-id"), ReturnSerializer)

    @extend_schema(
        operation_id="returns_ask",
        request=AskReturnSerializer,
        responses={201: ReturnSerializer, **ONLY_LOOKS, **refusals(NothingToReturn)},
        examples=[EXAMPLE],
    )
    def create(self, request: Request, public_id: str) -> Response:
        """Asks to send something back. A person answers within two working days."""
        order = find_own_order(request, public_id)
        wanted = AskReturnSerializer.read(request)
        quantities = _quantities(wanted.pop("lines"))
        return self._shown(order, request_return(order, quantities, by=self.user_or_none, **wanted).pk, 201)

    @extend_schema(operation_id="returns_retrieve", responses=ReturnSerializer)
    def retrieve(self, request: Request, public_id: str, return_id: str) -> Response:
        """One return."""
        return self._shown(find_order(request, public_id), int(return_id))

    @extend_schema(
        operation_id="returns_withdraw",
        request=None,
        responses={200: ReturnSerializer, **ONLY_LOOKS, **refusals(WrongReturnStatus)},
    )
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, public_id: str, return_id: str) -> Response:
        """The buyer keeps it after all."""
        order = find_own_order(request, public_id)
        withdraw_return(_find(order, int(return_id)), by=self.user_or_none)
        return self._shown(order, int(return_id))

    def _shown(self, order: Order, pk: int, status: int = 200) -> Response:
        shown = ReturnSerializer(_find(order, pk), context=self.get_serializer_context())
        return Response(shown.data, status=status)


def _find(order: Order, pk: int) -> Return:
    found = order.returns.in_full().filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def _quantities(lines: list[dict[str, int]]) -> dict[int, int]:
    """By the line's id. Raises Unfit for one that is named twice."""
    ids = [one["line"] for one in lines]
    if twice := [place for place, pk in enumerate(ids) if pk in ids[:place]]:
        raise Unfit({"lines": {place: {"line": ["Each line once, please."]} for place in twice}}, "twice")
    return {one["line"]: one["quantity"] for one in lines}
