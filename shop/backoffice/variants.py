"""The variants of a product as rows of its page: one choice for each option, and the stock beside it."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from djmoney.models.fields import MoneyField
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminSelectWidget

from shop.backoffice.widgets import PriceWidget
from shop.catalog.models import Option, Variant
from shop.inventory.models import Stock

PREFIX = "option_"


def all_options(request: HttpRequest) -> list[Option]:
    """The options with their values, read once for a request however many rows ask."""
    if not hasattr(request, "variant_options"):
        request.variant_options = list(Option.objects.prefetch_related("values"))  # type: ignore[attr-defined]
    return request.variant_options  # type: ignore[attr-defined]


class VariantForm(forms.ModelForm):
    """Its fields `option_<code>` stand for the values: of a list of values somebody could pick two sizes."""

    option_ids: ClassVar[dict[str, int]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            chosen = {value.option_id: str(value.pk) for value in self.instance.values.all()}
            # Staff set what it costs when no sale is on; the sale goes on from there.
            self.initial["price"] = self.instance.regular_price
            self.initial.update(
                (name, chosen.get(option_id, "")) for name, option_id in self.option_ids.items()
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("price") is not None:
            self.instance.reprice(data["price"], self.instance.sale_percent)
            data["price"] = self.instance.price
        return data

    def chosen(self) -> tuple[int, ...]:
        return tuple(int(self.cleaned_data[name]) for name in self.option_ids if self.cleaned_data.get(name))

    def save(self, commit: bool = True) -> Variant:
        variant = super().save(commit)
        if commit:
            variant.values.set(self.chosen())
            Stock.objects.get_or_create(variant=variant)
        return variant


class VariantFormSet(PaginationInlineFormSet):
    def clean(self) -> None:
        super().clean()
        seen: set[tuple[int, ...]] = set()
        for form in self.forms:
            if not form.is_valid() or not form.cleaned_data or form.cleaned_data.get("DELETE"):
                continue
            if form.chosen() in seen:
                raise forms.ValidationError(
                    "Two variants have the same options; a buyer could not tell them apart."
                )
            seen.add(form.chosen())


class VariantInline(TabularInline):
    model = Variant
    formset = VariantFormSet
    formfield_overrides = {MoneyField: {"widget": PriceWidget}}
    readonly_fields = ("in_stock",)
    extra = 0
    show_title = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        options = [PREFIX + option.code for option in all_options(request)]
        return ["sku", *options, "price", "weight_g", "in_stock", "position"]

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        options = all_options(request)
        fields: dict[str, Any] = {
            PREFIX + option.code: forms.ChoiceField(
                label=option.name,
                required=False,
                choices=[("", "–"), *((str(value.pk), value.label) for value in option.values.all())],
                widget=UnfoldAdminSelectWidget(),
            )
            for option in options
        }
        ids = {PREFIX + option.code: option.pk for option in options}
        form = type("VariantForm", (VariantForm,), {**fields, "option_ids": ids})
        return super().get_formset(request, obj, form=form, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Variant]:
        return super().get_queryset(request).select_related("stock").prefetch_related("values")

    @display(description="Stock")
    def in_stock(self, variant: Variant) -> SafeString | str:
        stock = getattr(variant, "stock", None)
        if stock is None:
            return "–"
        url = reverse("admin:inventory_stock_change", args=[stock.pk])
        return format_html('<a class="bo-link" href="{}">{} of {}</a>', url, stock.available, stock.on_hand)
