"""Tax: zones, and in each the rates by class and time."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import DecimalField, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from shop.backoffice.widgets import NumberWidget
from shop.pricing.models import TaxRate, TaxZone


class TaxRateInline(TabularInline):
    model = TaxRate
    verbose_name = "rate"
    formfield_overrides = {DecimalField: {"widget": NumberWidget}}
    ordering = ("tax_class", "valid_from")
    extra = 0
    show_title = False


@admin.register(TaxZone)
class TaxZoneAdmin(ModelAdmin):
    list_display = ("name", "place", "rates_now", "prices", "taxes_shipping", "in_vat_union")
    list_filter = ("prices", "taxes_shipping", "in_vat_union")
    list_per_page = 200
    search_fields = ("name__icontains", "country__iexact")
    search_help_text = "Name, or country code such as IE"
    inlines = (TaxRateInline,)
    fieldsets = (
        (None, {"fields": ("name", ("country", "region", "postal_prefix"))}),
        ("What its law says", {"fields": (("prices", "taxes_shipping", "in_vat_union"),)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[TaxZone]:
        return super().get_queryset(request).with_rates()  # type: ignore[attr-defined]

    @display(description="Rates today")
    def rates_now(self, zone: TaxZone) -> str:
        rates = zone.percents().items()
        return ", ".join(f"{name} {percent.normalize():f}%" for name, percent in rates) or "none"
