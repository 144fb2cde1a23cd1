"""What staff see first: what waits for them now. Each panel is one query, and is there for whoever may see its rows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, Sum
from django.http import HttpRequest
from django.utils import timezone
from djmoney.money import Money

from notifications.log import positions
from shop.backoffice.feed import readable
from shop.backoffice.inventory import level
from shop.backoffice.orders import STATUS_COLOURS
from shop.inventory.models import LOW, Reservation, Stock
from shop.orders.models import Order
from shop.payments.models import Discrepancy, Dispute, Payment, Refund

Status = Order.Status
ROWS = 8


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    may = request.user.has_perm
    if streams := readable(request):
        context["live"] = positions(*streams)  # before the rows
    if may("orders.view_order"):
        context |= _today() | _waiting()
        newest = Order.objects.order_by("-id")[:ROWS]
        context["newest"] = [(order, STATUS_COLOURS[Status(order.status)]) for order in newest]
    if may("inventory.view_stock"):
        context["low_stock"] = _low_stock()
        context["awaited"] = Reservation.objects.waiting().count()
    if may("payments.view_payment"):
        context["troubles"] = _troubles()
    return context


def _today() -> dict[str, Any]:
    """Orders placed since midnight, and what those of them that were paid come to."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    earned = Sum(
        "total", filter=~Q(status__in=[Status.PENDING, Status.CANCELLED, Status.REFUNDED]), default=0
    )
    since = Order.objects.filter(placed_at__gte=midnight)
    row = since.aggregate(placed=Count("pk"), earned=earned)
    return {
        "placed": row["placed"],
        "earned": Money(row["earned"], settings.DEFAULT_CURRENCY),
    }


def _waiting() -> dict[str, Any]:
    """How many orders wait for our hands. Both statuses are short-lived, so the index on status finds few rows."""
    rows = Order.objects.filter(status__in=[Status.PAID, Status.PACKED]).order_by().values_list("status")
    counts = dict(rows.annotate(n=Count("pk")))
    return {"to_pack": counts.get(Status.PAID, 0), "to_ship": counts.get(Status.PACKED, 0)}


def _low_stock() -> list[tuple[Stock, str]]:
    """What lies there less what is sold: below zero, so many are sold ahead."""
    rows = Stock.objects.filter(on_hand__lte=F("reserved") + LOW).annotate(free=F("on_hand") - F("reserved"))
    rows = rows.select_related("variant__product").order_by("free", "variant__sku")[:ROWS]
    return [(stock, level(stock.free)) for stock in rows]


def _troubles() -> dict[str, Any]:
    """Money that did not move as it should: for people, because the shop has already tried."""
    refunds = Refund.objects.filter(status=Refund.Status.FAILED).select_related("payment__order")
    declined = (
        Payment.objects.open().exclude(status__in=Payment.HELD).exclude(last_error="").select_related("order")
    )
    return {
        "refunds": list(refunds.order_by("-id")[:ROWS]),
        "payments": list(declined.order_by("-id")[:ROWS]),
        "disputes": list(Dispute.objects.to_answer().select_related("payment__order")[:ROWS]),
        "differences": list(Discrepancy.objects.select_related("order")[:ROWS]),
    }
