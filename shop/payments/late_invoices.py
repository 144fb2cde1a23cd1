"""Documents for orders that were paid before the shop issued any: dated now, of what the order says."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from shop.invoices.models import Document
from shop.orders.invoicing import documents_of, invoice_order
from shop.orders.models import Order, OrderQuerySet
from shop.payments.models import Refund
from shop.payments.refunds import credit_refund


def without_invoice() -> OrderQuerySet:
    """Orders that cost something, whose money stands; what went back whole needs no paper now."""
    paid = Order.objects.exclude(
        status__in=[Order.Status.PENDING, Order.Status.CANCELLED, Order.Status.REFUNDED]
    )
    return paid.filter(~Exists(Document.objects.filter(reference=OuterRef("public_id"))), total__gt=0)


def issue_missing() -> int:
    """The older order first, each in a transaction of its own. Returns how many invoices there are more."""
    return sum(_issue(pk) for pk in without_invoice().order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _issue(pk: int) -> bool:
    order = Order.objects.select_for_update(no_key=True).get(pk=pk)
    if documents_of(order) or not without_invoice().filter(pk=pk).exists():
        return False  # somebody else issues them in this moment
    paid = order.events.filter(kind="paid").first()
    when = timezone.localdate(paid.created_at if paid else order.placed_at)
    invoice_order(order, paid_by=paid.why if paid else "", paid_on=when)
    back = Refund.objects.filter(payment__order=order, status=Refund.Status.SUCCEEDED, credit_note=None)
    for refund in back.order_by("pk"):
        credit_refund(order, refund)
    return True
