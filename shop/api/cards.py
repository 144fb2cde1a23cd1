"""The cards that an account keeps. They lie at the payment provider: here they have a name, and never a number."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from shop.api.refusals import NotFound
from shop.api.schema import refusals
from shop.api.shapes import ProblemSerializer
from shop.api.waiting import Steps, WaitingView, waiting
from shop.payments.saved_cards import NoSuchCard, begin_saving, forget_card, saved_cards
from shop.payments.stripe_gateway import GatewayRefused, GatewayUnavailable
from shop.problems import MEDIA_TYPE


class CardSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField(help_text="`Visa ···· 4242`")
    expires = serializers.RegexField(r"^[0-9]{2}/[0-9]{4}$")


class CardSetupSerializer(serializers.Serializer):
    """What the provider's sheet is opened with to keep a card."""

    client_secret = serializers.CharField(help_text="Of the SetupIntent.")
    publishable_key = serializers.CharField()


NO_CARDS_HERE = {(404, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, "This shop keeps no cards.")}


class CardsView(WaitingView):
    permission_classes: Any = (IsAuthenticated,)
    secret = True

    @extend_schema(
        operation_id="account_cards_list",
        responses={
            200: CardSerializer(many=True),
            **NO_CARDS_HERE,
            **refusals(GatewayUnavailable, GatewayRefused),
        },
    )
    @waiting
    def get(self, request: Request) -> Steps:
        """The cards that the account keeps. Where the shop keeps no cards there is nothing at this address."""
        cards = yield saved_cards(_owner(request))
        return Response(CardSerializer(cards, many=True).data)

    @extend_schema(
        operation_id="account_card_add",
        request=None,
        responses={
            201: CardSetupSerializer,
            **NO_CARDS_HERE,
            **refusals(GatewayUnavailable, GatewayRefused),
        },
    )
    @waiting
    def post(self, request: Request) -> Steps:
        """Begin to keep a card: the provider's sheet takes it, and then it is in the list."""
        secret = yield begin_saving(_owner(request))
        shown = {"client_secret": secret, "publishable_key": settings.STRIPE_PUBLISHABLE_KEY}
        return Response(CardSetupSerializer(shown).data, status=201)


class CardView(WaitingView):
    permission_classes: Any = (IsAuthenticated,)

    @extend_schema(
        operation_id="account_card_remove",
        request=None,
        responses={204: None, **refusals(NoSuchCard, GatewayUnavailable, GatewayRefused)},
    )
    @waiting
    def delete(self, request: Request, card_id: str) -> Steps:
        """Keep a card no longer."""
        yield forget_card(_owner(request), card_id)
        return Response(status=204)


def _owner(request: Request) -> User:
    if not settings.SAVED_CARDS:
        raise NotFound
    return request.user  # type: ignore[return-value]
