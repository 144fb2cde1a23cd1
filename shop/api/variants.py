"""Variants by SKU: what a barcode, a kept wish list or an old cart names."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shop.api.product_shapes import VariantSerializer, full_variants
from shop.api.refusals import NotFound
from shop.api.serving import RenderedMixin
from shop.api.shapes import Query, Several
from shop.api.views import ApiViewSet
from shop.catalog.models import Variant

MOST_AT_ONCE = 100


class NamedVariantSerializer(VariantSerializer):
    product = serializers.SlugField(source="product.slug")
    title = serializers.CharField(source="product.title")

    class Meta(VariantSerializer.Meta):
        fields = ("product", "title", *VariantSerializer.Meta.fields)


class SkusQuery(Query):
    sku = Several(
        child=serializers.CharField(max_length=40),
        min_length=1,
        max_length=MOST_AT_ONCE,
        help_text=f"Up to {MOST_AT_ONCE}. Those that cannot be bought are not in the answer.",
    )


class VariantViewSet(RenderedMixin, ApiViewSet):
    lookup_field = "sku"
    lookup_value_regex = r"[^/]{1,40}"
    queryset = Variant.objects.none()
    serializer_class = NamedVariantSerializer
    pagination_class = None

    @extend_schema(
        operation_id="variants_list",
        parameters=[SkusQuery],
        responses={200: NamedVariantSerializer(many=True)},
    )
    def list(self, request: Request) -> Response:
        """Variants by SKU, many at once."""
        skus = SkusQuery.read(request)["sku"]
        rows = self._buyable().filter(sku__in=skus).order_by("sku")
        return Response(NamedVariantSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="variants_show",
        parameters=[OpenApiParameter("sku", str, OpenApiParameter.PATH)],
        responses={200: NamedVariantSerializer},
    )
    def retrieve(self, request: Request, sku: str) -> Response:
        """One variant by its SKU."""
        variant = None if "\0" in sku else self._buyable().filter(sku=sku).first()
        if variant is None:
            raise NotFound
        return Response(NamedVariantSerializer(variant).data)

    def _buyable(self) -> Any:
        now = Variant.objects.buyable()  # type: ignore[attr-defined]
        return full_variants().filter(pk__in=now.values("pk")).select_related("product")
