"""Our own ways to send a parcel, and the zones that price them. What carriers quote is asked at checkout."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db.models import DecimalField, QuerySet
from django.http import HttpRequest
from djmoney.models.fields import MoneyField
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from shop.backoffice.widgets import NumberWidget, PriceWidget
from shop.shipping.models import ShippingMethod, ShippingPlace, ShippingRate, ShippingZone

AMOUNTS = {MoneyField: {"widget": PriceWidget}, DecimalField: {"widget": NumberWidget}}


class PlaceInline(TabularInline):
    model = ShippingPlace
    fields = ("country", "region", "postal_prefix")
    verbose_name = "place"
    extra = 0
    show_title = False


@admin.register(ShippingZone)
class ShippingZoneAdmin(ModelAdmin):
    list_display = ("name", "where", "ways")
    search_fields = ("name__icontains", "places__country__iexact")
    search_help_text = "Name, or country code such as IE"
    inlines = (PlaceInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ShippingZone]:
        return super().get_queryset(request).prefetch_related("places", "methods")

    @display(description="Places")
    def where(self, zone: ShippingZone) -> str:
        return ", ".join(str(place) for place in zone.places.all())

    @display(description="Methods")
    def ways(self, zone: ShippingZone) -> str:
        return ", ".join(str(method) for method in zone.methods.all())


class RateInline(TabularInline):
    model = ShippingRate
    verbose_name = "rate"
    verbose_name_plural = "Rates of a zone by weight and goods"
    formfield_overrides = AMOUNTS
    extra = 0
    show_title = False


class MethodForm(forms.ModelForm):
    def clean(self) -> None:
        super().clean()
        zones, everywhere = self.cleaned_data.get("zones"), self.cleaned_data.get("everywhere")
        if everywhere and zones:
            self.add_error("zones", "It goes everywhere: name no zones, or take “everywhere” back.")
        if not everywhere and not zones:
            self.add_error("zones", "It goes nowhere: name zones, or say “everywhere”.")


@admin.register(ShippingMethod)
class ShippingMethodAdmin(ModelAdmin):
    form = MethodForm
    list_display = ("name", "where", "price", "free_from", "days", "active", "position")
    formfield_overrides = AMOUNTS
    autocomplete_fields = ("zones",)
    inlines = (RateInline,)
    fieldsets = (
        (None, {"fields": (("name", "code"), "description", ("collected", "active", "position"))}),
        ("Where and how fast", {"fields": ("everywhere", "zones", ("days_min", "days_max"), "max_weight_g")}),
        ("Price", {"fields": (("price", "free_from"),)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ShippingMethod]:
        return super().get_queryset(request).prefetch_related("zones")

    @display(description="Where")
    def where(self, method: ShippingMethod) -> str:
        if method.everywhere:
            return "everywhere"
        return ", ".join(str(zone) for zone in method.zones.all()) or "nowhere"

    @display(description="Days")
    def days(self, method: ShippingMethod) -> str:
        return f"{method.days_min}–{method.days_max}"
