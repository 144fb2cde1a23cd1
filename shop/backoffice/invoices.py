"""Invoices and credit notes: to find and to read. Services issue them, and nobody changes one."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from shop.backoffice.ledgers import LedgerAdmin
from shop.invoices.models import Document


@admin.register(Document)
class DocumentAdmin(LedgerAdmin):
    list_display = ("number", "order_number", "total", "issued_at")
    list_filter = (("kind", ChoicesDropdownFilter), "year")
    list_filter_submit = True
    search_fields = ("serial__exact", "reference__exact")
    fields = ("number", "order_number", "total", "issued_at", "paper")
    readonly_fields = fields

    @display(description="Number", ordering="id")
    def number(self, document: Document) -> str:
        return document.number

    @display(description="Order")
    def order_number(self, document: Document) -> str:
        return document.data["order_number"]

    @display(description="Total")
    def total(self, document: Document) -> str:
        return str(document.total)

    @display(description="Paper")
    def paper(self, document: Document) -> SafeString:
        url = reverse("storefront:order_document", args=[document.reference, document.number])
        return format_html('<a href="{}">{}</a>', url, document.filename)
