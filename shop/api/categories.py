from typing import Any

from rest_framework import mixins, serializers

from shop.api.views import ApiViewSet, PublicMixin
from shop.catalog.models import Category


class CategorySerializer(serializers.ModelSerializer):
    parent: Any = serializers.SerializerMethodField()

    class Meta:
        model = Category
        fields = ("slug", "name", "description", "depth", "parent")

    def get_parent(self, category: Category) -> str | None:
        """The slug of the category above it; its path is this one's without the last step."""
        return self.context["slugs"].get(category.path[: -Category.steplen])


class CategoryViewSet(PublicMixin, mixins.ListModelMixin, ApiViewSet):
    """The whole tree in its order, in one query and one answer."""

    queryset = Category.objects.order_by("path")
    serializer_class = CategorySerializer
    pagination_class = None

    def filter_queryset(self, queryset: Any) -> list[Category]:  # type: ignore[override]
        self.rows = list(queryset)
        return self.rows

    def get_serializer_context(self) -> dict[str, Any]:
        slugs = {category.path: category.slug for category in self.rows}
        return {**super().get_serializer_context(), "slugs": slugs}
