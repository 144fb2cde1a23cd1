"""Where everything is, and what every code of a refusal means."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from shop.api.refusals import status_of
from shop.api.views import ApiView, PublicMixin
from shop.errors import ShopError

# What stands at the top, by the name of its address.
ROOTS = {
    "account": "account",
    "address_forms": "countries",
    "alerts": "alert-list",
    "cart": "cart",
    "categories": "category-list",
    "docs": "docs",
    "drops": "drops",
    "facets": "facets",
    "inbox": "inbox-list",
    "orders": "order-list",
    "preferences": "preferences",
    "prices": "prices",
    "problems": "problems",
    "products": "product-list",
    "schema": "schema",
    "sign_in": "sign-in",
    "suggestions": "suggestions",
    "ticket": "events-ticket",
    "variants": "variant-list",
}


class RootSerializer(serializers.Serializer):
    def get_fields(self) -> dict[str, serializers.Field]:
        return {name: serializers.URLField() for name in ROOTS}


class KnownProblemSerializer(serializers.Serializer):
    code = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What people are told, unless there is more to say of the case.")


class RootView(PublicMixin, ApiView):
    @extend_schema(operation_id="root", responses=RootSerializer)
    def get(self, request: Request) -> Response:
        """Where everything is."""
        return Response({name: reverse(f"api:{to}", request=request) for name, to in ROOTS.items()})


class ProblemsView(PublicMixin, ApiView):
    @extend_schema(operation_id="problems", responses=KnownProblemSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Every code with which the shop refuses. Codes stay; new ones may come."""
        known = {error.code: error for error in _refusals(ShopError)}
        rows = [
            {"code": code, "status": status_of(error), "detail": error.message}
            for code, error in sorted(known.items())
        ]
        return Response(rows)


def _refusals(error: type[ShopError]) -> list[Any]:
    return [error, *(one for below in error.__subclasses__() for one in _refusals(below))]
