"""The address book of an account, and how an address is written in each country."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from django_countries import countries
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.address_forms import Field, form_of
from accounts.book import keep_address, make_default
from accounts.models import Address, PostalAddress
from accounts.postal import AddressInvalid, parcel_address
from shop.api.postal import EXAMPLE, PostalAddressSerializer
from shop.api.refusals import NotFound, Unfit
from shop.api.views import ApiView, PublicMixin

ADDRESS_ID = OpenApiParameter("address_id", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH)
COUNTRY = OpenApiParameter(
    "country", {"type": "string", "pattern": "^[A-Z]{2}$", "example": "IE"}, OpenApiParameter.PATH
)


class AddressSerializer(serializers.ModelSerializer):
    country = serializers.CharField(help_text="ISO 3166-1, two letters.")
    as_lines = serializers.ListField(child=serializers.CharField(), help_text="As it is shown to people.")

    class Meta:
        model = Address
        fields = ("id", *PostalAddress.FIELDS, "is_default", "as_lines")


class BookSerializer(serializers.Serializer):
    results = AddressSerializer(many=True)


class KeptAddressSerializer(PostalAddressSerializer):
    is_default = serializers.BooleanField(
        required=False,
        default=False,
        help_text="True takes the place of the default one; false changes nothing.",
    )


KEPT = OpenApiExample("Address", {**EXAMPLE, "is_default": True}, request_only=True)


class AddressesView(ApiView):
    @extend_schema(operation_id="list_addresses", responses=BookSerializer)
    def get(self, request: Request) -> Response:
        """The address book, the default one first."""
        rows: Any = request.user.addresses.all()  # type: ignore[union-attr]
        return Response(BookSerializer({"results": rows}).data)

    @extend_schema(
        operation_id="add_address",
        request=KeptAddressSerializer,
        responses={201: AddressSerializer},
        examples=[KEPT],
    )
    @transaction.atomic
    def post(self, request: Request) -> Response:
        """Add an address; the first one becomes the default. What does not fit its country is 422 at the field."""
        sent, fields = _written(request)
        address = keep_address(request.user, fields)  # type: ignore[arg-type]
        if sent["is_default"]:
            make_default(address)
        return Response(AddressSerializer(address).data, status=201)


class AddressView(ApiView):
    @extend_schema(operation_id="address", parameters=[ADDRESS_ID], responses=AddressSerializer)
    def get(self, request: Request, address_id: int) -> Response:
        """An address of the book."""
        return Response(AddressSerializer(_own(request, address_id)).data)

    @extend_schema(
        operation_id="change_address",
        parameters=[ADDRESS_ID],
        request=KeptAddressSerializer,
        responses=AddressSerializer,
        examples=[KEPT],
    )
    @transaction.atomic
    def put(self, request: Request, address_id: int) -> Response:
        """Write an address anew, as a whole. Orders keep the one they were sent to."""
        address = _own(request, address_id)
        sent, fields = _written(request)
        for name, value in fields.items():
            setattr(address, name, value)
        address.save(update_fields=list(fields))
        if sent["is_default"]:
            make_default(address)
        return Response(AddressSerializer(address).data)

    @extend_schema(operation_id="remove_address", parameters=[ADDRESS_ID], responses={204: None})
    def delete(self, request: Request, address_id: int) -> Response:
        """Take an address out of the book. Orders keep the one they were sent to."""
        _own(request, address_id).delete()
        return Response(status=204)


class DefaultAddressView(ApiView):
    @extend_schema(
        operation_id="make_address_default",
        parameters=[ADDRESS_ID],
        request=None,
        responses=AddressSerializer,
    )
    def post(self, request: Request, address_id: int) -> Response:
        """Use this address unless another is said."""
        address = _own(request, address_id)
        make_default(address)
        return Response(AddressSerializer(address).data)


class RegionSerializer(serializers.Serializer):
    value = serializers.CharField()
    label: Any = serializers.CharField()


class FieldSerializer(serializers.Serializer):
    name = serializers.ChoiceField(PostalAddress.FIELDS)
    label: Any = serializers.CharField(help_text="What it is called there.")
    required: Any = serializers.BooleanField()
    max_length = serializers.IntegerField(min_value=1)
    example = serializers.CharField(allow_blank=True)
    choices = RegionSerializer(many=True, help_text="One of these, where there are any.")


class AddressFormSerializer(serializers.Serializer):
    country = serializers.CharField()
    fields_: Any = FieldSerializer(many=True)

    # `fields` is a word of the framework's own.
    def get_fields(self) -> dict[str, serializers.Field]:
        found = super().get_fields()
        return {"country": found["country"], "fields": found["fields_"]}

    def to_representation(self, instance: tuple[str, list[Field]]) -> dict[str, Any]:
        country, fields = instance
        return {"country": country, "fields": FieldSerializer(fields, many=True).data}


class CountrySerializer(serializers.Serializer):
    code = serializers.CharField(help_text="ISO 3166-1, two letters.")
    name = serializers.CharField()


class CountriesSerializer(serializers.Serializer):
    results = CountrySerializer(many=True)


class CountriesView(PublicMixin, ApiView):
    @extend_schema(operation_id="list_countries", responses=CountriesSerializer)
    def get(self, request: Request) -> Response:
        """The countries that an address may be in, by name. Where we send to is said at checkout."""
        return Response({"results": [{"code": code, "name": name} for code, name in countries]})


class AddressFormView(PublicMixin, ApiView):
    @extend_schema(operation_id="address_form", parameters=[COUNTRY], responses=AddressFormSerializer)
    def get(self, request: Request, country: str) -> Response:
        """The form of an address of a country: its fields in their order, what they are called, what they take.

        Fields that are not named are not used there.
        """
        if country not in countries:
            raise NotFound
        return Response(AddressFormSerializer((country, form_of(country))).data)


def _own(request: Request, address_id: int) -> Address:
    return get_object_or_404(Address, user=request.user, pk=address_id)


def _written(request: Request) -> tuple[dict[str, Any], dict[str, str]]:
    """What was sent, and the address as it is written in its country. Raises Unfit."""
    sent = KeptAddressSerializer.read(request)
    try:
        return sent, parcel_address({name: str(sent.get(name, "")) for name in PostalAddress.FIELDS})
    except AddressInvalid as wrong:
        raise Unfit({name: [words] for name, words in wrong.errors.items()}) from None
