"""Everything about one order: its rows, its money, its papers, and what the caller may do with it now."""

from __future__ import annotations

from typing import Any

from djmoney.money import Money
from rest_framework import serializers
from rest_framework.request import Request

from notifications.protocol import Position
from shop.api.order_shapes import (
    DeliverySerializer,
    DocumentSerializer,
    MaySerializer,
    OrderAddressSerializer,
    OrderDetailLineSerializer,
    OrderEditSerializer,
    OrderSerializer,
    PaymentSerializer,
    ShipmentSerializer,
)
from shop.api.returns import ReturnSerializer
from shop.api.shapes import Amount, StepSerializer, StreamSerializer, stream
from shop.orders.editing import BEFORE_PACKING
from shop.orders.invoicing import documents_of
from shop.orders.models import Order
from shop.orders.services import may_claim
from shop.payments.carried import exchanged_of
from shop.payments.refunds import goes_back_if_cancelled
from shop.payments.standing import Standing, standing_of
from shop.returns.services import returnable


class OrderDetailSerializer(OrderSerializer):
    lines = OrderDetailLineSerializer(many=True)
    address = OrderAddressSerializer(source="*")
    delivery = DeliverySerializer(source="*")
    subtotal = Amount()
    discount = Amount()
    shipping = Amount()
    tax_added = Amount()
    tax = Amount()
    refunded = Amount(help_text="What has left us, as far as the provider says.")
    steps = StepSerializer(many=True, help_text="How the total came about, as the buyer was told then.")
    shipments = ShipmentSerializer(many=True)
    payments = PaymentSerializer(many=True, source="standing.payments")
    payment_processing = serializers.BooleanField(help_text="The buyer's bank has not decided yet.")
    ran_out = serializers.BooleanField(help_text="It was called off because nobody paid it in time.")
    edit = OrderEditSerializer(source="standing.edit", allow_null=True)
    documents = DocumentSerializer(many=True)
    returns = ReturnSerializer(many=True, source="asked_returns")
    may = MaySerializer()
    stream = StreamSerializer(source="followed")

    class Meta(OrderSerializer.Meta):
        amounts = ("subtotal", "discount", "shipping", "tax_added", "tax")
        fields = (
            *OrderSerializer.Meta.fields,
            *("email", "address", "delivery", *amounts, "refunded", "steps", "coupon_code"),
            *(
                "tax_treatment",
                "tax_note",
                "vat_id",
                "shipments",
                "payments",
                "payment_processing",
                "ran_out",
            ),
            *("edit", "documents", "returns", "may", "stream"),
        )


def in_full(request: Request, order: Order, here: Position) -> dict[str, Any]:
    """`here` is where the order's stream stood before its rows were read."""
    for fact, value in {**_facts(request, order), "followed": stream(order.stream, here)}.items():
        setattr(order, fact, value)
    return OrderDetailSerializer(order, context={"request": request, "exchanged": exchanged_of(order)}).data


def _facts(request: Request, order: Order) -> dict[str, Any]:
    """What is not in the order's own rows."""
    standing = standing_of(order)
    ended = next((one.created_at for one in order.events.all() if one.kind == Order.Status.CANCELLED), None)
    return {
        "standing": standing,
        "refunded": standing.refunded,
        "payment_processing": standing.processing or standing.edit_processing,
        "ran_out": standing.by_card is None and order.ran_out(ended),
        "documents": documents_of(order),
        "asked_returns": order.returns.in_full(),
        "may": _may(request, order, standing),
    }


def _may(request: Request, order: Order, standing: Standing) -> dict[str, Any]:
    owner = order.is_of(request.user)
    cancel = owner and order.status in BEFORE_PACKING
    skus = {line.pk: line.sku for line in order.lines.all()}
    most = returnable(order) if owner else {}
    return {
        "cancel": cancel,
        "goes_back": goes_back_if_cancelled(order) if cancel else Money(0, order.total.currency),
        "pay": owner and standing.to_pay is not None,
        "to_pay": standing.to_pay if owner else None,
        "claim": may_claim(request.user, order),
        "returns": [{"line": pk, "sku": skus[pk], "most": count} for pk, count in most.items()],
    }
