"""An order as its buyer is shown it, in parts."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.reverse import reverse

from shop.api.members import ChosenMixin
from shop.api.shapes import Amount
from shop.invoices.models import Document
from shop.orders.models import Order, OrderEdit, OrderEditLine, OrderLine, Shipment, ShipmentLine
from shop.payments.models import Payment, Refund

CALLED_OFF = (Order.Status.CANCELLED, Order.Status.REFUNDED)


class OrderLineSerializer(serializers.ModelSerializer):
    """What was bought, as it was then, and what became of it since."""

    gross = Amount(help_text="`unit_price` times `quantity`, before any discount.")
    unit_price = Amount()
    discount = Amount()
    tax_added = Amount()
    tax = Amount()
    total = Amount()

    class Meta:
        model = OrderLine
        amounts = ("unit_price", "gross", "discount", "tax_added", "tax", "total")
        counts = ("quantity", "shipped", "cancelled", "refunded", "returned", "to_ship")
        fields: tuple[str, ...] = (
            *("id", "sku", "title", "options", *counts, "ahead", "lead_days", "tax_percent"),
            *amounts,
        )
        extra_kwargs = {
            "returned": {"help_text": "On their way back to us, or back."},
            "ahead": {"help_text": "So many of them were to be made first, and to leave in `lead_days`."},
        }

    to_ship = serializers.SerializerMethodField(
        help_text="So many are still to be sent; none of an order that was called off."
    )

    @extend_schema_field(serializers.IntegerField(min_value=0))
    def get_to_ship(self, line: OrderLine) -> int:
        return 0 if line.order.status in CALLED_OFF else line.to_ship


class OrderDetailLineSerializer(OrderLineSerializer):
    exchanged = serializers.SerializerMethodField(help_text="So many of `refunded` became another print.")

    class Meta(OrderLineSerializer.Meta):
        fields = (*OrderLineSerializer.Meta.fields, "exchanged")

    def get_exchanged(self, line: OrderLine) -> int:
        return self.context["exchanged"].get(line.pk, 0)


class OrderAddressSerializer(serializers.Serializer):
    """Where the parcel goes. `lines` is how it is written on it, in the order of the country."""

    name = serializers.CharField()
    company = serializers.CharField(allow_blank=True)
    line1 = serializers.CharField()
    line2 = serializers.CharField(allow_blank=True)
    city = serializers.CharField()
    region = serializers.CharField(allow_blank=True)
    postal_code = serializers.CharField(allow_blank=True)
    country = serializers.RegexField(r"^[A-Z]{2}$", help_text="ISO 3166-1 alpha-2.")
    phone = serializers.CharField(allow_blank=True)
    lines = serializers.ListField(child=serializers.CharField(), source="as_lines")


class DeliverySerializer(serializers.Serializer):
    name = serializers.CharField(source="shipping_name")
    days_min = serializers.IntegerField(source="shipping_days_min")
    days_max = serializers.IntegerField(source="shipping_days_max")
    leaves_by = serializers.DateField(
        source="ships_by", allow_null=True, help_text="What was promised, where some of it is made to order."
    )


class ShipmentLineSerializer(serializers.ModelSerializer):
    line: serializers.Field = serializers.IntegerField(source="order_line_id")
    sku = serializers.CharField(source="order_line.sku")
    title = serializers.CharField(source="order_line.title")

    class Meta:
        model = ShipmentLine
        fields = ("line", "sku", "title", "quantity")


class ShipmentSerializer(serializers.ModelSerializer):
    tracking_url = serializers.CharField(
        help_text="The carrier's own page about it; empty where there is none."
    )
    lines = ShipmentLineSerializer(many=True)

    class Meta:
        model = Shipment
        fields = ("carrier", "tracking_number", "tracking_url", "shipped_at", "delivered_at", "lines")


class RefundSerializer(serializers.ModelSerializer):
    amount = Amount()
    status_text = serializers.CharField(source="get_status_display")

    class Meta:
        model = Refund
        fields = ("amount", "status", "status_text", "created_at")


class PaymentSerializer(serializers.ModelSerializer):
    """Money that came, that a bank holds for us, or that it still thinks about. What was declined is in the log."""

    amount = Amount()
    status_text = serializers.CharField(source="get_status_display")
    gift_card = serializers.SerializerMethodField(help_text="Whether a gift card gave it.")
    of_edit = serializers.SerializerMethodField(help_text="Whether it is the difference of a change.")
    refunds = RefundSerializer(many=True)

    class Meta:
        model = Payment
        fields = (
            *("method", "gift_card", "of_edit", "amount", "status", "status_text", "created_at"),
            "refunds",
        )
        extra_kwargs = {"method": {"help_text": "Such as `visa ···· 4242`; empty until it is known."}}

    def get_gift_card(self, payment: Payment) -> bool:
        return payment.gift_card_id is not None

    def get_of_edit(self, payment: Payment) -> bool:
        return payment.edit_id is not None


class OrderEditLineSerializer(serializers.ModelSerializer):
    total = Amount()

    class Meta:
        model = OrderEditLine
        fields = ("sku", "title", "options", "quantity", "total")
        extra_kwargs = {"quantity": {"help_text": "Below zero for what is taken off."}}


class OrderEditSerializer(serializers.ModelSerializer):
    """A change of a paid order that counts once its difference is paid; if it is not, the order stays as it is."""

    difference = Amount()
    words = serializers.CharField(source="named")
    lines = OrderEditLineSerializer(many=True)
    expires_at = serializers.DateTimeField()

    class Meta:
        model = OrderEdit
        fields = ("difference", "words", "why", "expires_at", "lines")


class DocumentSerializer(serializers.ModelSerializer):
    """An invoice or a credit note."""

    number = serializers.RegexField(r"^(INV|CN)-[0-9]{4}-[0-9]{5,}$")
    total = Amount()
    url = serializers.SerializerMethodField(help_text="The paper itself, a PDF.")

    class Meta:
        model = Document
        fields = ("number", "kind", "issued_at", "total", "url")

    @extend_schema_field(serializers.URLField())
    def get_url(self, document: Document) -> str:
        args = [document.reference, document.number]
        return reverse("api:order-document-detail", args=args, request=self.context["request"])


class MayReturnSerializer(serializers.Serializer):
    line = serializers.IntegerField(help_text="The line's id.")
    sku = serializers.CharField()
    most = serializers.IntegerField(min_value=1)


class MaySerializer(serializers.Serializer):
    """What the caller may do now. What comes later may have changed it: each of them may still be refused."""

    cancel = serializers.BooleanField()
    goes_back = Amount(help_text="What is refunded if it is cancelled now.")
    pay = serializers.BooleanField()
    to_pay = Amount(allow_null=True, help_text="For the order, or for a change of it; null where nothing is.")
    claim = serializers.BooleanField(help_text="Moving it to the caller's account.")
    returns = MayReturnSerializer(many=True, help_text="Empty where nothing can be sent back.")


class OrderSerializer(serializers.ModelSerializer):
    url = serializers.HyperlinkedIdentityField(view_name="api:order-detail", lookup_field="public_id")
    number = serializers.RegexField(r"^BW-[0-9]+$", help_text="What people say on the telephone.")
    status_text = serializers.CharField(source="get_status_display")
    total = Amount()
    lines: Any = OrderLineSerializer(many=True)

    class Meta:
        model = Order
        fields: tuple[str, ...] = (
            *("url", "public_id", "number", "status", "status_text", "placed_at", "reserved_until"),
            *("total", "lines"),
        )
        extra_kwargs = {
            "public_id": {"help_text": "Of a guest's order its secret: whoever knows it may see the order."},
            "reserved_until": {"help_text": "Unpaid by then, it is called off."},
        }


@extend_schema_serializer(component_name="Order")
class OrderCardSerializer(ChosenMixin, OrderSerializer):
    """In a list: what `fields` names, otherwise all."""
