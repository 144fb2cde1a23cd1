"""The codes that open offers, one for many orders or batches of them for one each."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils import timezone

from shop.codes import plain
from shop.errors import ShopError
from shop.promotions.guessing import CodeUnknown
from shop.promotions.limits import Limited


class CouponUnknown(CodeUnknown):
    code = "coupon_unknown"
    message = "We do not know this code. Codes are letters and digits, as on your voucher."


class CouponNotYet(ShopError):
    code = "coupon_not_yet"
    message = "This code is not valid yet."


class CouponExpired(ShopError):
    code = "coupon_expired"
    message = "This code has expired."


class CouponUsedUp(ShopError):
    code = "coupon_used_up"
    message = "This code has been used up."


class CouponBatch(models.Model):
    """Codes made together, each for one order. They leave the shop in one file, once."""

    offer = models.ForeignKey("promotions.Offer", on_delete=models.PROTECT, related_name="batches")
    note = models.CharField(max_length=80, help_text="Who they are for: “Autumn letter”.")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    made_at = models.DateTimeField(auto_now_add=True)
    exported_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "coupon batches"

    def __str__(self) -> str:
        return self.note


class CouponQuerySet(models.QuerySet["Coupon"]):
    def redeemable(self, code: str) -> Coupon:
        """The coupon of this code as somebody typed it, if it can be used now.

        Raises CouponUnknown, CouponNotYet, CouponExpired or CouponUsedUp.
        """
        typed = code.strip()
        rows = self.select_related("offer")
        coupon = rows.filter(code__iexact=typed).first() or rows.filter(code=plain(typed)).first()
        if coupon is None:
            raise CouponUnknown
        coupon.check_usable()
        return coupon


class Coupon(Limited):
    """A code that opens an offer: for one order where it is of a batch, else for as many as `limit` says."""

    code = models.CharField(max_length=40, unique=True)
    offer = models.ForeignKey("promotions.Offer", on_delete=models.PROTECT, related_name="coupons")
    batch = models.ForeignKey(
        CouponBatch, null=True, blank=True, on_delete=models.PROTECT, related_name="coupons", editable=False
    )
    limit = models.PositiveIntegerField(
        "orders in all", null=True, blank=True, help_text="1 for a single use; empty sets no limit."
    )

    objects = CouponQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(Upper("code"), name="coupon_code_once_whatever_case"),
            models.CheckConstraint(
                condition=Q(limit=None) | Q(used__lte=F("limit")), name="coupon_within_limit"
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def check_usable(self) -> None:
        """Raises CouponNotYet, CouponExpired or CouponUsedUp where no order could use it now."""
        now = timezone.now()
        if self.offer.starts_at > now:
            raise CouponNotYet
        if self.offer.ends_at and self.offer.ends_at <= now:
            raise CouponExpired
        if self.used_up or self.offer.used_up:
            raise CouponUsedUp
