"""Coupons: what a code takes off, and when it does."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone

from shop.errors import ShopError


class CouponUnknown(ShopError):
    code = "coupon_unknown"
    message = "We do not know this code. Codes are letters and digits, as on your voucher."


class CouponNotYet(ShopError):
    code = "coupon_not_yet"
    message = "This code is not valid yet."


class CouponExpired(ShopError):
    code = "coupon_expired"
    message = "This code has expired."


class CouponQuerySet(models.QuerySet["Coupon"]):
    def redeemable(self, code: str) -> Coupon:
        """The coupon of this code, if it can be used now.

        Raises CouponUnknown, CouponNotYet or CouponExpired.
        """
        coupon = self.filter(code__iexact=code.strip()).first()
        if coupon is None:
            raise CouponUnknown
        coupon.check_window()
        return coupon


class Coupon(models.Model):
    code = models.CharField(max_length=40, unique=True)
    percent = models.PositiveSmallIntegerField(
        "percent off", validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True)

    objects = CouponQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(Upper("code"), name="coupon_code_once_whatever_case"),
            models.CheckConstraint(
                condition=Q(percent__gte=1, percent__lte=100), name="coupon_percent_1_to_100"
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def check_window(self) -> None:
        """Raises CouponNotYet or CouponExpired outside the coupon's dates."""
        now = timezone.now()
        if self.starts_at > now:
            raise CouponNotYet
        if self.ends_at and self.ends_at <= now:
            raise CouponExpired
