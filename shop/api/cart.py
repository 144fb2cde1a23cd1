"""The caller's cart: an account's, or a guest's by its token. Each answer is the whole of it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from shop.api.carts import CartSerializer, told
from shop.api.guests import CART_TOKEN, DROP_PLACES, GUEST_ORDERS, GuestMixin
from shop.api.schema import refusals
from shop.api.shapes import Strict
from shop.api.views import ApiView
from shop.cart.models import MAX_QUANTITY, Cart
from shop.cart.services import (
    LineGone,
    NotForSale,
    QuantityTooLarge,
    add_to_cart,
    apply_code,
    empty_cart,
    merge_carts,
    open_cart,
    remove_coupon,
    remove_gift_card,
    set_quantity,
)
from shop.catalog.models import Variant
from shop.drops.admission import WaitingRoom, claim_places
from shop.giftcards.models import GiftCardClosed, GiftCardEmpty, GiftCardUnknown
from shop.inventory.services import OutOfStock
from shop.promotions.guessing import TooManyGuesses, counting_guesses
from shop.promotions.models import CouponExpired, CouponNotYet, CouponUsedUp


class QuantitySerializer(Strict):
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_QUANTITY)


class AddedSerializer(QuantitySerializer):
    sku = serializers.CharField(max_length=40)


class CodeSerializer(Strict):
    code = serializers.CharField(max_length=40, help_text="Of a coupon or of a gift card, as it was typed.")


class MergedSerializer(Strict):
    token = serializers.CharField(max_length=64, help_text="The guest's cart, as `Cart-Token` had it.")


class CartView(GuestMixin, ApiView):
    headers_taken = (CART_TOKEN, GUEST_ORDERS)

    @extend_schema(operation_id="cart_show", responses=CartSerializer)
    def get(self, request: Request) -> Response:
        """The cart with today's prices and stock; an empty one where there is none, and none is made."""
        return Response(told(self, self.current_cart()))

    @extend_schema(operation_id="cart_empty", request=None, responses={200: CartSerializer})
    def delete(self, request: Request) -> Response:
        """Take everything out, codes as well."""
        if cart := self.current_cart():
            empty_cart(cart)
            cart.refresh_from_db()
        return Response(told(self, cart))


class CartLinesView(GuestMixin, ApiView):
    headers_taken = (CART_TOKEN, DROP_PLACES, GUEST_ORDERS)

    @extend_schema(
        operation_id="cart_add",
        request=AddedSerializer,
        responses={201: CartSerializer, **refusals(NotForSale, OutOfStock, QuantityTooLarge, WaitingRoom)},
        examples=[OpenApiExample("Two of one", {"sku": "LF-30x40-OAK", "quantity": 2}, request_only=True)],
    )
    @transaction.atomic
    def post(self, request: Request) -> Response:
        """Put something in; a guest without a cart gets one, and its token."""
        wanted = AddedSerializer.read(request)
        rows = Variant.objects.select_related("product", "stock")
        variant = rows.filter(sku=wanted["sku"]).first()
        if variant is None:
            raise NotForSale
        cart = open_cart(request.user, self.cart_token)
        add_to_cart(cart, variant, wanted["quantity"], places=self.places)
        return Response(told(self, cart), status=201)


class CartLineView(GuestMixin, ApiView):
    headers_taken = (CART_TOKEN, GUEST_ORDERS)

    @extend_schema(
        operation_id="cart_line_change",
        request=QuantitySerializer,
        responses={200: CartSerializer, **refusals(LineGone, OutOfStock, QuantityTooLarge)},
        examples=[OpenApiExample("Three of them", {"quantity": 3}, request_only=True)],
    )
    def patch(self, request: Request, line_id: int) -> Response:
        """Say how many of a line; without a word on it, it stays as it is."""
        wanted = QuantitySerializer(data=request.data, partial=True)
        wanted.is_valid(raise_exception=True)
        return self._set(line_id, wanted.validated_data.get("quantity"))

    @extend_schema(
        operation_id="cart_line_remove", request=None, responses={200: CartSerializer, **refusals(LineGone)}
    )
    def delete(self, request: Request, line_id: int) -> Response:
        """Take a line out."""
        return self._set(line_id, 0)

    def _set(self, line_id: int, quantity: int | None) -> Response:
        cart = self.current_cart()
        if cart is None or not cart.lines.filter(pk=line_id).exists():
            raise LineGone
        if quantity is not None:
            set_quantity(cart, line_id, quantity)
        return Response(told(self, cart))


class CartCodeView(GuestMixin, ApiView):
    limit = "code"
    headers_taken = (CART_TOKEN, GUEST_ORDERS)

    @extend_schema(
        operation_id="cart_code_use",
        request=CodeSerializer,
        responses={
            200: CartSerializer,
            **refusals(
                GiftCardUnknown,
                CouponNotYet,
                CouponExpired,
                CouponUsedUp,
                GiftCardClosed,
                GiftCardEmpty,
                TooManyGuesses,
            ),
        },
        examples=[OpenApiExample("A coupon", {"code": "HARBOUR10"}, request_only=True)],
    )
    def put(self, request: Request) -> Response:
        """Use a coupon or a gift card: one of each at a time, the new one instead of the old."""
        sent = CodeSerializer.read(request)
        with counting_guesses(request.user.pk, request.META["REMOTE_ADDR"]), transaction.atomic():
            cart = open_cart(request.user, self.cart_token)
            apply_code(cart, sent["code"])
        return Response(told(self, cart))


class CartCouponView(GuestMixin, ApiView):
    headers_taken = (CART_TOKEN, GUEST_ORDERS)

    @extend_schema(operation_id="cart_coupon_remove", request=None, responses={200: CartSerializer})
    def delete(self, request: Request) -> Response:
        """Take the coupon off, if there is one."""
        if cart := self.current_cart():
            remove_coupon(cart)
        return Response(told(self, cart))


class CartGiftCardView(GuestMixin, ApiView):
    headers_taken = (CART_TOKEN, GUEST_ORDERS)

    @extend_schema(operation_id="cart_gift_card_remove", request=None, responses={200: CartSerializer})
    def delete(self, request: Request) -> Response:
        """Take the gift card off, if there is one; its money stays on it."""
        if cart := self.current_cart():
            remove_gift_card(cart)
        return Response(told(self, cart))


class CartMergeView(GuestMixin, ApiView):
    permission_classes: Any = (IsAuthenticated,)
    headers_taken = (DROP_PLACES,)

    @extend_schema(
        operation_id="cart_merge",
        request=MergedSerializer,
        responses=CartSerializer,
        examples=[
            OpenApiExample(
                "After signing in", {"token": "pQ0vSRkcxkzcXA8WkJ6Pnf-yYk0dO2uT"}, request_only=True
            )
        ],
    )
    @transaction.atomic
    def post(self, request: Request) -> Response:
        """After signing in: what the guest had is the account's, and so are the places in `Drop-Places`.

        Of a print in both carts the larger quantity stays; the guest's codes win. A cart that is not there (any more)
        brings nothing, so this may be sent again.
        """
        sent = MergedSerializer.read(request)
        if guest := Cart.objects.filter(user=None, token=sent["token"]).first():
            merge_carts(guest, request.user)  # type: ignore[arg-type]
        claim_places(request.user, self.place_tokens)  # type: ignore[arg-type]
        return Response(told(self, self.current_cart()))
