"""Being told when a print is back or costs less: an account asks, a guest by a link that says the address is theirs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from shop.alerts.invitations import TooManyLinks, invite
from shop.alerts.models import Alert
from shop.alerts.services import ThereAlready, ask
from shop.api.refusals import NotFound, Unfit
from shop.api.schema import refusals
from shop.api.shapes import Amount, EmailText, PageQuery, PageSerializer, Strict, fit_email
from shop.api.views import ApiViewSet
from shop.catalog.models import Variant
from shop.letters import confirmed_address


class AlertSerializer(serializers.ModelSerializer):
    sku = serializers.CharField(source="variant.sku")
    product = serializers.SlugField(source="variant.product.slug")
    title = serializers.CharField(source="variant.product.title")
    options = serializers.CharField(source="variant.label")
    price = Amount(source="variant.price", help_text="What it costs now.")
    price_asked = Amount(
        allow_null=True, help_text="Told of when it costs less than this; null for `stock.back`."
    )
    occasion = serializers.CharField(help_text="To be read after “We will tell you”.")

    class Meta:
        model = Alert
        fields = (
            *(
                "id",
                "kind",
                "sku",
                "product",
                "title",
                "options",
                "price",
                "price_asked",
                "occasion",
                "asked_at",
            ),
        )


class AlertsPageSerializer(PageSerializer):
    results = AlertSerializer(many=True)
    email_confirmed = serializers.BooleanField(help_text="Until it is, alerts come to the inbox only.")


class AskAlertSerializer(Strict):
    sku = serializers.CharField(max_length=40)
    kind = serializers.ChoiceField(Alert.Kind.choices)
    email = EmailText(
        max_length=254, required=False, help_text="A guest's; an account has its own, and must not say it."
    )


class InvitedSerializer(serializers.Serializer):
    detail = serializers.CharField()


class AlertViewSet(ApiViewSet):
    queryset = Alert.objects.none()
    lookup_url_kwarg = "alert_id"
    lookup_value_regex = "[0-9]{1,15}"

    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny() if self.action == "create" else IsAuthenticated()]

    @extend_schema(operation_id="alerts_list", parameters=[PageQuery], responses=AlertsPageSerializer)
    def list(self, request: Request) -> Response:
        """What the account waits for, the oldest first."""
        PageQuery.read(request)
        alerts = request.user.alerts.waiting().loaded()  # type: ignore[union-attr, misc]
        confirmed = confirmed_address(request.user.pk or 0) is not None
        return self.page(alerts, AlertSerializer, email_confirmed=confirmed)

    @extend_schema(
        operation_id="alerts_ask",
        request=AskAlertSerializer,
        responses={201: AlertSerializer, 202: InvitedSerializer, **refusals(ThereAlready, TooManyLinks)},
        examples=[
            OpenApiExample("an account", {"sku": "FETCH-30", "kind": "stock.back"}, request_only=True),
            OpenApiExample(
                "a guest",
                {"sku": "FETCH-30", "kind": "price.drop", "email": "nora@example.com"},
                request_only=True,
            ),
        ],
    )
    def create(self, request: Request) -> Response:
        """Asks to be told; asked twice, it keeps its place. A guest asks by following a link that is mailed (202)."""
        asked = AskAlertSerializer.read(request)
        variant, kind = _find(asked["sku"]), asked["kind"]
        email = asked.get("email")
        if not request.user.is_authenticated:
            to = fit_email(email or "", missing="A guest must say where to.")
            invite(variant, kind, to, asked_from=request.META["REMOTE_ADDR"])
            words = f"We have sent a link to {email}. Follow it to say that the address is yours."
            return Response({"detail": words}, status=202)
        if email is not None:
            raise Unfit({"email": ["An account is told at its own address."]}, "not_a_guest")
        alert = ask(variant, kind, user=request.user)
        shown = AlertSerializer(
            Alert.objects.loaded().get(pk=alert.pk), context=self.get_serializer_context()
        )
        return Response(shown.data, status=201)

    @extend_schema(operation_id="alerts_stop", responses={204: None})
    def destroy(self, request: Request, alert_id: str) -> Response:
        """Waits no longer."""
        if not request.user.alerts.filter(pk=int(alert_id)).delete()[0]:  # type: ignore[union-attr, misc]
            raise NotFound
        return Response(status=204)


def _find(sku: str) -> Variant:
    variants: Any = Variant.objects.buyable().with_options().select_related("product")  # type: ignore[attr-defined]
    variant = variants.filter(sku=sku).first()
    if variant is None:
        raise Unfit({"sku": [f"{sku} is not for sale."]}, "not_for_sale")
    return variant
