"""Everything that is kept of an account, as one document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import PostalAddress
from shop.alerts.models import Alert
from shop.api.shapes import MoneySerializer
from shop.api.views import ApiView
from shop.invoices.models import Document
from shop.orders.models import Order
from shop.privacy.export import export_of
from shop.returns.models import Return


def _text() -> serializers.CharField:
    return serializers.CharField(allow_blank=True)


class ExportedAccountSerializer(serializers.Serializer):
    email = serializers.EmailField()
    first_name = _text()
    last_name = _text()
    joined_at = serializers.DateTimeField()
    last_sign_in_at = serializers.DateTimeField(allow_null=True)


class ExportedEmailSerializer(serializers.Serializer):
    email = serializers.EmailField()
    verified = serializers.BooleanField()
    primary = serializers.BooleanField()


class ExportedPostalSerializer(serializers.Serializer):
    def get_fields(self) -> dict[str, serializers.Field]:
        return {name: _text() for name in PostalAddress.FIELDS} | super().get_fields()


class ExportedAddressSerializer(ExportedPostalSerializer):
    is_default = serializers.BooleanField()


class ExportedDeviceSerializer(serializers.Serializer):
    name = serializers.CharField()
    user_agent = _text()
    ip = serializers.IPAddressField()
    signed_in_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()


class ExportedLineSerializer(serializers.Serializer):
    sku = serializers.CharField()
    title = serializers.CharField()
    options = _text()
    quantity = serializers.IntegerField(min_value=0)
    total = MoneySerializer()


class ExportedEventSerializer(serializers.Serializer):
    kind = serializers.CharField()
    at = serializers.DateTimeField()
    why = _text()


class ExportedParcelSerializer(serializers.Serializer):
    carrier = serializers.CharField()
    tracking_number = _text()
    shipped_at = serializers.DateTimeField(allow_null=True)


class ExportedDocumentSerializer(serializers.Serializer):
    number = serializers.CharField()
    kind = serializers.ChoiceField(Document.Kind.choices)
    issued_at = serializers.DateTimeField()
    content = serializers.JSONField(help_text="What the document says, as it was when it was issued.")


class ExportedPieceSerializer(serializers.Serializer):
    sku = serializers.CharField()
    quantity = serializers.IntegerField(min_value=0)


class ExportedReturnSerializer(serializers.Serializer):
    status = serializers.ChoiceField(Return.Status.choices)
    wish = serializers.ChoiceField(Return.Wish.choices)
    reason = serializers.ChoiceField(Return.Reason.choices)
    note = _text()
    answer = _text()
    requested_at = serializers.DateTimeField()
    lines = ExportedPieceSerializer(many=True)


class ExportedOrderSerializer(serializers.Serializer):
    number = serializers.CharField()
    status = serializers.ChoiceField(Order.Status.choices)
    placed_at = serializers.DateTimeField()
    email = _text()
    address = ExportedPostalSerializer()
    vat_id = _text()
    total = MoneySerializer()
    tax = MoneySerializer()
    lines = ExportedLineSerializer(many=True)
    events = ExportedEventSerializer(many=True)
    parcels = ExportedParcelSerializer(many=True)
    documents = ExportedDocumentSerializer(many=True)
    returns = ExportedReturnSerializer(many=True)


class ExportedAlertSerializer(serializers.Serializer):
    sku = serializers.CharField()
    kind = serializers.ChoiceField(Alert.Kind.choices)
    asked_at = serializers.DateTimeField()
    told_at = serializers.DateTimeField(allow_null=True)


class ExportedPreferenceSerializer(serializers.Serializer):
    kind = serializers.CharField()
    live = serializers.BooleanField()
    email = serializers.BooleanField()


class ExportedMessageSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    title = serializers.CharField()


class ExportSerializer(serializers.Serializer):
    made_at = serializers.DateTimeField()
    account = ExportedAccountSerializer()
    emails = ExportedEmailSerializer(many=True)
    addresses = ExportedAddressSerializer(many=True)
    devices = ExportedDeviceSerializer(many=True)
    orders = ExportedOrderSerializer(many=True)
    cart = ExportedPieceSerializer(many=True)
    alerts = ExportedAlertSerializer(many=True)
    preferences = ExportedPreferenceSerializer(many=True)
    messages = ExportedMessageSerializer(many=True)


class ExportView(ApiView):
    secret = True

    @extend_schema(operation_id="export_account", responses=ExportSerializer)
    def get(self, request: Request) -> Response:
        """Everything that is kept of the account, for its owner to read or to take elsewhere."""
        facts: Any = export_of(request.user)  # type: ignore[arg-type]
        return Response(ExportSerializer(facts).data)
