"""What was asked of the payment provider and what it said: all of it read-only. Money moves on an order's page."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from shop.backoffice.ledgers import LedgerAdmin
from shop.orders.models import Order
from shop.payments.models import Dispute, GatewayEvent, LedgerEntry, Payment, Refund


def order_link(order: Order) -> SafeString:
    return format_html(
        '<a href="{}">{}</a>', reverse("admin:orders_order_change", args=[order.pk]), order.number
    )


@admin.register(Payment)
class PaymentAdmin(LedgerAdmin):
    list_display = ("id", "order_number", "amount", "state", "method", "last_error", "updated_at")
    list_filter = (("status", ChoicesDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("order",)
    search_fields = ("intent_id__exact", "order__email__istartswith")
    # The client secret lets its holder act on the payment; staff have no use for it.
    fields = (
        "order_number",
        "amount",
        "state",
        "method",
        "last_error",
        "intent_id",
        "created_at",
        "updated_at",
    )
    readonly_fields = fields
    COLOURS = {
        "succeeded": "success",
        "cancelled": "",
        "starting": "",
        "waiting": "warning",
        "processing": "info",
        "authorised": "info",
        "capturing": "info",
    }

    @display(description="Order", ordering="order_id")
    def order_number(self, payment: Payment) -> SafeString:
        return order_link(payment.order)

    @display(description="Status", label=COLOURS, ordering="status")
    def state(self, payment: Payment) -> tuple[str, str]:
        return payment.status, payment.get_status_display()


@admin.register(Refund)
class RefundAdmin(LedgerAdmin):
    list_display = ("id", "order_number", "amount", "state", "reason", "actor", "created_at")
    list_filter = (("status", ChoicesDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("payment__order", "actor")
    search_fields = ("refund_id__exact", "payment__order__email__istartswith")
    fields = ("order_number", "amount", "state", "reason", "actor", "refund_id", "created_at")
    readonly_fields = fields
    COLOURS = {"succeeded": "success", "failed": "danger", "requested": "warning", "pending": "warning"}

    @display(description="Order", ordering="payment__order_id")
    def order_number(self, refund: Refund) -> SafeString:
        return order_link(refund.payment.order)

    @display(description="Status", label=COLOURS, ordering="status")
    def state(self, refund: Refund) -> tuple[str, str]:
        return refund.status, refund.get_status_display()


@admin.register(Dispute)
class DisputeAdmin(LedgerAdmin):
    list_display = ("dispute_id", "order_number", "amount", "state", "why", "evidence_due_at", "answer")
    list_filter = (("status", ChoicesDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("payment__order",)
    search_fields = ("dispute_id__exact", "payment__order__email__istartswith")
    fields = (
        "order_number",
        "amount",
        "state",
        "why",
        "evidence_due_at",
        "answer",
        "dispute_id",
        "opened_at",
        "closed_at",
    )
    readonly_fields = fields
    COLOURS = {
        **dict.fromkeys(Dispute.WAIT_FOR_US, "warning"),
        Dispute.Status.LOST: "danger",
        Dispute.Status.WON: "success",
    }

    @display(description="Order", ordering="payment__order_id")
    def order_number(self, dispute: Dispute) -> SafeString:
        return order_link(dispute.payment.order)

    @display(description="Status", label=COLOURS, ordering="status")
    def state(self, dispute: Dispute) -> tuple[str, str]:
        return dispute.status, dispute.get_status_display()

    @display(description="Reason", ordering="reason")
    def why(self, dispute: Dispute) -> str:
        return dispute.reason.replace("_", " ").capitalize()

    @display(description="Evidence")
    def answer(self, dispute: Dispute) -> SafeString | str:
        if dispute.status not in Dispute.WAIT_FOR_US:
            return ""
        return format_html('<a href="{}">Answer the bank</a>', dispute.evidence_url)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(LedgerAdmin):
    list_display = ("created_at", "order_number", "what", "amount", "source")
    list_filter = (("kind", ChoicesDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("payment__order",)
    search_fields = ("source__exact", "payment__order__email__istartswith")
    fields = ("order_number", "what", "amount", "source", "created_at")
    readonly_fields = fields
    COLOURS = {
        LedgerEntry.Kind.CHARGE: "success",
        LedgerEntry.Kind.DISPUTE_REVERSED: "success",
        LedgerEntry.Kind.REFUND_FAILED: "warning",
        LedgerEntry.Kind.REFUND: "info",
        LedgerEntry.Kind.DISPUTE: "danger",
    }

    @display(description="Order", ordering="payment__order_id")
    def order_number(self, entry: LedgerEntry) -> SafeString:
        return order_link(entry.payment.order)

    @display(description="What", label=COLOURS, ordering="kind")
    def what(self, entry: LedgerEntry) -> tuple[str, str]:
        return entry.kind, entry.get_kind_display()


@admin.register(GatewayEvent)
class GatewayEventAdmin(LedgerAdmin):
    list_display = ("event_id", "kind", "received_at")
    search_fields = ("event_id__exact", "kind__istartswith")
    fields = ("event_id", "kind", "received_at", "message")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("payload")

    @display(description="Message")
    def message(self, event: GatewayEvent) -> SafeString:
        return format_html(
            '<pre class="bo-pre">{}</pre>', json.dumps(event.payload, indent=2, ensure_ascii=False)
        )
