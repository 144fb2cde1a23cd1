"""Tax: zones, and in each the rates by class and time."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db.models import DecimalField, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from shop.backoffice.widgets import NumberWidget
from shop.catalog.models import TaxClass
from shop.pricing.models import TaxRate, TaxZone


class TaxRatesForm(forms.BaseInlineFormSet):
    def clean(self) -> None:
        """A member of the VAT area always has a standard rate: without one the shop would sell there untaxed."""
        super().clean()
        if any(self.errors):
            return
        forms_kept = [form for form in self.forms if form not in self.deleted_forms]
        rates = [form.instance for form in forms_kept if form.instance.pk or form.has_changed()]
        if self.instance.in_vat_union and not any(map(_is_standard_today, rates)):
            raise forms.ValidationError("In the EU's VAT area there is a standard rate that holds today.")


def _is_standard_today(rate: TaxRate) -> bool:
    today = timezone.localdate()
    ended = rate.valid_until is not None and rate.valid_until < today
    return rate.tax_class == TaxClass.STANDARD and rate.valid_from <= today and not ended


class TaxRateInline(TabularInline):
    model = TaxRate
    formset = TaxRatesForm
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
