"""Stock as staff see it: what lies there and who holds it. It changes by a movement with a reason, never by an edit."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from shop.alerts.models import Alert
from shop.backoffice.ledgers import LedgerAdmin
from shop.backoffice.site import hand
from shop.errors import ShopError
from shop.inventory.models import LOW, Reservation, Stock, StockMovement
from shop.inventory.services import allow_backorders, receive
from shop.inventory.words import in_days

Reason = StockMovement.Reason


def level(available: int) -> str:
    """The colour of a stock line: none left, few left, or nothing to say."""
    return "danger" if available <= 0 else "warning" if available <= LOW else ""


class AdjustForm(forms.Form):
    quantity = forms.IntegerField(
        min_value=-9999,
        max_value=9999,
        help_text="12 adds twelve, -2 takes two away.",
        widget=UnfoldAdminIntegerFieldWidget,
    )
    reason = forms.ChoiceField(
        choices=[(reason, reason.label) for reason in (Reason.RECEIVED, Reason.RETURNED, Reason.ADJUSTED)],
        widget=UnfoldAdminSelectWidget,
    )
    note = forms.CharField(
        max_length=64,
        help_text="Such as a delivery note, an order's number or what was counted.",
        widget=UnfoldAdminTextInputWidget,
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        quantity = data.get("quantity")
        if quantity == 0:
            self.add_error("quantity", "Nothing would move.")
        if quantity and quantity < 0 and data.get("reason") != Reason.ADJUSTED:
            self.add_error(
                "quantity", "What was received or returned is more, not less. Take away as adjusted."
            )
        return data


class BackorderForm(forms.ModelForm):
    """How many may be sold before they are there, and how long one then takes. The service decides."""

    class Meta:
        model = Stock
        fields = ("backorder_limit", "lead_days")
        labels: ClassVar[dict[str, str]] = {"backorder_limit": "Sold ahead, at most"}
        widgets: ClassVar[dict[str, Any]] = {
            "backorder_limit": UnfoldAdminIntegerFieldWidget,
            "lead_days": UnfoldAdminIntegerFieldWidget,
        }


class LevelFilter(DropdownFilter):
    title = "level"
    parameter_name = "level"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("out", "None left"),
            ("low", f"{LOW} or fewer left"),
            ("held", "Some reserved"),
            ("owed", "Sold ahead"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Stock]) -> QuerySet[Stock]:
        match self.value():
            case "out":
                return queryset.filter(free__lte=0)  # type: ignore[misc]  # annotated below
            case "low":
                return queryset.filter(free__lte=LOW)  # type: ignore[misc]
            case "held":
                return queryset.filter(reserved__gt=0)
            case "owed":
                return queryset.owing()  # type: ignore[attr-defined]
        return queryset


@admin.register(Stock)
class StockAdmin(ModelAdmin):
    list_display = ("sku", "product", "on_hand", "reserved", "left", "waiting", "owing")
    list_display_links = ("sku",)
    list_filter = (LevelFilter,)
    list_filter_submit = True
    list_select_related = ("variant__product",)
    list_per_page = 50
    search_fields = ("variant__sku__istartswith", "variant__product__title__icontains")
    search_help_text = "SKU or product"
    show_full_result_count = False
    ordering = ("variant__sku",)
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Stock | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stock]:
        waiting = Coalesce(Subquery(Alert.objects.counted()), 0)
        free = F("on_hand") + F("backorder_limit") - F("reserved")
        return super().get_queryset(request).annotate(free=free, waiting=waiting)

    @display(description="SKU", ordering="variant__sku")
    def sku(self, stock: Stock) -> str:
        return stock.variant.sku

    @display(description="Product", ordering="variant__product__title")
    def product(self, stock: Stock) -> str:
        return stock.variant.product.title

    @display(
        description="Available", ordering="free", label={"danger": "danger", "warning": "warning", "": ""}
    )
    def left(self, stock: Stock) -> tuple[str, str]:
        return level(stock.available), str(stock.available)

    @display(description="Sold ahead")
    def owing(self, stock: Stock) -> str:
        return str(stock.owed or "–")

    @display(description="Waited for by", ordering="waiting")
    def waiting(self, stock: Any) -> str:
        return str(stock.waiting or "–")

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """One variant's stock with its last movements and holds, and what can be done to it."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        rows = self.get_queryset(request).select_related("variant__product")
        stock = rows.filter(pk=int(object_id)).first() if object_id.isdecimal() else None
        if stock is None:
            raise Http404
        may_adjust = self.has_change_permission(request)
        ahead = request.method == "POST" and "backorder_limit" in request.POST
        form = AdjustForm(None if ahead else request.POST or None)
        # Of a row of its own: validating writes what was typed into it.
        limits = BackorderForm(request.POST if ahead else None, instance=Stock.objects.get(pk=stock.pk))
        if request.method == "POST":
            if not may_adjust:
                raise PermissionDenied
            sent, work = (limits, self.allow) if ahead else (form, self.adjust)
            if sent.is_valid() and work(request, stock, sent.cleaned_data):
                return redirect("admin:inventory_stock_change", stock.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": stock.variant.sku,
            "title": stock.variant.sku,
            "stock": stock,
            "level": level(stock.available),
            "form": form if may_adjust else None,
            "limits": limits,
            "movements": stock.variant.movements.select_related("actor")[:20],
            "holds": self.holds(stock),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request, "backoffice/stock.html", context, status=422 if form.errors or limits.errors else 200
        )

    def holds(self, stock: Stock) -> list[tuple[Reservation, int]]:
        """The first fifty, each with how many of it are not there yet."""
        rows = stock.variant.reservations
        missing = {one.pk: one.missing for one in rows.waiting()} if stock.owed else {}
        return [(one, missing.get(one.pk, 0)) for one in rows.held().order_by("id")[:50]]

    def adjust(self, request: HttpRequest, stock: Stock, data: dict[str, Any]) -> bool:
        try:
            receive(
                stock.variant, data["quantity"], data["reason"], actor=hand(request), reference=data["note"]
            )
        except ShopError as error:
            messages.error(request, error.message)
            return False
        messages.success(request, f"{stock.variant.sku}: {data['quantity']:+d}, {data['reason']}.")
        return True

    def allow(self, request: HttpRequest, stock: Stock, data: dict[str, Any]) -> bool:
        limit, days = data["backorder_limit"], data["lead_days"]
        try:
            allow_backorders(stock.variant, limit, days)
        except ShopError as error:
            messages.error(request, error.message)
            return False
        words = f"{limit} may be sold ahead, each to leave in {in_days(days)}"
        self.log_change(request, stock, words)
        messages.success(request, f"{stock.variant.sku}: {words}.")
        return True


