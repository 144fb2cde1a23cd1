"""Where a parcel goes, as a request says it: an address written out, or one of the account's book."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_countries.serializer_fields import CountryField
from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers
from rest_framework.request import Request

from accounts.models import PostalAddress
from accounts.postal import AddressInvalid, parcel_address
from shop.api.refusals import Unfit
from shop.api.shapes import Strict
from shop.places import Destination
from shop.pricing.vat_ids import read_vat_id

EXAMPLE = {
    "name": "Nora Byrne",
    "line1": "4 Harbour Row",
    "city": "Howth",
    "region": "Co. Dublin",
    "postal_code": "D13 F6K7",
    "country": "IE",
}
AN_ADDRESS = OpenApiExample("An address written out", {"address": EXAMPLE}, request_only=True)


def _optional(most: int, **more: Any) -> serializers.CharField:
    return serializers.CharField(max_length=most, required=False, allow_blank=True, **more)


class PostalAddressSerializer(Strict):
    """What an address needs depends on its country; what is not used there is left out."""

    name = serializers.CharField(max_length=120, allow_blank=True, help_text="On the parcel.")
    company = _optional(120)
    line1 = serializers.CharField(max_length=160, allow_blank=True, help_text="Street and house number.")
    line2 = _optional(160, help_text="Flat, floor, building.")
    city = _optional(120)
    region = _optional(120, help_text="County, state or province, where addresses have one.")
    postal_code = _optional(20)
    country = CountryField()
    phone = _optional(40, help_text="Only for the carrier, if the door stays shut.")


class ParcelSerializer(Strict):
    """One of `address` and `address_id`."""

    address = PostalAddressSerializer(required=False)
    address_id = serializers.IntegerField(
        required=False, min_value=1, help_text="Of the account's address book."
    )
    vat_id = _optional(20, help_text="Of a business, with the country in front, such as FR40303265045.")


def address_of(request: Request, sent: Mapping[str, Any]) -> dict[str, str]:
    """With all of PostalAddress.FIELDS, as it is written where it goes. Raises Unfit."""
    if ("address" in sent) == ("address_id" in sent):
        raise Unfit({"address": ["Give an address, or an address_id instead."]}, "one_of")
    if "address_id" in sent:
        return _kept(request, sent["address_id"])
    typed = {name: str(sent["address"].get(name, "")) for name in PostalAddress.FIELDS}
    try:
        return parcel_address(typed)
    except AddressInvalid as wrong:
        raise Unfit({"address": {name: [words] for name, words in wrong.errors.items()}}) from None


def _kept(request: Request, address_id: int) -> dict[str, str]:
    """What was kept was checked when it was kept."""
    found = request.user.addresses.filter(pk=address_id).first() if request.user.is_authenticated else None
    if found is None:
        raise Unfit({"address_id": ["There is no such address in your book."]}, "unknown")
    return {name: str(getattr(found, name)) for name in PostalAddress.FIELDS}


def destination_of(address: Mapping[str, Any], vat_id: str) -> Destination:
    """Raises VatIdInvalid."""
    return Destination.of(address, read_vat_id(vat_id, str(address["country"])) if vat_id else "")
