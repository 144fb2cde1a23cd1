"""What somebody's unpaid orders hold, and what they held until just now: for the cart, where people look for it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.functions import Concat
from django.utils import timezone

from notifications.log import with_position
from notifications.protocol import Position
from shop.orders.models import Order, OrderEvent
from shop.payments.models import Payment

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

LINGERS = timedelta(minutes=30)
Status = Order.Status


def held_orders(
    user: User | AnonymousUser, guest_orders: Collection[str], in_cart: Collection[int]
) -> tuple[list[Order], dict[str, Position]]:
    """The orders, the newest first, each with `prints`; and where their streams stood when they were read.

    Of a guest those of `guest_orders`, by their public ids. One that ran out is told of for half an hour, unless some
    of its variants are `in_cart` again.
    """
    orders = list(_candidates(user, guest_orders)) if user.is_authenticated or guest_orders else []
    told = []
    for order in orders:
        lines = order.lines.all()
        order.prints = sum(line.quantity for line in lines)
        bought_again = any(line.variant_id in in_cart for line in lines)
        if order.status == Status.PENDING or (order.ran_out(order.ended) and not bought_again):
            told.append(order)
    return told, {order.stream: Position(order.epoch or "", order.top or 0) for order in orders}


def _candidates(user: User | AnonymousUser, guest_orders: Collection[str]) -> Any:
    mine = Q(user=None, public_id__in=guest_orders)
    if user.is_authenticated:
        mine |= Q(user=user)
    paid = Payment.objects.filter(
        gift_card=None, status__in=[Payment.Status.PROCESSING, Payment.Status.SUCCEEDED]
    )
    recent = Order.objects.filter(mine, reserved_until__gt=timezone.now() - LINGERS)
    unpaid = recent.exclude(pk__in=paid.values("order"))
    ended = OrderEvent.objects.filter(order=OuterRef("pk"), kind=Status.CANCELLED).values("created_at")
    rows = unpaid.filter(status__in=[Status.PENDING, Status.CANCELLED]).annotate(ended=Subquery(ended[:1]))
    return with_position(rows, Concat(Value("order:"), OuterRef("public_id"))).prefetch_related(
        "lines", "payments"
    )
