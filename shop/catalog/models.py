"""What the shop sells: products in a tree of categories, each in variants."""

from __future__ import annotations

from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Min, Prefetch, Q
from django.urls import reverse
from django.utils import timezone
from djmoney.models.fields import MoneyField
from djmoney.models.validators import MinMoneyValidator
from pictures.models import PictureField
from treebeard.mp_tree import MP_Node

from shop.catalog.announcing import announce_prices, announce_visibility, announced
from shop.money import payable, rounded

if TYPE_CHECKING:
    from datetime import datetime

    from djmoney.money import Money


class Category(MP_Node):
    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=80, unique=True)
    description = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("storefront:category", args=[self.slug])


class TaxClass(models.TextChoices):
    STANDARD = "standard", "Standard rate"
    REDUCED = "reduced", "Reduced rate"
    ZERO = "zero", "Not taxed"


class ProductQuerySet(models.QuerySet["Product"]):
    def visible(self, at: datetime | None = None) -> ProductQuerySet:
        """Those that the public may see now (or at another time, to look ahead)."""
        at = at or timezone.now()
        return self.filter(visible_from__lte=at).filter(Q(visible_until=None) | Q(visible_until__gt=at))

    def in_category(self, category: Category) -> ProductQuerySet:
        return self.filter(category__path__startswith=category.path)

    def update(self, **changes: Any) -> int:
        if not changes.keys() & {"visible_from", "visible_until"}:
            return super().update(**changes)
        with announced(self, attrgetter("is_visible"), announce_visibility):
            return super().update(**changes)

    def with_price_from(self) -> ProductQuerySet:
        return self.annotate(price_from=Min("variants__price"))

    def for_cards(self) -> ProductQuerySet:
        """All that a card shows, in three queries whatever the number of cards."""
        first = ProductImage.objects.filter(position=0)
        return self.with_price_from().prefetch_related(
            Prefetch("images", queryset=first, to_attr="cover_images")
        )


class Product(models.Model):
    """`artist` and `subtitle` are the two lines under a title; `story` is the longer text."""

    class Orientation(models.TextChoices):
        PORTRAIT = "portrait"
        LANDSCAPE = "landscape"
        SQUARE = "square"

    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="products")
    title = models.CharField(max_length=120)
    slug = models.SlugField(max_length=120, unique=True)
    subtitle = models.CharField(max_length=160, blank=True)
    artist = models.CharField(max_length=80, blank=True)
    story = models.TextField(blank=True)
    orientation = models.CharField(max_length=10, choices=Orientation, default=Orientation.PORTRAIT)
    tax_class = models.CharField(max_length=10, choices=TaxClass, default=TaxClass.STANDARD)
    visible_from = models.DateTimeField(default=timezone.now)
    visible_until = models.DateTimeField(null=True, blank=True)
    position = models.PositiveIntegerField(default=0, help_text="Lower comes first where nothing else sorts.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        indexes = [models.Index(fields=["visible_from", "position"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(visible_until=None) | Q(visible_until__gt=F("visible_from")),
                name="product_visible_from_before_until",
            )
        ]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        mine = Product.objects.filter(pk=self.pk)
        with announced(mine, attrgetter("is_visible"), announce_visibility):
            super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("storefront:product", args=[self.slug])

    @property
    def is_visible(self) -> bool:
        now = timezone.now()
        return self.visible_from <= now and (self.visible_until is None or self.visible_until > now)

    @property
    def cover(self) -> ProductImage | None:
        """The first image; free of a query after `for_cards()`."""
        images = getattr(self, "cover_images", None)
        if images is None:
            images = list(self.images.all()[:1])
        return images[0] if images else None


class ProductImage(models.Model):
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="images")
    picture = PictureField(upload_to="products", width_field="width", height_field="height", max_length=200)
    width = models.PositiveIntegerField(editable=False, default=0)
    height = models.PositiveIntegerField(editable=False, default=0)
    alt = models.CharField("description for who cannot see it", max_length=200)
    tone = models.CharField(max_length=7, default="#e6e0d4", help_text="Shown until the picture has loaded.")
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.alt


