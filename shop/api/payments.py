"""Paying an order: what a payment sheet needs, how the payment stands, and a card that the account keeps.

Nothing of a card passes here: the sheet sends it to the payment provider. Whether an order is paid is asked of the
provider, or comes over the order's stream; what a sheet says is a hint to ask.
"""

from __future__ import annotations

import contextlib
from typing import Any

from django.conf import settings
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from notifications.log import position
from notifications.protocol import Position
from shop.api.guests import GuestMixin
from shop.api.ownership import ONLY_LOOKS, ORDER, find_own_order
from shop.api.refusals import NotFound
from shop.api.schema import refusals
from shop.api.shapes import Amount, StreamSerializer, Strict, stream
from shop.api.waiting import Steps, WaitingView, waiting
from shop.orders.models import Order
from shop.payments.models import Payment
from shop.payments.saved_cards import NoSuchCard, SheetCustomer, open_sheet, pay_with_saved
from shop.payments.services import PaymentClosed, hear, intent_to_ask, refresh_payment, start_payment
from shop.payments.standing import standing_of
from shop.payments.stripe_gateway import GatewayRefused, GatewayUnavailable, retrieve_intent, to_minor

ASKABLE = (Order.Status.PENDING, Order.Status.PAID)
# Once a card is taken, the decline of the one before it is history, and what is wrong with a capture is ours to know.
MAY_BE_DECLINED = (Payment.Status.STARTING, Payment.Status.WAITING)


class PaymentStateSerializer(serializers.Serializer):
    order_status = serializers.ChoiceField(Order.Status.choices)
    payment_status = serializers.ChoiceField(
        Payment.Status.choices, allow_null=True, help_text="Of the last attempt; null before the first."
    )
    to_pay = Amount(
        allow_null=True,
        help_text="For the order, or for a change of it; null where nothing is, or the bank is deciding.",
    )
    processing = serializers.BooleanField(help_text="The buyer's bank has not decided yet.")
    last_error = serializers.CharField(
        help_text="Why the last card was declined, in words; empty once another is taken."
    )
    method = serializers.CharField(help_text="`Visa ···· 4242`, once it is known.")
    reserved_until = serializers.DateTimeField(help_text="Until then the prints of an unpaid order are kept.")
    stream = StreamSerializer(help_text="The order's: it tells when it is paid.")


class SheetCustomerSerializer(serializers.Serializer):
    id = serializers.CharField()
    session_client_secret = serializers.CharField(
        source="session", help_text="For half an hour: the sheet shows and keeps this customer's cards."
    )


class PaymentSheetSerializer(PaymentStateSerializer):
    """What the provider's payment sheet is opened with."""

    client_secret = serializers.CharField(help_text="Of the PaymentIntent.")
    publishable_key = serializers.CharField()
    amount = Amount()
    amount_minor = serializers.IntegerField(
        min_value=1, help_text="The same in the currency's smallest unit."
    )
    merchant_name = serializers.CharField()
    merchant_country = serializers.CharField(help_text="Two letters, for the telephones' own wallets.")
    customer = SheetCustomerSerializer(
        allow_null=True, help_text="Of an account, where accounts keep cards; the sheet works without."
    )


class SavedCardChosenSerializer(Strict):
    card_id = serializers.CharField(
        max_length=120, trim_whitespace=False, help_text="One of `account/cards/`."
    )
    return_url = serializers.RegexField(
        r"^(https|[a-z][a-z0-9+-]*\.[a-z0-9.+-]*)://[\x21-\x7e]{1,400}$",
        required=False,
        error_messages={"invalid": "A page by https, or an app by a name such as com.example.shop://paid."},
        help_text="Where the bank's page leads back to: a page, or an app by a name of its own such as "
        "`com.example.shop://paid`. Without it a page of ours.",
    )


class SavedCardPaidSerializer(PaymentStateSerializer):
    next_action = serializers.URLField(
        allow_null=True, help_text="The bank's page, where the buyer has to say yes first; null where not."
    )


