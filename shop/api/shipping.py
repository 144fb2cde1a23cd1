"""How the cart can travel to an address: our own ways, and what carriers answer within one deadline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_countries.serializer_fields import CountryField
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.postal import place_as_written
from shop.api.guests import CART_TOKEN, GuestMixin
from shop.api.postal import AN_ADDRESS, ParcelSerializer, address_of, destination_of
from shop.api.refusals import Unfit
from shop.api.schema import refusals
from shop.api.shapes import Amount
from shop.api.sums import SumsSerializer
from shop.api.waiting import Steps, WaitingView, waiting
from shop.cart.review import look_over
from shop.checkout.services import CartChanged, EmptyCart
from shop.checkout.sums import sums_of
from shop.orders.services import customer_of
from shop.places import Destination
from shop.pricing.vat_ids import VatIdInvalid
from shop.shipping.services import Options, gather_options


class DestinationSerializer(ParcelSerializer):
    """One of `address`, `address_id` and, while the rest is still being typed, `country`."""

    country = CountryField(required=False)
    region = serializers.CharField(max_length=120, required=False, allow_blank=True)
    postal_code = serializers.CharField(max_length=20, required=False, allow_blank=True)


class ShippingOptionSerializer(serializers.Serializer):
    code = serializers.CharField(help_text="For the order. A carrier's holds for two hours, for this parcel.")
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    price = Amount(help_text="Before offers and tax; `totals` has what comes of it.")
    days_min = serializers.IntegerField(min_value=0)
    days_max = serializers.IntegerField(min_value=0)
    collected = serializers.BooleanField(help_text="The buyer fetches it; no parcel is sent.")
    totals = SumsSerializer()


class ShippingOptionsSerializer(serializers.Serializer):
    options = ShippingOptionSerializer(many=True, help_text="The cheapest first.")
    left_out = serializers.ListField(
        child=serializers.CharField(), help_text="Carriers that did not answer in time, in words."
    )


class ShippingOptionsView(GuestMixin, WaitingView):
    headers_taken = (CART_TOKEN,)

    @extend_schema(
        operation_id="cart_shipping_options",
        request=DestinationSerializer,
        responses={200: ShippingOptionsSerializer, **refusals(EmptyCart, CartChanged, VatIdInvalid)},
        examples=[
            AN_ADDRESS,
            OpenApiExample(
                "As far as it is typed", {"country": "IE", "postal_code": "D13 F6K7"}, request_only=True
            ),
        ],
    )
    @waiting
    def post(self, request: Request) -> Steps:
        """The ways to send the cart there, each with all it would come to. Carriers are asked side by side."""
        sent = DestinationSerializer.read(request)
        destination = _destination(request, sent)
        looked = look_over(self.current_cart())
        if not looked.lines:
            raise EmptyCart
        if looked.blocked:
            raise CartChanged(notices=[line.problem for line in looked.lines if line.problem])
        customer = customer_of(request.user)
        goods = looked.totals(destination, customer=customer).goods
        options: Options = yield gather_options(destination, looked.weight_g, goods)
        rows = [
            {
                **{name: getattr(choice, name) for name in ("code", "name", "description", "price")},
                **{name: getattr(choice, name) for name in ("days_min", "days_max", "collected")},
                "totals": sums_of(looked, destination, choice.price, customer),
            }
            for choice in options.choices
        ]
        return Response(ShippingOptionsSerializer({"options": rows, "left_out": options.left_out}).data)


def _destination(request: Request, sent: Mapping[str, Any]) -> Destination:
    vat_id = sent.get("vat_id", "")
    if "country" not in sent:
        return destination_of(address_of(request, sent), vat_id)
    if "address" in sent or "address_id" in sent:
        raise Unfit({"country": ["Give an address, or a country instead."]}, "one_of")
    country = str(sent["country"])
    region, code = place_as_written(country, sent.get("region", ""), sent.get("postal_code", ""))
    return destination_of({"country": country, "region": region, "postal_code": code}, vat_id)
