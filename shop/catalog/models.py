"""What the shop sells: variants of products, and what each of them costs."""

from __future__ import annotations

from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Prefetch, Q
from djmoney.models.fields import MoneyField
from djmoney.models.validators import MinMoneyValidator

from shop.catalog.announcing import announce_prices, announced
from shop.catalog.changes import Change
from shop.catalog.past_prices import PastPrice
from shop.catalog.products import Category, Product, ProductImage, ProductQuerySet, TaxClass
from shop.catalog.traits import Attribute, Option, OptionValue, ProductAttribute
from shop.money import payable, rounded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from djmoney.money import Money

__all__ = [
    "Attribute",
    "Category",
    "Change",
    "Option",
    "OptionValue",
    "PastPrice",
    "Product",
    "ProductAttribute",
    "ProductImage",
    "ProductQuerySet",
    "TaxClass",
    "Variant",
]


REPRICED = [
    *("price", "full_price", "full_price_currency", "sale_percent"),
    *("prior_price", "prior_price_currency"),
]


def priced_anew(variants: Sequence[Variant], before: Mapping[int, Money]) -> None:
    PastPrice.objects.bulk_create(PastPrice(variant_id=pk, price=price) for pk, price in before.items())
    announce_prices(variants)


def price_of_sale() -> MoneyField:
    """None while there is no sale."""
    return MoneyField(
        max_digits=12,
        decimal_places=3,
        default_currency=settings.DEFAULT_CURRENCY,
        default=None,
        null=True,
        blank=True,
        editable=False,
    )


class VariantQuerySet(models.QuerySet["Variant"]):
    def buyable(self) -> VariantQuerySet:
        """Those whose product the public may see now."""
        return self.filter(product__in=Product.objects.visible())

    def update(self, **changes: Any) -> int:
        if not changes.keys() & {"price", "price_currency"}:
            return super().update(**changes)
        with announced(self, attrgetter("price"), priced_anew):
            return super().update(**changes)

    def with_options(self) -> VariantQuerySet:
        values = OptionValue.objects.select_related("option")
        return self.prefetch_related(Prefetch("values", queryset=values, to_attr="option_values"))


class Variant(models.Model):
    """One thing that can be bought. `price` is what it costs now, tax as docs/pricing.md says.

    During a sale `full_price` is what it costs otherwise and `prior_price` the lowest of the 30 days before it; outside
    of one they are None. All are written by `reprice`.
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
    full_price = price_of_sale()
    prior_price = price_of_sale()
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
            models.CheckConstraint(
                condition=Q(sale_percent=0, prior_price=None)
                | Q(sale_percent__gt=0, prior_price__isnull=False),
                name="variant_prior_price_only_on_sale",
            ),
        ]

    def __str__(self) -> str:
        return self.sku

    def save(self, *args: Any, **kwargs: Any) -> None:
        with announced(Variant.objects.filter(pk=self.pk), attrgetter("price"), priced_anew):
            super().save(*args, **kwargs)

    @property
    def regular_price(self) -> Money:
        return self.price if self.full_price is None else self.full_price

    def reprice(self, regular: Money, sale_percent: int, lowest: Money | None = None) -> None:
        """Sets what it costs now and otherwise; the caller saves `REPRICED`.

        `lowest` is that of its past prices within 30 days. A reduction that only grows keeps the one before it.
        """
        if not sale_percent:
            self.prior_price = None
        elif not 0 < self.sale_percent <= sale_percent:
            self.prior_price = self.price if lowest is None else min(self.price, lowest)
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