@admin.register(StockMovement)
class StockMovementAdmin(LedgerAdmin):
    list_display = ("created_at", "variant", "moved", "reason", "reference", "actor")
    list_filter = (("reason", ChoicesDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("variant", "actor")
    search_fields = ("variant__sku__istartswith", "reference__exact")

    @display(description="Quantity", ordering="quantity")
    def moved(self, movement: StockMovement) -> str:
        return f"{movement.quantity:+d}"


class WaitsFilter(DropdownFilter):
    title = "stock"
    parameter_name = "stock"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("awaited", "Waits for stock")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Reservation]:
        return queryset.waiting() if self.value() == "awaited" else queryset


@admin.register(Reservation)
class ReservationAdmin(LedgerAdmin):
    list_display = ("created_at", "variant", "quantity", "missing", "held", "expires_at", "order")
    list_filter = (("state", ChoicesDropdownFilter), WaitsFilter)
    list_filter_submit = True
    list_select_related = ("variant",)
    search_fields = ("variant__sku__istartswith", "reference__exact")
    ordering = ("-id",)

    @display(description="Not there yet")
    def missing(self, reservation: Reservation) -> str:
        """Of those that the filter found to wait."""
        return str(getattr(reservation, "missing", "–"))

    @display(description="Order")
    def order(self, reservation: Reservation) -> SafeString:
        url = reverse("admin:orders_order_changelist")
        # What a change of an order holds until it is paid has its number behind the order's.
        query = urlencode({"q": reservation.reference.partition("+")[0]})
        return format_html('<a class="bo-link" href="{}?{}">{}</a>', url, query, reservation.reference)

    @display(
        description="State", label={"held": "warning", "shipped": "success", "released": ""}, ordering="state"
    )
    def held(self, reservation: Reservation) -> tuple[str, str]:
        return reservation.state, reservation.get_state_display()
