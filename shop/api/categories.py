"""The tree of categories."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shop.api.product_shapes import ImageSerializer
from shop.api.serving import RenderedMixin
from shop.api.views import ApiViewSet
from shop.catalog.listing import with_pictures
from shop.catalog.models import Category, Product, Variant


class CategorySerializer(serializers.ModelSerializer):
    description = serializers.CharField(allow_blank=True)
    depth = serializers.IntegerField(min_value=1)
    parent: Any = serializers.CharField(allow_null=True, help_text="The slug of the one above it.")
    products = serializers.IntegerField(
        source="below", min_value=0, help_text="How many can be bought in it and in what lies below it."
    )
    picture = ImageSerializer(allow_null=True, help_text="Of a product in it or below it.")

    class Meta:
        model = Category
        fields = ("slug", "name", "description", "depth", "parent", "products", "picture")


class CategoryViewSet(RenderedMixin, ApiViewSet):
    queryset = Category.objects.none()
    serializer_class = CategorySerializer
    pagination_class = None

    @extend_schema(operation_id="categories_list", responses={200: CategorySerializer(many=True)})
    def list(self, request: Request) -> Response:
        """The whole tree in its order: each before what lies below it."""
        tree: list[Any] = with_pictures(Category.objects.order_by("path"))
        slugs = {one.path: one.slug for one in tree}
        counts = _products_at()
        for one in tree:
            one.parent = slugs.get(one.path[: -Category.steplen])
            one.below = sum(count for path, count in counts.items() if path.startswith(one.path))
        return Response(CategorySerializer(tree, many=True, context=self.get_serializer_context()).data)


def _products_at() -> dict[str, int]:
    listed = Product.objects.visible().filter(pk__in=Variant.objects.values("product")).order_by()
    return dict(listed.values_list("category__path").annotate(count=Count("pk")))
