from typing import Any

from django.db.models import QuerySet
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import PostalAddress
from notifications.inbox import inbox_stream
from notifications.log import position
from shop.api.shapes import Amount, StepSerializer, stream
from shop.api.views import ApiViewSet
from shop.orders.models import Order, OrderEvent, OrderLine, Shipment, ShipmentLine


class LineSerializer(serializers.ModelSerializer):
    unit_price = Amount()
    discount = Amount()
    tax_added = Amount()
    tax = Amount()
    total = Amount()

    class Meta:
        model = OrderLine
        amounts = ("unit_price", "discount", "tax_added", "tax", "total")
        fields = ("sku", "title", "options", "quantity", "ahead", "lead_days", "tax_percent", *amounts)


class EventSerializer(serializers.ModelSerializer):
    class Meta:
        model = OrderEvent
        fields = ("kind", "created_at")


class ShipmentLineSerializer(serializers.ModelSerializer):
    sku = serializers.CharField(source="order_line.sku")

    class Meta:
        model = ShipmentLine
        fields = ("sku", "quantity")


class ShipmentSerializer(serializers.ModelSerializer):
    tracking_url = serializers.CharField()
    lines = ShipmentLineSerializer(many=True)

    class Meta:
        model = Shipment
        fields = ("carrier", "tracking_number", "tracking_url", "shipped_at", "delivered_at", "lines")


class OrderSerializer(serializers.ModelSerializer):
    url = serializers.HyperlinkedIdentityField(view_name="api:order-detail", lookup_field="public_id")
    status_text = serializers.CharField(source="get_status_display")
    total = Amount()
    lines = LineSerializer(many=True)

    class Meta:
        model = Order
        fields: tuple[str, ...] = (
            "url",
            "public_id",
            "number",
            "status",
            "status_text",
            "placed_at",
            "total",
            "lines",
        )


class OrderDetailSerializer(OrderSerializer):
    address = serializers.SerializerMethodField()
    subtotal = Amount()
    discount = Amount()
    shipping = Amount()
    tax_added = Amount()
    tax = Amount()
    shipments = ShipmentSerializer(many=True)
    events = EventSerializer(many=True)
    steps = StepSerializer(many=True)

    class Meta(OrderSerializer.Meta):
        amounts = ("subtotal", "discount", "shipping", "tax_added", "tax")
        fields = (
            *OrderSerializer.Meta.fields,
            *amounts,
            "steps",
            "email",
            "address",
            "shipping_name",
            "tax_treatment",
            "tax_note",
            "vat_id",
            "shipments",
            "events",
        )

    def get_address(self, order: Order) -> dict[str, str]:
        return {name: str(getattr(order, name)) for name in PostalAddress.FIELDS}


class OrderViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """The caller's own orders; anybody else's are not found."""

    lookup_field = "public_id"
    lookup_value_regex = r"[\w-]+"

    def get_serializer_class(self) -> type[OrderSerializer]:
        return OrderSerializer if self.action == "list" else OrderDetailSerializer

    def get_queryset(self) -> QuerySet[Order]:
        orders = self.request.user.orders.all()  # type: ignore[union-attr, misc]
        return orders.prefetch_related("lines") if self.action == "list" else orders.for_page()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        name = inbox_stream(request.user)  # type: ignore[arg-type]
        here = position(name)
        response = super().list(request, *args, **kwargs)
        response.data["stream"] = stream(name, here)
        return response

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        name = f"order:{kwargs['public_id']}"
        here = position(name)
        response = super().retrieve(request, *args, **kwargs)
        response.data["stream"] = stream(name, here)
        return response
