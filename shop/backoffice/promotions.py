"""Offers, the codes that open some of them, and codes made in batches for one order each."""

from __future__ import annotations

import csv
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST
from djmoney.models.fields import MoneyField
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from shop.backoffice.ledgers import LedgerAdmin
from shop.backoffice.offer_trials import trial_of
from shop.backoffice.site import hand
from shop.backoffice.widgets import PriceWidget
from shop.promotions.models import Coupon, CouponBatch, Offer, Redemption
from shop.promotions.services import export_batch, make_batch, recount, recount_customers

STATE_COLOURS = {"valid": "success", "not yet": "warning", "over": "", "used up": "danger"}
LARGEST_BATCH = 10_000


def state_of(offer: Offer) -> str:
    now = timezone.now()
    if offer.starts_at > now:
        return "not yet"
    if offer.ends_at and offer.ends_at <= now:
        return "over"
    return "used up" if offer.used_up else "valid"


class StateDisplay:
    @display(description="State", label=STATE_COLOURS)
    def state(self, row: Any) -> str:
        if row.used_up:
            return "used up"
        return state_of(row if isinstance(row, Offer) else row.offer)


class LimitedAdmin(ModelAdmin):
    """Of rows that orders use while staff change them."""

    def changeform_view(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(*args, **kwargs)
        except IntegrityError:
            # An order came between the look at the form and the write: looked at again, the form says so.
            return super().changeform_view(*args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            return super().save_model(request, obj, form, change)
        if "limit" in form.changed_data and obj.limit is not None:
            recount(obj)
        # All but the count, which may have gone on since the row was read.
        names = {field.name for field in self.opts.concrete_fields if not field.primary_key}
        return obj.save(update_fields=names - {"used"})


@admin.register(Offer)
class OfferAdmin(StateDisplay, LimitedAdmin):
    list_display = ("name", "gives", "how", "state", "orders", "priority", "starts_at", "ends_at")
    search_fields = ("name__icontains",)
    autocomplete_fields = ("products", "categories")
    formfield_overrides = {MoneyField: {"widget": PriceWidget}}
    change_form_outer_after_template = "backoffice/offer_trial.html"
    fieldsets = (
        (None, {"fields": ("name", ("kind", "percent", "amount"), ("buy", "get"))}),
        ("What it covers", {"fields": ("products", "categories")}),
        ("Who has it", {"fields": (("needs_code", "first_order"), "minimum")}),
        ("When", {"fields": (("starts_at", "ends_at"),)}),
        ("How often", {"fields": (("limit", "limit_per_customer"),)}),
        ("Beside others", {"fields": (("priority", "exclusive"),)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Offer]:
        standing = Count("redemptions", filter=Q(redemptions__given_back_at=None))
        return super().get_queryset(request).annotate(order_count=standing)

    def save_model(self, request: HttpRequest, obj: Offer, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and {"limit_per_customer", "first_order"} & {*form.changed_data} and obj.each_customer:
            recount_customers(obj)

    @display(description="Gives")
    def gives(self, offer: Offer) -> str:
        return offer.gives

    @display(description="How")
    def how(self, offer: Offer) -> str:
        return "with a code" if offer.needs_code else "by itself"

    @display(description="Orders", ordering="order_count")
    def orders(self, offer: Any) -> str:
        return f"{offer.order_count} of {offer.limit}" if offer.limit is not None else str(offer.order_count)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        offer, number = kwargs.get("obj"), request.GET.get("try", "").strip()
        if offer and number:
            if not (
                request.user.has_perm("orders.view_order") or request.user.has_perm("orders.change_order")
            ):
                raise PermissionDenied
            context["trial"] = trial_of(offer, number)
        return super().render_change_form(request, context, *args, **kwargs)


@admin.register(Coupon)
class CouponAdmin(StateDisplay, LimitedAdmin):
    """Codes of a batch are shown by their first letters only: they leave the shop once, in a file."""

    list_display = ("shown", "offer", "state", "used", "limit")
    list_select_related = ("offer", "batch")
    search_fields = ("code__iexact",)
    search_help_text = "The whole code"
    autocomplete_fields = ("offer",)
    fields = ("code", "offer", "limit")

    @display(description="Code", ordering="code")
    def shown(self, coupon: Coupon) -> str:
        return f"{coupon.code[:4]}-····" if coupon.batch_id else coupon.code

    def has_change_permission(self, request: HttpRequest, obj: Coupon | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.batch_id is None)

    def get_fields(self, request: HttpRequest, obj: Coupon | None = None) -> Any:
        return ("shown", "offer", "limit", "used") if obj and obj.batch_id else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Coupon | None = None) -> Any:
        return ("shown", "used")


class BatchForm(forms.ModelForm):
    count = forms.IntegerField(
        label="How many", min_value=1, max_value=LARGEST_BATCH, widget=UnfoldAdminIntegerFieldWidget
    )

    class Meta:
        model = CouponBatch
        fields = ("offer", "note")


@admin.register(CouponBatch)
class CouponBatchAdmin(ModelAdmin):
    list_display = ("note", "offer", "codes", "used", "made_at", "exported_at")
    list_select_related = ("offer",)
    autocomplete_fields = ("offer",)
    change_form_outer_after_template = "backoffice/batch_export.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[CouponBatch]:
        used = Count("coupons", filter=Q(coupons__used__gt=0))
        return super().get_queryset(request).annotate(code_count=Count("coupons"), used_count=used)

    @display(description="Codes")
    def codes(self, batch: Any) -> int:
        return batch.code_count

    @display(description="Used")
    def used(self, batch: Any) -> int:
        return batch.used_count

    def has_change_permission(self, request: HttpRequest, obj: CouponBatch | None = None) -> bool:
        return super().has_change_permission(request, obj) and obj is None

    def has_delete_permission(self, request: HttpRequest, obj: CouponBatch | None = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs, **({} if obj else {"form": BatchForm}))

    def get_fields(self, request: HttpRequest, obj: CouponBatch | None = None) -> Any:
        return ("offer", "note", "made_by", "made_at", "exported_at") if obj else ("offer", "note", "count")

    def save_model(self, request: HttpRequest, obj: CouponBatch, form: Any, change: bool) -> None:
        made = make_batch(obj.offer, obj.note, form.cleaned_data["count"], hand(request))
        obj.pk, obj.made_at = made.pk, made.made_at

    def response_add(self, request: HttpRequest, obj: CouponBatch, *args: Any, **kwargs: Any) -> HttpResponse:
        messages.success(request, "The codes are made. Download them now: the file is given out once.")
        return redirect("admin:promotions_couponbatch_change", obj.pk)

    def get_urls(self) -> list[Any]:
        export = self.admin_site.admin_view(require_POST(self.export_view))
        return [path("<int:pk>/export/", export, name="promotions_couponbatch_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = get_object_or_404(CouponBatch, pk=pk)
        if not self.has_add_permission(request):
            raise PermissionDenied
        codes = export_batch(batch)
        if not codes:
            messages.error(request, "These codes have left the shop already; they are given out once.")
            return redirect("admin:promotions_couponbatch_change", pk)
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="coupons-{pk}.csv"'
        response.headers["Cache-Control"] = "no-store"
        csv.writer(response).writerows([["code"], *([code] for code in codes)])
        return response


@admin.register(Redemption)
class RedemptionAdmin(LedgerAdmin):
    """Which order used which offer."""

    list_display = ("reference", "offer", "customer", "made_at", "given_back_at")
    list_select_related = ("offer",)
    search_fields = ("reference__exact", "customer__iexact", "coupon__code__iexact")
    fields = ("reference", "offer", "customer", "made_at", "given_back_at")
    readonly_fields = fields
