"""Orders for staff: a live list, and one page that shows everything of an order and what can be done to it."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.formats import date_format
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import MultipleChoicesDropdownFilter, RangeDateFilter
from unfold.decorators import action, display
from unfold.paginator import InfinitePaginator

from notifications.log import positions
from notifications.log_context import bind
from shop.backoffice.colleagues import chips, colleagues_on
from shop.backoffice.order_forms import StepForm
from shop.backoffice.order_steps import SENDS, STEPS
from shop.backoffice.order_sums import Sums
from shop.backoffice.return_steps import RETURN_STEPS, ReturnStepForm, steps_of
from shop.backoffice.site import hand
from shop.desk import services as desk
from shop.desk.models import Presence
from shop.errors import ShopError
from shop.inventory.shelf import awaited
from shop.orders.invoicing import documents_of
from shop.orders.models import FIRST_NUMBER, Order, OrderLine
from shop.orders.services import pack_order
from shop.payments.models import Refund
from shop.returns.models import Return

STREAM = "staff:orders"
PAGE = re.compile(r"[A-Za-z0-9]{8,32}")

# Colour says whose turn it is: ours (brass), the carrier's (sea), nobody's (green), or gone wrong (signal).
STATUS_COLOURS = {
    Order.Status.PENDING: "",
    Order.Status.PAID: "warning",
    Order.Status.PACKED: "warning",
    Order.Status.SHIPPED: "info",
    Order.Status.DELIVERED: "success",
    Order.Status.CANCELLED: "danger",
    Order.Status.REFUNDED: "danger",
}


def auto_id(step: str) -> str:
    """Several steps ask for a reason: each label must lead to its own field."""
    return f"id_{step}_%s"


def mark_missing(order: Order) -> None:
    """Gives each line that was made to order `missing`, how many of it are not on the shelf yet."""
    lines = [line for line in order.lines.all() if line.ahead]
    missing = awaited(order.public_id) if lines else {}
    for line in lines:
        line.missing = missing.get(line.variant_id or 0, 0)  # type: ignore[attr-defined]


@admin.register(Order)
class OrderAdmin(ModelAdmin):
    list_display = ("number", "customer", "state", "items", "total", "placed")
    list_filter = (("status", MultipleChoicesDropdownFilter), ("placed_at", RangeDateFilter))
    list_filter_submit = True
    list_disable_select_all = True
    list_per_page = 50
    list_before_template = "backoffice/orders_live.html"
    search_fields = (
        "email__istartswith",
        "name__icontains",
        "public_id__exact",
        "lines__sku__iexact",
        "shipments__tracking_number__iexact",
    )
    search_help_text = "Number, e-mail, name, SKU or tracking number"
    # Counting a large table for page links costs more than the page.
    paginator = InfinitePaginator
    show_full_result_count = False
    ordering = ("-id",)
    actions = ("pack_selected",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_pack_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(SENDS)

    def has_delete_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        counted = (
            OrderLine.objects.filter(order=OuterRef("pk"))
            .order_by()
            .values("order")
            .annotate(n=Sum("quantity"))
        )
        here = Prefetch("presences", Presence.objects.now().select_related("user"))
        orders = super().get_queryset(request).annotate(item_count=Subquery(counted.values("n")))
        return orders.prefetch_related(here)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        digits = search_term.strip().upper().removeprefix("BW-")
        if digits.isascii() and digits.isdigit() and len(digits) < 16:
            found = queryset.filter(pk=int(digits) - FIRST_NUMBER)
            if found.exists():
                return found, False
        return super().get_search_results(request, queryset, search_term)

    @display(description="Order", ordering="id")
    def number(self, order: Order) -> str:
        """With the initials of those who have its page open."""
        return format_html("{} {}", order.number, chips(order))

    @display(description="Customer", header=True)
    def customer(self, order: Order) -> tuple[str, str]:
        return order.name, order.email

    @display(description="Status", label=STATUS_COLOURS, ordering="status")
    def state(self, order: Order) -> tuple[str, str]:
        return order.status, order.get_status_display()

    @display(description="Placed", ordering="id")
    def placed(self, order: Order) -> str:
        return date_format(timezone.localtime(order.placed_at), "j M Y, H:i")

    @display(description="Items", ordering="item_count")
    def items(self, order: Order) -> int:
        return order.item_count or 0  # type: ignore[attr-defined]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        live = positions(STREAM, desk.STREAM)  # before the rows, so that nothing falls between
        return super().changelist_view(request, {**(extra_context or {}), "live": live})

    @action(description="Mark as packed", permissions=["pack"])
    def pack_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        packed = 0
        for order in queryset.order_by("pk"):
            try:
                pack_order(order, by=hand(request))
                packed += 1
            except ShopError as error:
                messages.error(request, f"{order.number}: {error.message}")
        if packed:
            messages.success(request, f"{packed} order{'' if packed == 1 else 's'} packed.")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/steps/<slug:name>/", wrap(self.step_view), name="orders_order_step"),
            path(
                "<int:pk>/returns/<int:return_pk>/<slug:name>/",
                wrap(self.return_view),
                name="orders_order_return",
            ),
            path("<int:pk>/desk/", wrap(self.desk_view), name="orders_order_desk"),
            *super().get_urls(),
        ]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page of one order. It has no form of the model: status and money are written by services alone."""
        live = positions(STREAM, desk.STREAM)
        return self.page(request, self.order_or_404(request, object_id), live=live)

    def desk_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Who else has this order open, as a part of its page; a POST says that the sender has, or no longer has."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        order = get_object_or_404(Order, pk=pk)
        if request.method != "POST":
            context = {"colleagues": colleagues_on(order, hand(request))}
            return TemplateResponse(request, "backoffice/order_desk.html", context)
        page = request.POST.get("page", "")
        if not PAGE.fullmatch(page):
            return HttpResponseBadRequest("Which page?")
        (desk.leave if "leaving" in request.POST else desk.stay)(order, hand(request), page)
        return HttpResponse(status=204)

    def step_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        step = STEPS.get(name)
        if step is None:
            raise Http404
        if not request.user.has_perm(step.permission):
            raise PermissionDenied
        order = self.order_or_404(request, str(pk))
        if request.method != "POST":
            return redirect("admin:orders_order_change", pk)
        form = step.form(request.POST, auto_id=auto_id(name), order=order, sums=Sums.of(order))
        if not form.is_valid():
            return self.page(request, order, tried={name: form}, status=422)
        if not form.has_been_seen:
            form.looked_at()
            return self.page(request, order, tried={name: form})
        try:
            result = step.run(order, hand(request), form.cleaned_data)
            done = step.done if isinstance(step.done, str) else step.done(result)
            messages.success(request, f"{order.number}: {done}.")
        except ShopError as error:
            messages.error(request, error.message)
        return redirect("admin:orders_order_change", pk)

    def return_view(self, request: HttpRequest, pk: int, return_pk: int, name: str) -> HttpResponse:
        step = RETURN_STEPS.get(name)
        if step is None:
            raise Http404
        if not request.user.has_perm(step.permission):
            raise PermissionDenied
        order = self.order_or_404(request, str(pk))
        asked = get_object_or_404(Return.objects.select_related("order"), pk=return_pk, order=order)
        if request.method != "POST":
            return redirect("admin:orders_order_change", pk)
        form = step.form(request.POST, auto_id=f"id_return_{asked.pk}_{name}_%s", asked=asked)
        if not form.is_valid():
            return self.page(request, order, tried_return={asked.pk: {name: form}}, status=422)
        try:
            step.run(asked, hand(request), form.cleaned_data)
            messages.success(request, f"{order.number}: {step.done}.")
        except ShopError as error:
            messages.error(request, error.message)
        return redirect("admin:orders_order_change", pk)

    def order_or_404(self, request: HttpRequest, pk: str) -> Order:
        if not self.has_view_permission(request):
            raise PermissionDenied
        refunds = Prefetch("payments__refunds", Refund.objects.select_related("actor"))
        rows = (
            Order.objects.for_page()
            .select_related("user")
            .prefetch_related("lines__variant", "payments__disputes", refunds)
        )
        order = rows.filter(pk=pk).first() if pk.isdecimal() else None
        if order is None:
            raise Http404
        bind(order=order.number)
        return order

    def page(
        self,
        request: HttpRequest,
        order: Order,
        *,
        live: Any = None,
        tried: dict[str, StepForm] | None = None,
        tried_return: dict[int, dict[str, ReturnStepForm]] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        sums = Sums.of(order)
        mark_missing(order)
        steps = [
            (
                name,
                step,
                (tried or {}).get(name) or step.form(auto_id=auto_id(name), order=order, sums=sums),
            )
            for name, step in STEPS.items()
            if request.user.has_perm(step.permission) and step.offered(order, sums)
        ]
        live = live or positions(STREAM, desk.STREAM)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": order,
            "title": order.number,
            "order": order,
            "sums": sums,
            "documents": documents_of(order),
            "returns": [
                (asked, steps_of(asked, request.user.has_perm, (tried_return or {}).get(asked.pk, {})))
                for asked in order.returns.prefetch_related("lines__order_line").select_related("replacement")
            ],
            "steps": steps,
            "log": [(event, event.kind.replace("_", " ").capitalize()) for event in order.events.all()][::-1],
            "colour": STATUS_COLOURS[Order.Status(order.status)],
            "live": {STREAM: live[STREAM]},
            "desk": {desk.STREAM: live[desk.STREAM]},
            "colleagues": colleagues_on(order, hand(request)),
            "page_key": get_random_string(16),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "backoffice/order.html", context, status=status)
