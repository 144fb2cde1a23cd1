"""Coupons: codes and when they work."""

from django.contrib import admin
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display

from shop.promotions.models import Coupon


@admin.register(Coupon)
class CouponAdmin(ModelAdmin):
    list_display = ("code", "percent", "state", "starts_at", "ends_at")
    search_fields = ("code__icontains",)
    fields = (("code", "percent"), ("starts_at", "ends_at"))

    @display(description="State", label={"valid": "success", "not yet": "warning"})
    def state(self, coupon: Coupon) -> str:
        now = timezone.now()
        if coupon.starts_at > now:
            return "not yet"
        return "over" if coupon.ends_at and coupon.ends_at <= now else "valid"
