"""Mail about an order: enqueued in the transaction that has something to say, sent by the worker after it.

A mail that cannot be sent is tried again with growing pauses; it never touches the order.
"""

from __future__ import annotations

from django.conf import settings
from django.tasks import task
from django.urls import reverse

from notifications.log_context import bind
from shop.invoices.models import Document
from shop.invoices.services import as_pdf
from shop.letters import TRIES, Letter, try_again_at, write_letter
from shop.orders.models import Order, Shipment


@task
def send_order_mail(order_id: int, kind: str, details: dict | None = None, attempt: int = 1) -> None:
    """`kind` names the templates `mail/<kind>.txt`, `.html` and `_subject.txt`; `details` reaches them as it is."""
    order = Order.objects.for_page().get(pk=order_id)
    bind(order=order.number)
    try:
        _letter(order, kind, details or {}).send()
    except OSError:
        if attempt >= TRIES:
            raise
        again = send_order_mail.using(run_after=try_again_at(attempt))
        again.enqueue(order_id, kind, details, attempt + 1)


def _letter(order: Order, kind: str, details: dict) -> Letter:
    context = {
        "order": order,
        "url": settings.PUBLIC_URL + order.get_absolute_url(),
        "choices_url": settings.PUBLIC_URL + reverse("storefront:preferences"),
        "shipment": _shipment(order, details.get("shipment_id")),
        "edit": order.edits.filter(pk=details.get("edit_id") or 0).first(),
        **details,
    }
    letter = write_letter(kind, order.email, context)
    papers = Document.objects.about(order.public_id)
    if document := papers.filter(pk=details.get("document_id") or 0).first():
        letter.attach(document.filename, as_pdf(document), "application/pdf")
    return letter


def _shipment(order: Order, pk: int | None) -> Shipment | None:
    parcels = [one for one in order.shipments.all() if pk in (None, one.pk)]
    return parcels[-1] if parcels else None
