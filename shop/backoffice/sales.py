"""Sales: when they begin and end, and what they cover."""

from django.contrib import admin
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display

from shop.pricing.models import Sale


@admin.register(Sale)
class SaleAdmin(ModelAdmin):
    """A sale begins and ends by itself, a few seconds after its time; so does a change of it here."""

    list_display = ("name", "percent", "state", "starts_at", "ends_at")
    search_fields = ("name__icontains",)
    autocomplete_fields = ("categories", "products")
    fields = (("name", "percent"), "categories", "products", ("starts_at", "ends_at"))

    @display(description="State", label={"on": "success", "to come": "warning", "over": ""})
    def state(self, sale: Sale) -> str:
        now = timezone.now()
        if sale.starts_at > now:
            return "to come"
        return "over" if sale.ends_at and sale.ends_at <= now else "on"
