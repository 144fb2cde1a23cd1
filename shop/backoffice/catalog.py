"""The catalogue: products with their variants, pictures and facts on one page, and what they are described with."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Count, DecimalField, F, QuerySet, Sum
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from djmoney.money import Money
from pictures.models import PictureField
from treebeard.forms import movenodeform_factory
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from shop.backoffice.variants import VariantInline
from shop.backoffice.widgets import NumberWidget
from shop.catalog.models import (
    Attribute,
    Category,
    Option,
    OptionValue,
    Product,
    ProductAttribute,
    ProductImage,
)


def thumbnail(image: ProductImage | None) -> SafeString | str:
    """The smallest file that was made of a picture; a very small one is its own."""
    if image is None or not image.picture:
        return ""
    files = next(iter(image.picture.aspect_ratios[None].values()))
    smallest = files[min(files)] if files else image.picture
    return format_html('<img class="bo-thumb" src="{}" alt="{}" loading="lazy">', smallest.url, image.alt)


class ImageInline(TabularInline):
    model = ProductImage
    verbose_name = "picture"
    formfield_overrides = {PictureField: {"widget": UnfoldAdminFileFieldWidget}}
    fields = ("preview", "picture", "alt", "tone", "position")
    readonly_fields = ("preview",)
    extra = 0
    show_title = False

    @display(description="")
    def preview(self, image: ProductImage) -> SafeString | str:
        return thumbnail(image)


class AttributeInline(TabularInline):
    model = ProductAttribute
    verbose_name = "fact"
    formfield_overrides = {DecimalField: {"widget": NumberWidget}}
    fields = ("attribute", "text", "number", "boolean")
    extra = 0
    show_title = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProductAttribute]:
        return super().get_queryset(request).select_related("attribute")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        field.choices = list(field.choices)  # asked once, not once a row
        return field


class ShownFilter(DropdownFilter):
    title = "shown"
    parameter_name = "shown"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "In the shop now"), ("no", "Not in the shop now")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        visible = Product.objects.visible().values("pk")  # type: ignore[attr-defined]
        match self.value():
            case "yes":
                return queryset.filter(pk__in=visible)
            case "no":
                return queryset.exclude(pk__in=visible)
        return queryset


@admin.register(Product)
class ProductAdmin(ModelAdmin):
    list_display = (
        "cover",
        "title",
        "artist",
        "category",
        "variant_count",
        "price_from",
        "in_stock",
        "visible_from",
    )
    list_display_links = ("cover", "title")
    list_filter = (ShownFilter, ("category", RelatedDropdownFilter))
    list_filter_submit = True
    list_select_related = ("category",)
    list_per_page = 50
    search_fields = ("title__icontains", "artist__icontains", "variants__sku__istartswith")
    search_help_text = "Title, artist or SKU"
    show_full_result_count = False
    ordering = ("position", "id")
    prepopulated_fields = {"slug": ("title",)}
    inlines = (VariantInline, ImageInline, AttributeInline)
    fieldsets = (
        (None, {"fields": (("title", "slug"), ("subtitle", "artist"), "story")}),
        (
            "In the shop",
            {
                "fields": (
                    ("category", "position"),
                    ("orientation", "tax_class"),
                    ("visible_from", "visible_until"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        cards = super().get_queryset(request).for_cards()  # type: ignore[attr-defined]
        free = F("variants__stock__on_hand") - F("variants__stock__reserved")
        return cards.annotate(variant_count=Count("variants"), free=Sum(free, default=0))

    @display(description="")
    def cover(self, product: Product) -> SafeString | str:
        return thumbnail(product.cover)

    @display(description="Variants", ordering="variant_count")
    def variant_count(self, product: Any) -> int:
        return product.variant_count

    @display(description="From", ordering="price_from")
    def price_from(self, product: Any) -> Money | None:
        return None if product.price_from is None else Money(product.price_from, settings.DEFAULT_CURRENCY)

    @display(description="Available", ordering="free")
    def in_stock(self, product: Any) -> int:
        return product.free


class CategoryForm(movenodeform_factory(Category)):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("treebeard_position", "treebeard_ref_node"):
            self.fields[name].widget = UnfoldAdminSelectWidget()
            self.fields[name].widget.choices = self.fields[name].choices


@admin.register(Category)
class CategoryAdmin(ModelAdmin):
    """The whole tree in its order. A category moves by its form: "after Storm", "first child of Charts"."""

    form = CategoryForm
    list_display = ("place", "slug", "product_count")
    list_per_page = 500
    search_fields = ("name__icontains",)
    prepopulated_fields = {"slug": ("name",)}
    ordering = ("path",)
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        return super().get_queryset(request).annotate(product_count=Count("products"))

    def has_delete_permission(self, request: HttpRequest, obj: Category | None = None) -> bool:
        """A category takes its children with it, unasked, so only one without any can go."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.is_leaf())

    @display(description="Category")
    def place(self, category: Category) -> SafeString:
        return format_html('<span class="bo-depth-{}">{}</span>', min(category.depth, 6), category.name)

    @display(description="Products", ordering="product_count")
    def product_count(self, category: Any) -> int:
        return category.product_count


@admin.register(Attribute)
class AttributeAdmin(ModelAdmin):
    list_display = ("name", "code", "kind", "unit", "position")
    search_fields = ("name__icontains",)
    prepopulated_fields = {"code": ("name",)}


class OptionValueInline(TabularInline):
    model = OptionValue
    fields = ("label", "code", "swatch", "position")
    extra = 0
    show_title = False


@admin.register(Option)
class OptionAdmin(ModelAdmin):
    list_display = ("name", "code", "value_count", "position")
    inlines = (OptionValueInline,)
    prepopulated_fields = {"code": ("name",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Option]:
        return super().get_queryset(request).annotate(value_count=Count("values"))

    @display(description="Values", ordering="value_count")
    def value_count(self, option: Any) -> int:
        return option.value_count
