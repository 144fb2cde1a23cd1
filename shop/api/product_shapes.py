"""A product, its variants and its pictures as JSON. Which of them are in an answer, the client says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from shop.api.members import ChosenMixin
from shop.api.shapes import Amount, StreamSerializer
from shop.catalog.listing import Glance, glances, look_at
from shop.catalog.models import OptionValue, Product, ProductAttribute, ProductImage, Variant
from shop.catalog.pictures import copy_of
from shop.drops.models import Drop
from shop.inventory.models import stock_of

PLACEHOLDER = "--slug--"  # which no product has


class FileSerializer(serializers.Serializer):
    type = serializers.CharField(help_text="A media type, such as image/avif.")
    width = serializers.IntegerField(min_value=1)
    height = serializers.IntegerField(min_value=1)
    url = serializers.URLField()


class ImageSerializer(serializers.ModelSerializer):
    id = serializers.IntegerField(help_text="Variants name it as their `image`.")
    tone = serializers.CharField(help_text="A colour to show until it has loaded.")
    url = serializers.SerializerMethodField(help_text="The picture as it was kept, to zoom into.")
    files = serializers.SerializerMethodField(help_text="Smaller copies, by width.")

    class Meta:
        model = ProductImage
        fields = ("id", "alt", "tone", "width", "height", "url", "files")

    @extend_schema_field(serializers.URLField())
    def get_url(self, image: ProductImage) -> str:
        return self.context["request"].build_absolute_uri(image.picture.url)

    @extend_schema_field(FileSerializer(many=True))
    def get_files(self, image: ProductImage) -> list[dict[str, Any]]:
        address = self.get_url(image)
        return [
            {
                "type": f"image/{kind.lower()}",
                "width": width,
                "height": max(1, round(image.height * width / image.width)),
                "url": copy_of(address, width, kind),
            }
            for kind, sizes in image.picture.aspect_ratios[None].items()
            for width in sorted(sizes)
        ]


class OptionValueSerializer(serializers.ModelSerializer):
    option = serializers.CharField(source="option.code")
    name = serializers.CharField(source="option.name")
    value = serializers.CharField(source="code")
    swatch = serializers.CharField(allow_blank=True, help_text="A colour, where one says more.")

    class Meta:
        model = OptionValue
        fields = ("option", "name", "value", "label", "swatch")


class VariantSerializer(serializers.ModelSerializer):
    price = Amount()
    full_price = Amount(allow_null=True, help_text="During a sale: what it costs otherwise.")
    prior_price = Amount(
        allow_null=True, help_text="During a sale: the lowest price of the 30 days before it."
    )
    options = OptionValueSerializer(source="option_values", many=True)
    image = serializers.IntegerField(
        source="image_id",
        allow_null=True,
        help_text="The id of the picture that shows it; null for the first.",
    )
    available = serializers.SerializerMethodField(help_text="How many can be bought now.")
    in_stock = serializers.SerializerMethodField(help_text="How many of them can leave today.")
    lead_days = serializers.SerializerMethodField(
        help_text="In how many days one of the others leaves, which is made to order; null where none is made."
    )

    class Meta:
        model = Variant
        fields: tuple[str, ...] = (
            *("sku", "price", "full_price", "prior_price", "weight_g", "options", "image"),
            *("available", "in_stock", "lead_days"),
        )

    def get_available(self, variant: Variant) -> int:
        return stock_of(variant).available

    def get_in_stock(self, variant: Variant) -> int:
        return stock_of(variant).here

    def get_lead_days(self, variant: Variant) -> int | None:
        stock = stock_of(variant)
        return stock.lead_days if stock.backorder_limit else None


class AttributeSerializer(serializers.ModelSerializer):
    code = serializers.CharField(source="attribute.code")
    name = serializers.CharField(source="attribute.name")
    value = serializers.CharField()

    class Meta:
        model = ProductAttribute
        fields = ("code", "name", "value")


class GuardingDropSerializer(serializers.ModelSerializer):
    class Meta:
        model = Drop
        fields = ("slug", "title", "opens_at", "closes_at")
        extra_kwargs = {"closes_at": {"help_text": "From then on it is sold like any other."}}


class ProductAddress(serializers.HyperlinkedIdentityField):
    def get_url(self, obj: Any, view_name: str, request: Any, format: Any) -> str:  # type: ignore[override]
        return self._around.replace(PLACEHOLDER, obj.slug)

    @cached_property
    def _around(self) -> str:
        """The address of a product that is none: looked up once for a list."""
        return self.reverse(self.view_name, kwargs={"slug": PLACEHOLDER}, request=self.context["request"])


class ProductSerializer(serializers.HyperlinkedModelSerializer):
    INCLUDES = ("variants", "images", "attributes", "story")

    url = ProductAddress(view_name="api:product-detail", lookup_field="slug")
    category: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    price_from = Amount(help_text="What the cheapest variant costs.")
    prior_price_from = Amount(
        source="prior_from",
        allow_null=True,
        help_text="Its lowest price of 30 days, where a sale took it lower.",
    )
    available = serializers.IntegerField(source="left", help_text="How many can be bought, of all variants.")
    in_stock = serializers.IntegerField(source="here", help_text="How many of them can leave today.")
    cover = ImageSerializer(allow_null=True)
    story = serializers.CharField(allow_blank=True)
    attributes = AttributeSerializer(many=True)
    variants = VariantSerializer(many=True)
    images = ImageSerializer(many=True)

    class Meta:
        model = Product
        fields: tuple[str, ...] = (
            *("url", "slug", "title", "subtitle", "artist", "category", "orientation"),
            *("price_from", "prior_price_from", "available", "in_stock", "cover"),
            *("story", "attributes", "variants", "images"),
        )


PLAIN = tuple(name for name in ProductSerializer.Meta.fields if name not in ProductSerializer.INCLUDES)


class ProductCardSerializer(ChosenMixin, ProductSerializer):
    """In a list: what `fields` names, otherwise all but the last four, which `include` adds."""


class ProductDetailSerializer(ProductSerializer):
    drops = GuardingDropSerializer(
        many=True,
        source="guarding",
        help_text="While one of these is not over, only its waiting room sells it.",
    )
    stream = StreamSerializer()

    class Meta(ProductSerializer.Meta):
        fields = (*ProductSerializer.Meta.fields, "drops", "stream")


def fill(products: Sequence[Any], members: Collection[str]) -> None:
    """Gives these products what the members take: a query for each kind of thing, however many there are."""
    prefetch_related_objects(products, *_needed(members))
    if "variants" in members:
        seen = {one.pk: {each.sku: _glance(each) for each in one.variants.all()} for one in products}
    elif {"price_from", "prior_price_from", "available", "in_stock"} & set(members):
        seen = glances(products)
    else:
        return
    for product in products:
        product.prior_from = None
        look_at(product, seen[product.pk])


def _needed(members: Collection[str]) -> list[Any]:
    facts = Prefetch("attributes", ProductAttribute.objects.select_related("attribute"))
    variants = Prefetch("variants", full_variants())
    cover = Prefetch("images", ProductImage.objects.filter(position=0), to_attr="cover_images")
    needed: dict[str, Any] = {"cover": cover, "images": "images", "attributes": facts, "variants": variants}
    return [lookup for name, lookup in needed.items() if name in members]


def _glance(variant: Variant) -> Glance:
    stock, prior = stock_of(variant), variant.prior_price
    was = () if prior is None or prior <= variant.price else (prior.amount,)
    return (stock.available, variant.price.amount, stock.here, *was)


def full_variants() -> QuerySet[Variant]:
    return Variant.objects.with_options().select_related("stock")  # type: ignore[attr-defined]
