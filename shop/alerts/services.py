"""Asking to be told, and telling: a job looks for what is due, so that no checkout waits for those who wait.

What is due is read from stock and prices as they are, never from what happened to them: nothing that dies in
between can lose an alert. docs/alerts.md says in which order and how many are told.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from notifications.preferences import wants
from notifications.services import tell
from shop.alerts.mails import send_alert_mail
from shop.alerts.models import Alert
from shop.catalog.models import Variant
from shop.errors import ShopError
from shop.inventory.models import Stock

if TYPE_CHECKING:
    from djmoney.money import Money

    from accounts.models import User

TOLD_FOR_EACH = 5
PAUSE = timedelta(minutes=10)
AT_ONCE = 500
TOLD_KEPT = timedelta(days=30)
LONGEST_WAIT = timedelta(days=365)

logger = logging.getLogger(__name__)


class ThereAlready(ShopError):
    code = "there_already"
    message = "It is there: you can have it now."


def ask(
    variant: Variant,
    kind: str,
    *,
    user: User | None = None,
    email: str = "",
    price_asked: Money | None = None,
) -> Alert:
    """Asked twice, it keeps its place. Raises ThereAlready."""
    refuse_if_there(variant, kind)
    price = (price_asked or variant.price) if kind == Alert.Kind.CHEAPER else None
    anew = {"asked_at": timezone.now(), "told_at": None, "price_asked": price}
    key = {"user": user, "email": "" if user else email.lower(), "variant": variant, "kind": kind}
    alert, made = Alert.objects.get_or_create(**key, defaults=anew)
    if not made:
        Alert.objects.filter(pk=alert.pk, told_at__isnull=False).update(**anew)
    return alert


def refuse_if_there(variant: Variant, kind: str) -> None:
    """Raises ThereAlready where nobody need wait for it to be back."""
    if kind == Alert.Kind.BACK and Stock.objects.on_shelf().filter(variant=variant).exists():
        raise ThereAlready


def tell_due() -> int:
    """Tells those whose print is back or costs less than when they asked. Returns how many it told."""
    told = sum(_told(alert) for variant_id in _back() for alert in _wave(variant_id))
    cheaper = Alert.objects.waiting().cheaper().to_buy().loaded()
    return told + sum(_told(alert) for alert in cheaper[:AT_ONCE])


def forget_old() -> None:
    now = timezone.now()
    Alert.objects.filter(told_at__lt=now - TOLD_KEPT).delete()
    Alert.objects.filter(asked_at__lt=now - LONGEST_WAIT).delete()


def _back() -> Iterable[int]:
    due = Alert.objects.waiting().filter(kind=Alert.Kind.BACK).on_shelf()
    return due.order_by("variant").values_list("variant", flat=True).distinct()


def _wave(variant_id: int) -> Iterable[Alert]:
    """The next in the queue: so many for each print that is there, less those told a few minutes ago."""
    alerts = Alert.objects.filter(kind=Alert.Kind.BACK, variant=variant_id)
    there = Stock.objects.get(variant=variant_id).here
    told = alerts.told_since(timezone.now() - PAUSE).count()
    return alerts.waiting().loaded()[: max(0, min(AT_ONCE, TOLD_FOR_EACH * there - told))]


def _told(alert: Alert) -> bool:
    try:
        return _claim_and_tell(alert)
    except Exception:
        # One that cannot be told must not keep the others waiting.
        logger.exception("alert %s could not be told", alert.pk)
        return False


@transaction.atomic
def _claim_and_tell(alert: Alert) -> bool:
    """False where another process tells it in this moment, or it was called off."""
    if not Alert.objects.filter(pk=alert.pk, told_at=None).update(told_at=timezone.now()):
        return False
    if alert.user_id is None:
        send_alert_mail.enqueue(alert.kind, alert.payload, email=alert.email)
        return True
    tell(alert.user_id, alert.kind, **alert.payload)
    if wants(alert.user_id, alert.kind, "email"):
        send_alert_mail.enqueue(alert.kind, alert.payload, user_id=alert.user_id)
    return True
