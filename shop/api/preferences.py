"""What an account wants to be told, and how: live, by e-mail, both or neither."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.preferences import choices, choose
from shop.api.refusals import Unfit
from shop.api.shapes import Strict
from shop.api.views import ApiView
from shop.letters import confirmed_address

MOST_KINDS = 50


class PreferenceSerializer(serializers.Serializer):
    kind = serializers.CharField(help_text="Such as `order.shipped`. More may come.")
    label = serializers.CharField()  # type: ignore[assignment]
    explains = serializers.CharField()
    live = serializers.BooleanField(help_text="In the inbox, at once.")
    email = serializers.BooleanField()


class PreferencesSerializer(serializers.Serializer):
    email_confirmed = serializers.BooleanField(help_text="Until it is, nothing of this comes by e-mail.")
    kinds = PreferenceSerializer(many=True)


class ChoiceSerializer(Strict):
    kind = serializers.CharField(max_length=80)
    live = serializers.BooleanField(required=False, help_text="As it is if left out.")
    email = serializers.BooleanField(required=False, help_text="As it is if left out.")


class ChoicesSerializer(Strict):
    kinds = serializers.ListField(
        child=ChoiceSerializer(), required=False, min_length=1, max_length=MOST_KINDS
    )


class PreferencesView(ApiView):
    @extend_schema(operation_id="preferences", responses=PreferencesSerializer)
    def get(self, request: Request) -> Response:
        """What the account is told, kind by kind, and how."""
        return self._told(request.user)

    @extend_schema(
        operation_id="preferences_choose",
        request=ChoicesSerializer,
        responses=PreferencesSerializer,
        examples=[
            OpenApiExample(
                "parcels live only", {"kinds": [{"kind": "order.shipped", "email": False}]}, request_only=True
            )
        ],
    )
    def patch(self, request: Request) -> Response:
        """Chooses for the kinds that are named; all others stay as they are."""
        asked = ChoicesSerializer.read(request)
        known = {choice.kind: choice for choice in choices(request.user)}  # type: ignore[arg-type]
        wanted = asked.get("kinds", [])
        kinds = dict(enumerate(one["kind"] for one in wanted))
        if unknown := {place: kind for place, kind in kinds.items() if kind not in known}:
            faults = {place: {"kind": [f"There is no kind {kind}."]} for place, kind in unknown.items()}
            raise Unfit({"kinds": faults}, "unknown_kind")
        with transaction.atomic():
            for one in wanted:
                is_now = known[one["kind"]]
                live, email = one.get("live", is_now.live), one.get("email", is_now.email)
                choose(request.user, one["kind"], live=live, email=email)  # type: ignore[arg-type]
        return self._told(request.user)

    def _told(self, user: Any) -> Response:
        told = {"email_confirmed": confirmed_address(user.pk) is not None, "kinds": choices(user)}
        return Response(PreferencesSerializer(told).data)
