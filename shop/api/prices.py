"""What a list of variants would cost, with every step and, of each offer, why it applies or does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django_countries.serializer_fields import CountryField
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shop.api.refusals import Unfit
from shop.api.schema import refusals
from shop.api.shapes import Amount, StepSerializer, Strict
from shop.api.views import ApiView, PublicMixin
from shop.cart.models import MAX_QUANTITY
from shop.cart.review import item_of, totals_of
from shop.catalog.models import Variant
from shop.orders.services import customer_of
from shop.places import Destination
from shop.pricing.services import Item
from shop.pricing.vat_ids import VatIdInvalid, read_vat_id
from shop.promotions.coupons import CouponExpired, CouponNotYet, CouponUnknown
from shop.promotions.guessing import TooManyGuesses, counting_guesses
from shop.promotions.models import Coupon

MOST_LINES = 100


class WantedLineSerializer(Strict):
    sku = serializers.CharField(max_length=40)
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_QUANTITY)


class WantedSerializer(Strict):
    lines = serializers.ListField(child=WantedLineSerializer(), min_length=1, max_length=MOST_LINES)
    code = serializers.CharField(max_length=40, required=False, allow_blank=True)
    country = CountryField(required=False)
    region = serializers.CharField(max_length=40, required=False, allow_blank=True)
    postal_code = serializers.CharField(max_length=20, required=False, allow_blank=True)
    vat_id = serializers.CharField(max_length=20, required=False, allow_blank=True)


def _found(lines: list[dict[str, Any]]) -> list[Item]:
    """Raises Unfit, naming what is not for sale or comes twice."""
    skus = [line["sku"] for line in lines]
    rows = Variant.objects.buyable().select_related("product__category")  # type: ignore[attr-defined]
    found = {variant.sku: variant for variant in rows.filter(sku__in=skus)}
    if unknown := {place: sku for place, sku in enumerate(skus) if sku not in found}:
        faults = {place: {"sku": [f"{sku} is not for sale."]} for place, sku in unknown.items()}
        raise Unfit({"lines": faults}, "not_for_sale")
    if twice := [place for place, sku in enumerate(skus) if sku in skus[:place]]:
        raise Unfit({"lines": {place: {"sku": ["Each SKU once, please."]} for place in twice}}, "twice")
    return [item_of(line["sku"], found[line["sku"]], line["quantity"]) for line in lines]


class VerdictSerializer(serializers.Serializer):
    name = serializers.CharField(source="terms.name")
    code = serializers.CharField(source="terms.code")
    applied = serializers.BooleanField()
    amount = Amount()
    words = serializers.CharField()


class PricedLineSerializer(serializers.Serializer):
    sku = serializers.CharField(source="item.key")
    quantity = serializers.IntegerField(source="item.quantity")
    unit_price = Amount(source="item.unit_price")
    discount = Amount()
    total = Amount()


class TotalsSerializer(serializers.Serializer):
    lines = PricedLineSerializer(many=True)
    subtotal = Amount()
    discount = Amount()
    tax_added = Amount()
    tax = Amount()
    tax_note = serializers.CharField(source="taxation.note")
    total = Amount()
    steps = StepSerializer(many=True)
    offers = VerdictSerializer(source="verdicts", many=True)


def _destination(data: Mapping[str, Any]) -> Destination:
    country = str(data.get("country") or settings.SHOP_COUNTRY)
    vat_id = read_vat_id(data["vat_id"], country) if data.get("vat_id") else ""
    return Destination.of({**data, "country": country}, vat_id)


class PricesView(PublicMixin, ApiView):
    @extend_schema(
        operation_id="prices_ask",
        request=WantedSerializer,
        responses={
            200: TotalsSerializer,
            **refusals(CouponUnknown, CouponNotYet, CouponExpired, TooManyGuesses, VatIdInvalid),
        },
        examples=[
            OpenApiExample(
                "Two of one, to France",
                {"lines": [{"sku": "LF-30x40-OAK", "quantity": 2}], "code": "HARBOUR10", "country": "FR"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """What a list of variants would cost, every step of it. Delivery is not in it, and nothing is kept."""
        data = WantedSerializer.read(request)
        totals = totals_of(
            _found(data["lines"]),
            coupon=self._coupon(request, data.get("code", "")),
            destination=_destination(data),
            customer=customer_of(request.user),
        )
        return Response(TotalsSerializer(totals).data)

    def _coupon(self, request: Request, code: str) -> Coupon | None:
        if not code:
            return None
        with counting_guesses(request.user.pk, request.META["REMOTE_ADDR"]):
            return Coupon.objects.redeemable(code)
