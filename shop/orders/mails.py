"""Mail about an order: enqueued in the transaction that has something to say, sent by the worker after it.

A mail that cannot be sent is tried again with growing pauses; it never touches the order.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.tasks import task
from django.template.loader import render_to_string
from django.utils import timezone

from shop.orders.models import Order

TRIES = 8


@task
def send_order_mail(order_id: int, kind: str, details: dict | None = None, attempt: int = 1) -> None:
    """`kind` names the templates `mail/<kind>.txt`, `.html` and `_subject.txt`; `details` reaches them as it is."""
    try:
        _message(Order.objects.for_page().get(pk=order_id), kind, details or {}).send()
    except OSError:
        if attempt >= TRIES:
            raise
        later = timezone.now() + timedelta(seconds=10 * 2**attempt)
        send_order_mail.using(run_after=later).enqueue(order_id, kind, details, attempt + 1)


def _message(order: Order, kind: str, details: dict) -> EmailMultiAlternatives:
    context = {
        "order": order,
        "url": settings.PUBLIC_URL + order.get_absolute_url(),
        "SHOP_NAME": settings.SHOP_NAME,
        "shop_url": settings.PUBLIC_URL,
        "shipment": order.shipments.last(),
        **details,
    }
    subject = render_to_string(f"mail/{kind}_subject.txt", context).strip()
    message = EmailMultiAlternatives(subject, render_to_string(f"mail/{kind}.txt", context), to=[order.email])
    message.attach_alternative(render_to_string(f"mail/{kind}.html", context), "text/html")
    return message
