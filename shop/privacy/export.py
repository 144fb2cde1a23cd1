"""All that is kept of an account, as its owner may have it: articles 15 and 20 of the GDPR."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts.devices import device_name, devices_of
from accounts.models import PostalAddress
from notifications.inbox import inbox
from notifications.preferences import choices
from shop.cart.models import CartLine
from shop.invoices.models import Document
from shop.money import as_json
from shop.news import news_of
from shop.orders.models import Order

if TYPE_CHECKING:
    from accounts.models import User

Facts = dict[str, Any]
MOST_MESSAGES = 1000


def export_of(user: User) -> Facts:
    """In a fixed number of queries, however much there is."""
    return {
        "made_at": timezone.now(),
        "account": {
            "email": user.email,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "joined_at": user.date_joined,
            "last_sign_in_at": user.last_login,
        },
        "emails": list(EmailAddress.objects.filter(user=user).values("email", "verified", "primary")),
        "addresses": [_address(one) | {"is_default": one.is_default} for one in user.addresses.all()],
        "devices": [_device(one) for one in devices_of(user)],
        "orders": _orders(user),
        "cart": _cart(user),
        "alerts": [
            {"sku": one.variant.sku, "kind": one.kind, "asked_at": one.asked_at, "told_at": one.told_at}
            for one in user.alerts.select_related("variant")
        ],
        "preferences": [{"kind": one.kind, "live": one.live, "email": one.email} for one in choices(user)],
        "messages": [
            {"at": event.created_at, "title": news_of(event.kind, event.payload).title}
            for event in inbox(user, MOST_MESSAGES)
        ],
    }


def _address(one: PostalAddress) -> Facts:
    return {name: str(getattr(one, name)) for name in PostalAddress.FIELDS}


def _cart(user: User) -> list[Facts]:
    lines = CartLine.objects.filter(cart__user=user).select_related("variant")
    return [{"sku": line.variant.sku, "quantity": line.quantity} for line in lines]


def _device(one: Any) -> Facts:
    return {
        "name": device_name(one.user_agent),
        "user_agent": one.user_agent,
        "ip": one.ip,
        "signed_in_at": one.created_at,
        "last_seen_at": one.last_seen_at,
    }


def _orders(user: User) -> list[Facts]:
    orders = user.orders.prefetch_related("lines", "events", "shipments", "returns__lines__order_line")
    documents: dict[str, list[Document]] = defaultdict(list)
    for document in Document.objects.filter(reference__in=user.orders.values("public_id")):
        documents[document.reference].append(document)
    return [_order(order, documents[order.public_id]) for order in orders]


def _order(order: Order, documents: list[Document]) -> Facts:
    return {
        "number": order.number,
        "status": order.status,
        "placed_at": order.placed_at,
        "email": order.email,
        "address": _address(order),
        "vat_id": order.vat_id,
        "total": as_json(order.total),
        "tax": as_json(order.tax),
        "lines": [
            {"sku": one.sku, "title": one.title, "options": one.options, "quantity": one.quantity}
            | {"total": as_json(one.total)}
            for one in order.lines.all()
        ],
        "events": [{"kind": one.kind, "at": one.created_at, "why": one.why} for one in order.events.all()],
        "parcels": [
            {"carrier": one.carrier, "tracking_number": one.tracking_number, "shipped_at": one.shipped_at}
            for one in order.shipments.all()
        ],
        "documents": [
            {"number": one.number, "kind": one.kind, "issued_at": one.issued_at, "content": one.data}
            for one in documents
        ],
        "returns": [
            {"status": one.status, "wish": one.wish, "reason": one.reason, "note": one.note}
            | {"answer": one.answer, "requested_at": one.requested_at}
            | {"lines": [{"sku": line.order_line.sku, "quantity": line.quantity} for line in one.lines.all()]}
            for one in order.returns.all()
        ],
    }
