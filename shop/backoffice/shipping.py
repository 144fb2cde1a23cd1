"""Our own ways to send a parcel. What carriers quote is asked at checkout."""

from typing import Any

from django.contrib import admin
from django.db.models import DecimalField
from django.http import HttpRequest
from djmoney.models.fields import MoneyField
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from shop.backoffice.widgets import NumberWidget, PriceWidget
from shop.shipping.models import ShippingMethod


@admin.register(ShippingMethod)
class ShippingMethodAdmin(ModelAdmin):
    list_display = ("name", "code", "price", "free_from", "days", "active", "position")
    formfield_overrides = {MoneyField: {"widget": PriceWidget}, DecimalField: {"widget": NumberWidget}}
    fieldsets = (
        (None, {"fields": (("name", "code"), "description", ("collected", "active", "position"))}),
        ("Price", {"fields": (("price", "free_from"),)}),
        ("Where and how fast", {"fields": ("countries", ("days_min", "days_max"), "max_weight_g")}),
    )

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "countries":  # Unfold's own select would keep one of them
            kwargs = {
                "widget": UnfoldAdminSelect2MultipleWidget(),
                "choices": db_field.get_choices(include_blank=False),
            }
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    @display(description="Days")
    def days(self, method: ShippingMethod) -> str:
        return f"{method.days_min}–{method.days_max}"
