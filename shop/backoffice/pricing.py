"""Tax rates by country and class."""

from django.contrib import admin
from django.db.models import DecimalField
from unfold.admin import ModelAdmin

from shop.backoffice.widgets import NumberWidget
from shop.pricing.models import TaxRate


@admin.register(TaxRate)
class TaxRateAdmin(ModelAdmin):
    list_display = ("country", "tax_class", "percent")
    formfield_overrides = {DecimalField: {"widget": NumberWidget}}
    list_per_page = 200
    search_fields = ("country__iexact",)
    search_help_text = "Country code, such as IE"
