"""Offers, what each asks for and gives, and who has used which. The codes that open some are in coupons.py."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from djmoney.models.fields import MoneyField

from shop.catalog.models import Category, Product
from shop.money import in_words, payable
from shop.pricing.offers import AmountOff, Benefit, BuyGet, FreeShipping, PercentOff
from shop.promotions.coupons import (
    Coupon,
    CouponBatch,
    CouponExpired,
    CouponNotYet,
    CouponUnknown,
    CouponUsedUp,
)
from shop.promotions.limits import Limited

__all__ = [
    "Coupon",
    "CouponBatch",
    "CouponExpired",
    "CouponNotYet",
    "CouponUnknown",
    "CouponUsedUp",
    "CustomerUse",
    "Offer",
    "Redemption",
]


class OfferQuerySet(models.QuerySet["Offer"]):
    def automatic(self) -> OfferQuerySet:
        """Those that need no code and are not over, also if they have not begun: they can be told of."""
        now = timezone.now()
        return self.filter(needs_code=False, starts_at__lte=now).filter(Q(ends_at=None) | Q(ends_at__gt=now))

    def loaded(self) -> OfferQuerySet:
        """With what each covers, in two queries for all."""
        return self.prefetch_related("products", "categories")


class Offer(Limited):
    """A condition and a benefit. It covers its products and what lies in its categories; with neither, all there is.

    The uses of each customer are counted where there is a limit for each, and only there.
    """

    class Kind(models.TextChoices):
        PERCENT = "percent", "Percent off"
        AMOUNT = "amount", "Amount off"
        BUY_GET = "buy_get", "Buy some, get some"
        FREE_SHIPPING = "free_shipping", "Free delivery"

    # What each kind of benefit must state; `percent` of "buy some, get some" is off those that one gets.
    STATES: ClassVar[dict[str, set[str]]] = {
        Kind.PERCENT: {"percent"},
        Kind.AMOUNT: {"amount"},
        Kind.BUY_GET: {"buy", "get", "percent"},
        Kind.FREE_SHIPPING: set(),
    }

    name = models.CharField(max_length=80, help_text="What buyers read: “Three for two”, “Autumn swell”.")
    kind = models.CharField("benefit", max_length=15, choices=Kind)
    percent = models.PositiveSmallIntegerField(
        "percent off", null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    amount = MoneyField(
        "amount off", max_digits=12, decimal_places=3, null=True, blank=True, validators=[payable],
        default_currency=settings.DEFAULT_CURRENCY,
    )  # fmt: skip
    buy = models.PositiveSmallIntegerField(
        "to pay in full", null=True, blank=True, validators=[MinValueValidator(1)]
    )
    get = models.PositiveSmallIntegerField(
        "then for less", null=True, blank=True, validators=[MinValueValidator(1)]
    )
    products = models.ManyToManyField(Product, blank=True, related_name="+")
    categories = models.ManyToManyField(
        Category, blank=True, related_name="+", help_text="With all that lies below them."
    )
    needs_code = models.BooleanField(
        "only with a code", default=False, help_text="Else everybody has it without asking."
    )
    minimum = MoneyField(
        "minimum spend", max_digits=12, decimal_places=3, null=True, blank=True, validators=[payable],
        default_currency=settings.DEFAULT_CURRENCY,
        help_text="Of what it covers, at the prices shown.",
    )  # fmt: skip
    first_order = models.BooleanField("only for a first order", default=False)
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True)
    limit_per_customer = models.PositiveSmallIntegerField(
        "orders of one customer",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="An account, or a guest's e-mail address.",
    )
    priority = models.SmallIntegerField(default=0, help_text="Higher comes first.")
    exclusive = models.BooleanField(default=False, help_text="Goes together with no other offer.")

    objects = OfferQuerySet.as_manager()

    class Meta:
        ordering = ["-priority", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(percent=None) | Q(percent__gte=1, percent__lte=100), name="offer_percent_1_to_100"
            ),
            models.CheckConstraint(
                condition=Q(amount=None) | Q(amount__gt=0), name="offer_amount_above_zero"
            ),
            models.CheckConstraint(
                condition=Q(kind="percent", percent__isnull=False)
                | Q(kind="amount", amount__isnull=False)
                | Q(kind="buy_get", buy__gte=1, get__gte=1, percent__isnull=False)
                | Q(kind="free_shipping"),
                name="offer_states_its_benefit",
            ),
            models.CheckConstraint(
                condition=Q(limit=None) | Q(used__lte=F("limit")), name="offer_within_limit"
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")), name="offer_starts_before_it_ends"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        wanted = self.STATES.get(self.kind, set())
        missing = [name for name in sorted(wanted) if getattr(self, name) is None]
        if missing:
            raise ValidationError(dict.fromkeys(missing, "This benefit needs it."))
        if self.ends_at and self.starts_at and self.ends_at <= self.starts_at:
            raise ValidationError({"ends_at": "It ends before it starts."})

    @property
    def benefit(self) -> Benefit:
        match self.kind:
            case self.Kind.PERCENT:
                return PercentOff(self.percent or 0)
            case self.Kind.AMOUNT:
                return AmountOff(self.amount)
            case self.Kind.BUY_GET:
                return BuyGet(self.buy or 1, self.get or 1, self.percent or 100)
        return FreeShipping()

    @property
    def each_customer(self) -> int | None:
        """A first order comes once: also of two that are placed at the same instant."""
        return 1 if self.first_order else self.limit_per_customer

    @property
    def gives(self) -> str:
        """`10 % off`, as an end of a sentence."""
        match self.benefit:
            case PercentOff(percent):
                return f"{percent} % off"
            case AmountOff(amount):
                return f"{in_words(amount)} off"
            case BuyGet(buy, get, percent):
                less = "for nothing" if percent == 100 else f"for {percent} % less"
                return f"{get} of every {buy + get} {less}"
        return "free delivery"


class CustomerUse(models.Model):
    """How often one customer used an offer that has a limit for each."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="customer_uses")
    customer = models.CharField(max_length=260, help_text="`user:<id>`, or `email:<address>` of a guest.")
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["offer", "customer"], name="one_count_per_customer")]

    def __str__(self) -> str:
        return f"{self.customer}: {self.used}"


class Redemption(models.Model):
    """That an order used an offer, until it is called off. `reference` is the order's public id."""

    reference = models.CharField(max_length=32)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="redemptions")
    coupon = models.ForeignKey(
        Coupon, null=True, blank=True, on_delete=models.PROTECT, related_name="redemptions"
    )
    customer = models.CharField(max_length=260)
    made_at = models.DateTimeField(auto_now_add=True)
    given_back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["reference", "offer"], name="offer_once_per_order")]

    def __str__(self) -> str:
        return f"{self.offer_id} by {self.reference}"
