"""Products in a tree of categories, when the public may see them, and their pictures."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Min, Prefetch, Q
from django.urls import reverse
from django.utils import timezone
from pictures.models import PictureField
from treebeard.mp_tree import MP_Node

from shop.catalog.announcing import announce_visibility, announced

if TYPE_CHECKING:
    from datetime import datetime


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

    def hung(self) -> ProductQuerySet:
        """Those that can be bought, as cards. The model's own order is lost with the grouping."""
        return self.for_cards().filter(price_from__isnull=False)  # type: ignore[misc]  # annotated there


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
