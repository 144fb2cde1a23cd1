"""Sales as staff plan them; `sales.apply_sales` carries them out."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from shop.catalog.models import Category, Product


class SaleQuerySet(models.QuerySet["Sale"]):
    def running(self) -> SaleQuerySet:
        now = timezone.now()
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=now), starts_at__lte=now)


class Sale(models.Model):
    """So many percent off the shelf price, between two moments. `sales.apply_sales` writes it to the variants."""

    name = models.CharField(max_length=80, help_text="For staff.")
    percent = models.PositiveSmallIntegerField(
        "percent off", validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    categories = models.ManyToManyField(
        Category, blank=True, related_name="+", help_text="With all that lies below them."
    )
    products = models.ManyToManyField(
        Product, blank=True, related_name="+", help_text="With neither, everything is on sale."
    )
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True)

    objects = SaleQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__gte=1, percent__lte=100), name="sale_percent_1_to_100"
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")), name="sale_starts_before_it_ends"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def covers(self) -> Q:
        """Of variants; after a prefetch of both without a query."""
        products = [product.pk for product in self.products.all()]
        paths = [category.path for category in self.categories.all()]
        if not products and not paths:
            return Q(pk__isnull=False)
        below = [Q(product__category__path__startswith=path) for path in paths]
        return reduce(or_, below, Q(product__in=products))