class Attribute(models.Model):
    """A named fact that products can state, of one type: `artist's inks`, `year`, `hand-numbered`."""

    class Kind(models.TextChoices):
        TEXT = "text"
        NUMBER = "number"
        BOOLEAN = "boolean"

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.TEXT)
    unit = models.CharField(max_length=20, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class ProductAttribute(models.Model):
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="attributes")
    attribute = models.ForeignKey(Attribute, on_delete=models.PROTECT, related_name="values")
    text = models.CharField(max_length=200, blank=True)
    number = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    boolean = models.BooleanField(null=True, blank=True)

    class Meta:
        ordering = ["attribute__position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["product", "attribute"], name="attribute_once_per_product"),
            models.CheckConstraint(
                condition=(~Q(text="") & Q(number=None) & Q(boolean=None))
                | (Q(text="") & Q(number__isnull=False) & Q(boolean=None))
                | (Q(text="") & Q(number=None) & Q(boolean__isnull=False)),
                name="attribute_has_one_value",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.attribute}: {self.value}"

    @property
    def value(self) -> str:
        if self.number is not None:
            return f"{self.number.normalize():f} {self.attribute.unit}".strip()
        if self.boolean is not None:
            return "Yes" if self.boolean else "No"
        return self.text


class Option(models.Model):
    """What variants of a product differ in: size, paper, frame."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class OptionValue(models.Model):
    option = models.ForeignKey(Option, on_delete=models.CASCADE, related_name="values")
    code = models.SlugField(max_length=60)
    label = models.CharField(max_length=80)
    swatch = models.CharField(
        max_length=7, blank=True, help_text="A colour such as #8a6423, where one says more."
    )
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["option__position", "position", "id"]
        constraints = [models.UniqueConstraint(fields=["option", "code"], name="option_value_code_once")]

    def __str__(self) -> str:
        return self.label


REPRICED = ["price", "full_price", "full_price_currency", "sale_percent"]


class VariantQuerySet(models.QuerySet["Variant"]):
    def buyable(self) -> VariantQuerySet:
        """Those whose product the public may see now."""
        return self.filter(product__in=Product.objects.visible())

    def update(self, **changes: Any) -> int:
        if not changes.keys() & {"price", "price_currency"}:
            return super().update(**changes)
        with announced(self, attrgetter("price"), announce_prices):
            return super().update(**changes)

    def with_options(self) -> VariantQuerySet:
        values = OptionValue.objects.select_related("option")
        return self.prefetch_related(Prefetch("values", queryset=values, to_attr="option_values"))


class Variant(models.Model):
    """One thing that can be bought. `price` is what it costs now, tax as docs/pricing.md says.

    During a sale `full_price` is what it costs otherwise; outside of one it is None. Both are written by `reprice`.
    """

    if TYPE_CHECKING:
        option_values: list[OptionValue]

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="variants")
    sku = models.CharField("SKU", max_length=40, unique=True)
    price = MoneyField(
        max_digits=12,
        decimal_places=3,
        default_currency=settings.DEFAULT_CURRENCY,
        validators=[MinMoneyValidator(0), payable],
    )
    full_price = MoneyField(
        max_digits=12,
        decimal_places=3,
        default_currency=settings.DEFAULT_CURRENCY,
        default=None,
        null=True,
        blank=True,
        editable=False,
    )
    sale_percent = models.PositiveSmallIntegerField(default=0, editable=False)
    weight_g = models.PositiveIntegerField("weight in grams", validators=[MinValueValidator(1)])
    values = models.ManyToManyField(OptionValue, related_name="variants", blank=True)
    image = models.ForeignKey(
        ProductImage, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    position = models.PositiveIntegerField(default=0)

    objects = VariantQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        indexes = [models.Index(fields=["product", "price"])]
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=0), name="variant_price_not_negative"),
            models.CheckConstraint(
                condition=Q(sale_percent=0, full_price=None)
                | Q(sale_percent__gt=0, sale_percent__lte=100, full_price__gte=F("price")),
                name="variant_full_price_only_on_sale",
            ),
        ]

    def __str__(self) -> str:
        return self.sku

    def save(self, *args: Any, **kwargs: Any) -> None:
        with announced(Variant.objects.filter(pk=self.pk), attrgetter("price"), announce_prices):
            super().save(*args, **kwargs)

    @property
    def regular_price(self) -> Money:
        return self.price if self.full_price is None else self.full_price

    def reprice(self, regular: Money, sale_percent: int) -> None:
        """Sets what it costs now and otherwise; the caller saves `REPRICED`."""
        self.price, self.full_price, self.sale_percent = regular, None, sale_percent
        if sale_percent:
            self.price, self.full_price = rounded(regular * (Decimal(100 - sale_percent) / 100)), regular

    @property
    def label(self) -> str:
        """`30 × 40 cm, cotton rag, oak`; free of a query after `with_options()`."""
        values = getattr(self, "option_values", None)
        if values is None:
            values = self.values.select_related("option")
        return ", ".join(value.label for value in values)
