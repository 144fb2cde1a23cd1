"""Mail to who waits: at once, for what was asked for by name is gone by the time a digest leaves."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.tasks import task
from django.urls import reverse

from shop.alerts.models import Alert
from shop.letters import TRIES, confirmed_address, try_again_at, write_letter
from shop.money import from_json

TEMPLATES = {Alert.Kind.BACK: "back_in_stock", Alert.Kind.CHEAPER: "price_drop"}


@task
def send_alert_mail(
    kind: str, payload: dict[str, Any], user_id: int | None = None, email: str = "", attempt: int = 1
) -> None:
    """To a guest's `email`, or to an account's address if it is confirmed. `payload` is what Alert.payload gave."""
    address = confirmed_address(user_id) if user_id else email
    if not address:
        return
    try:
        write_letter(TEMPLATES[Alert.Kind(kind)], address, _context(payload) | {"guest": not user_id}).send()
    except OSError:
        if attempt >= TRIES:
            raise
        again = send_alert_mail.using(run_after=try_again_at(attempt))
        again.enqueue(kind, payload, user_id, email, attempt + 1)


def _context(payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": payload["title"],
        "options": payload["options"],
        "price": from_json(payload["price"]),
        "was": from_json(payload["was"]) if "was" in payload else None,
        "url": settings.PUBLIC_URL + payload["path"],
        "choices_url": settings.PUBLIC_URL + reverse("storefront:preferences"),
    }
