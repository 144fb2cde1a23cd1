"""From the cart to an order: its `checkout_key` names the one order that it becomes, however often it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings
from djmoney.money import Money
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.book import keep_address
from shop.api.guests import CART_TOKEN, DROP_PLACES
from shop.api.order_in_full import OrderDetailSerializer
from shop.api.orders import OrderViewSet
from shop.api.postal import EXAMPLE, ParcelSerializer, address_of, destination_of
from shop.api.refusals import Unfit
from shop.api.schema import refusals
from shop.api.shapes import EmailText, Strict, fit_email
from shop.api.waiting import Steps, waiting
from shop.cart.models import Cart
from shop.checkout.services import CartChanged, EmptyCart, place_order
from shop.checkout.tax_facts import known_of_buyer
from shop.drops.admission import WaitingRoom
from shop.giftcards.services import GiftCardShort
from shop.inventory.services import OutOfStock
from shop.payments.gift_cards import TooLittle
from shop.pricing.vat_ids import VatIdInvalid, VatIdNeedsCompany
from shop.pricing.vies import VatIdUnknown, ask_vies, refuse_unknown
from shop.promotions.services import OfferGone
from shop.shipping.services import ShippingGone

REFUSALS = (
    *(EmptyCart, CartChanged, OutOfStock, OfferGone, GiftCardShort, TooLittle, WaitingRoom, ShippingGone),
    *(VatIdInvalid, VatIdNeedsCompany, VatIdUnknown),
)


class ShownAmountSerializer(Strict):
    """An amount as an answer of ours had it."""

    amount = serializers.RegexField(r"^[0-9]{1,9}(\.[0-9]{1,3})?$")
    currency = serializers.RegexField(r"^[A-Z]{3}$")


class PlacedSerializer(ParcelSerializer):
    checkout_key = serializers.CharField(max_length=64, trim_whitespace=False, help_text="The cart's.")
    email = EmailText(
        max_length=254, required=False, help_text="Where the confirmation goes; a guest must say."
    )
    shipping = serializers.CharField(
        max_length=80, trim_whitespace=False, help_text="The `code` of a shipping option."
    )
    expected_total = ShownAmountSerializer(
        help_text="What the buyer was shown: nobody buys at another price."
    )
    expected_due = ShownAmountSerializer(
        required=False, help_text="The same of what is left to pay after a gift card."
    )
    keep_address = serializers.BooleanField(default=False, help_text="In the account's book.")


class PlacingViewSet(OrderViewSet):
    @property
    def limit(self) -> str:  # type: ignore[override]
        return "checkout" if self.action == "create" else ""

    @property
    def waits(self) -> bool:  # type: ignore[override]
        return self.action == "create"

    def get_permissions(self) -> Any:
        return [AllowAny()] if self.action == "create" else super().get_permissions()

    @extend_schema(
        operation_id="orders_place",
        request=PlacedSerializer,
        parameters=[CART_TOKEN, DROP_PLACES],
        responses={201: OrderDetailSerializer, **refusals(*REFUSALS)},
        examples=[
            OpenApiExample(
                "A guest's order",
                {
                    "checkout_key": "m7n3wJ0sWk5QnQ0pJ9p1VrD0x0p6rV3c",
                    "email": "nora@example.com",
                    "address": EXAMPLE,
                    "shipping": "method:tube",
                    "expected_total": {"amount": "52.90", "currency": "EUR"},
                },
                request_only=True,
            )
        ],
    )
    @waiting
    def create(self, request: Request) -> Steps:
        """Make the cart an order: its prints are kept for half an hour, in which it is to be paid.

        Sent again with the same `checkout_key`, it is the same order, also without an `Idempotency-Key`. An order that
        a gift card pays in full is paid at once.
        """
        wanted = PlacedSerializer.read(request)
        email, address = _email(request, wanted), address_of(request, wanted)
        vat_id = destination_of(address, wanted.get("vat_id", "")).vat_id
        if vat_id and not address["company"]:
            raise VatIdNeedsCompany
        total, due = _shown("expected_total", wanted), _shown("expected_due", wanted)
        said = (yield ask_vies(vat_id)) if vat_id and settings.VIES_URL else None
        refuse_unknown(said)
        order = place_order(
            # Sent again, the cart is empty or gone, and the key alone finds the order.
            cart=self.current_cart() or Cart(),
            key=wanted["checkout_key"],
            user=self.user_or_none,
            email=email,
            address=address,
            shipping_code=wanted["shipping"],
            vat_id=vat_id,
            evidence=known_of_buyer(request.headers, said),
            expected_total=total,
            expected_due=due,
            places=self.places,
        )
        if wanted["keep_address"] and "address" in wanted and request.user.is_authenticated:
            keep_address(request.user, address)
        return Response(self._in_full(request, order.public_id).data, status=201)


def _email(request: Request, wanted: Mapping[str, Any]) -> str:
    email = str(wanted.get("email") or getattr(request.user, "email", ""))
    return fit_email(email, missing="Please enter an e-mail address.")


def _shown(name: str, wanted: Mapping[str, Any]) -> Money | None:
    if name not in wanted:
        return None
    if wanted[name]["currency"] != settings.DEFAULT_CURRENCY:
        raise Unfit({name: {"currency": [f"Here it is {settings.DEFAULT_CURRENCY}."]}}, "other_currency")
    return Money(Decimal(wanted[name]["amount"]), settings.DEFAULT_CURRENCY)
