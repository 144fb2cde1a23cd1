from typing import Any

from django.db.models import Prefetch, QuerySet
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.log import position
from shop.api.refusals import Invalid
from shop.api.shapes import Amount, stream
from shop.api.views import ApiViewSet, PublicMixin
from shop.catalog.models import Category, OptionValue, Product, ProductAttribute, ProductImage, Variant
from shop.catalog.search import search
from shop.inventory.models import stock_of


class ImageSerializer(serializers.ModelSerializer):
    files = serializers.SerializerMethodField()

    class Meta:
        model = ProductImage
        fields = ("alt", "tone", "width", "height", "files")

    def get_files(self, image: ProductImage) -> list[dict[str, Any]]:
        return [
            {"type": f"image/{kind.lower()}", "width": width, "url": self._url(sizes[width].url)}
            for kind, sizes in image.picture.aspect_ratios[None].items()
            for width in sorted(sizes)
        ]

    def _url(self, path: str) -> str:
        return self.context["request"].build_absolute_uri(path)


class OptionValueSerializer(serializers.ModelSerializer):
    option = serializers.CharField(source="option.code")
    name = serializers.CharField(source="option.name")
    value = serializers.CharField(source="code")

    class Meta:
        model = OptionValue
        fields = ("option", "name", "value", "label", "swatch")


class VariantSerializer(serializers.ModelSerializer):
    price = Amount()
    full_price = Amount()
    prior_price = Amount()
    options = OptionValueSerializer(source="option_values", many=True)
    available = serializers.SerializerMethodField()
    in_stock = serializers.SerializerMethodField()
    lead_days = serializers.SerializerMethodField()

    class Meta:
        model = Variant
        fields = (
            *("sku", "price", "full_price", "prior_price", "weight_g", "options"),
            *("available", "in_stock", "lead_days"),
        )

    def get_available(self, variant: Variant) -> int:
        return stock_of(variant).available

    def get_in_stock(self, variant: Variant) -> int:
        """Those of `available` that can leave today."""
        return stock_of(variant).here

    def get_lead_days(self, variant: Variant) -> int | None:
        """Days until one of the others leaves, which is made to order; none where none is made."""
        stock = stock_of(variant)
        return stock.lead_days if stock.backorder_limit else None


class AttributeSerializer(serializers.ModelSerializer):
    code = serializers.CharField(source="attribute.code")
    name = serializers.CharField(source="attribute.name")

    class Meta:
        model = ProductAttribute
        fields = ("code", "name", "value")


class ProductSerializer(serializers.HyperlinkedModelSerializer):
    url = serializers.HyperlinkedIdentityField(view_name="api:product-detail", lookup_field="slug")
    category: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    price_from = Amount()
    cover = ImageSerializer()

    class Meta:
        model = Product
        fields: tuple[str, ...] = (
            "url",
            "slug",
            "title",
            "subtitle",
            "artist",
            "category",
            "orientation",
            "price_from",
            "cover",
        )


class ProductDetailSerializer(ProductSerializer):
    attributes = AttributeSerializer(many=True)
    variants = VariantSerializer(many=True)
    images = ImageSerializer(many=True)

    class Meta(ProductSerializer.Meta):
        fields = (*ProductSerializer.Meta.fields, "story", "attributes", "variants", "images")


class ProductViewSet(PublicMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """What the public may see now. `?category=` takes a slug and includes what lies below it, `?q=` searches."""

    lookup_field = "slug"

    def get_serializer_class(self) -> type[ProductSerializer]:
        return ProductSerializer if self.action == "list" else ProductDetailSerializer

    def get_queryset(self) -> QuerySet[Product]:
        products = Product.objects.visible().for_cards()  # type: ignore[attr-defined]
        # A query that counts or compares many rows for one drops the model's own order.
        products = products.select_related("category").order_by("position", "id")
        if self.action == "list":
            return products
        variants = Variant.objects.with_options().select_related("stock")  # type: ignore[attr-defined]
        facts = ProductAttribute.objects.select_related("attribute")
        return products.prefetch_related(
            Prefetch("variants", variants), "images", Prefetch("attributes", facts)
        )

    def filter_queryset(self, queryset: Any) -> Any:
        slug, term = (self.request.query_params.get(name, "").strip() for name in ("category", "q"))
        if slug:
            category = Category.objects.filter(slug=slug).first()
            if category is None:
                raise Invalid({"category": ["There is no such category."]}, "query", "unknown")
            queryset = queryset.in_category(category)
        return search(term, queryset) if term else queryset

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        name = f"product:{kwargs['slug']}"
        here = position(name)
        response = super().retrieve(request, *args, **kwargs)
        response.data["stream"] = stream(name, here)
        return response
