"""Word to staff when money did not move as it should: mail, because nobody may be looking at a screen."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.tasks import task
from django.urls import reverse

from shop.letters import TRIES, try_again_at, write_letter
from shop.orders.models import Order


def alarm(subject: str, why: str, order: Order | None = None, url: str = "") -> None:
    """Within the caller's transaction: one letter to everybody concerned. `url` is where something can be done."""
    for address in addressees():
        send_alarm.enqueue(address, subject, why, order.pk if order else None, url)


def addressees() -> list[str]:
    """Who is named in MONEY_ALERTS_TO; without it, staff who may see payments."""
    if settings.MONEY_ALERTS_TO:
        return settings.MONEY_ALERTS_TO
    looking = ModelBackend().with_perm("payments.view_payment")
    return list(looking.filter(is_staff=True).values_list("email", flat=True))


@task
def send_alarm(
    address: str, subject: str, why: str, order_id: int | None, url: str, attempt: int = 1
) -> None:
    order = Order.objects.get(pk=order_id) if order_id else None
    page = reverse("admin:orders_order_change", args=[order.pk]) if order else reverse("admin:index")
    context = {
        "subject": subject,
        "why": why,
        "order": order,
        "url": url or settings.PUBLIC_URL + page,
        "page": settings.PUBLIC_URL + page,
    }
    try:
        write_letter("alarm", address, context).send()
    except OSError:
        if attempt >= TRIES:
            raise
        again = send_alarm.using(run_after=try_again_at(attempt))
        again.enqueue(address, subject, why, order_id, url, attempt + 1)