class PaymentView(GuestMixin, WaitingView):
    secret = True

    @extend_schema(
        operation_id="orders_payment_start",
        request=None,
        parameters=[ORDER],
        responses={
            200: PaymentSheetSerializer,
            **ONLY_LOOKS,
            **refusals(PaymentClosed, GatewayUnavailable, GatewayRefused),
        },
    )
    @waiting
    def post(self, request: Request, public_id: str) -> Steps:
        """Start to pay. The same attempt however often it is asked for: again after a card was declined."""
        order, here = _order(request, public_id)
        payment: Payment = yield start_payment(order)
        customer: SheetCustomer | None = None
        if settings.SAVED_CARDS and isinstance(request.user, User) and order.user_id == request.user.pk:
            # Without an answer the sheet shows its card form alone.
            with contextlib.suppress(GatewayUnavailable, GatewayRefused):
                customer = yield open_sheet(request.user)
        shown = _state(order, here) | {
            "client_secret": payment.client_secret,
            "publishable_key": settings.STRIPE_PUBLISHABLE_KEY,
            "amount": payment.amount,
            "amount_minor": to_minor(payment.amount),
            "merchant_name": settings.SHOP_NAME,
            "merchant_country": settings.SHOP_COUNTRY,
            "customer": customer,
        }
        return Response(PaymentSheetSerializer(shown).data)

    @extend_schema(
        operation_id="orders_payment_show",
        parameters=[ORDER],
        responses={200: PaymentStateSerializer, **ONLY_LOOKS, **refusals(GatewayUnavailable, GatewayRefused)},
    )
    @waiting
    def get(self, request: Request, public_id: str) -> Steps:
        """How the payment stands, asked of the provider: after a sheet has closed, or a bank's page led back."""
        order, here = _order(request, public_id)
        if order.status in ASKABLE:
            intent_id = intent_to_ask(order)
            hear(order, (yield retrieve_intent(intent_id)) if intent_id else None)
        return Response(PaymentStateSerializer(_state(order, here)).data)


class SavedCardPaymentView(WaitingView):
    permission_classes: Any = (IsAuthenticated,)

    @extend_schema(
        operation_id="orders_payment_by_saved_card",
        request=SavedCardChosenSerializer,
        parameters=[ORDER],
        responses={
            200: SavedCardPaidSerializer,
            **refusals(PaymentClosed, NoSuchCard, GatewayUnavailable, GatewayRefused),
        },
        examples=[OpenApiExample("A card", {"card_id": "pm_1Nv0FGQ9RKHgCVdK"}, request_only=True)],
    )
    @waiting
    def post(self, request: Request, public_id: str) -> Steps:
        """Pay with a card that the account keeps: paid at once, or after its bank was asked at `next_action`."""
        order, here = _order(request, public_id)
        user: Any = request.user
        if not settings.SAVED_CARDS or order.user_id != user.pk:
            raise NotFound
        sent = SavedCardChosenSerializer.read(request)
        back = sent.get("return_url") or request.build_absolute_uri(
            reverse("storefront:pay_return", args=[order.public_id])
        )
        try:
            bank = yield pay_with_saved(order, user, sent["card_id"], back)
        except GatewayRefused:
            # The decline for the log, or a payment that another device made.
            with contextlib.suppress(GatewayUnavailable, GatewayRefused):
                yield refresh_payment(order)
            if standing_of(order).to_pay is not None:
                raise
            bank = ""
        order.refresh_from_db(fields=["status"])
        return Response(SavedCardPaidSerializer({**_state(order, here), "next_action": bank or None}).data)


def _order(request: Request, public_id: str) -> tuple[Order, Position]:
    """And where its stream stood before it was read."""
    here = position(f"order:{public_id}")
    return find_own_order(request, public_id, for_page=False), here


def _state(order: Order, here: Position) -> dict[str, Any]:
    standing = standing_of(order)
    last = standing.last_attempt
    return {
        "order_status": order.status,
        "payment_status": last.status if last else None,
        "to_pay": standing.to_pay,
        "processing": standing.processing or standing.edit_processing,
        "last_error": last.last_error if last and last.status in MAY_BE_DECLINED else "",
        "method": last.method if last else "",
        "reserved_until": order.reserved_until,
        "stream": stream(order.stream, here),
    }
