"""Where an account is signed in, apps and browsers alike, and how to end that from here."""

from __future__ import annotations

from typing import Any

from allauth.usersessions.models import UserSession
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.devices import device_name, devices_of, sign_out, sign_out_others
from shop.api.authentication import session_key_of
from shop.api.headless import OwnView

DEVICE_ID = OpenApiParameter("device_id", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH)


class DeviceSerializer(serializers.ModelSerializer):
    name = serializers.SerializerMethodField(help_text="Made from what the device says of itself.")
    signed_in_at = serializers.DateTimeField(source="created_at")
    last_seen_at = serializers.DateTimeField(help_text="Of an app: when it last refreshed its tokens.")
    current = serializers.SerializerMethodField(help_text="Whether it is the one that asks.")

    class Meta:
        model = UserSession
        fields = ("id", "name", "user_agent", "ip", "signed_in_at", "last_seen_at", "current")

    def get_name(self, device: UserSession) -> str:
        return device_name(device.user_agent)

    def get_current(self, device: UserSession) -> bool:
        return device.session_key == self.context["current"]


class DevicesSerializer(serializers.Serializer):
    results = DeviceSerializer(many=True)


class DevicesView(OwnView):
    @extend_schema(operation_id="list_devices", responses=DevicesSerializer)
    def get(self, request: Request) -> Response:
        """The devices that are signed in, the latest seen first."""
        devices: Any = {"results": devices_of(request.user)}  # type: ignore[arg-type]
        context = {"current": session_key_of(request)}
        return Response(DevicesSerializer(devices, context=context).data)


class DeviceView(OwnView):
    @extend_schema(
        operation_id="sign_out_device", parameters=[DEVICE_ID], request=None, responses={204: None}
    )
    def delete(self, request: Request, device_id: int) -> Response:
        """Sign out a device, this one or another. It is out at once, with all its tokens."""
        device = get_object_or_404(UserSession, user=request.user, pk=device_id)
        sign_out(request.user, [device.session_key])  # type: ignore[arg-type]
        return Response(status=204)


class OtherDevicesView(OwnView):
    @extend_schema(operation_id="sign_out_other_devices", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """Sign out all devices but this one."""
        sign_out_others(request.user, session_key_of(request))  # type: ignore[arg-type]
        return Response(status=204)
