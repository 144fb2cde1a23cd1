"""What nobody told us: attempts and refunds that went silent are asked about, so that a lost message costs minutes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta

from django.utils import timezone

from notifications.log_context import about
from shop.payments import stripe_gateway as gateway
from shop.payments.models import Payment, Refund
from shop.payments.refunds import apply_refund, send_refund
from shop.payments.services import apply_intent, close_payment
from shop.payments.stripe_gateway import GatewayUnavailable

logger = logging.getLogger(__name__)
SILENCE = timedelta(minutes=2)
# Banks take days over some refunds.
PATIENCE = timedelta(hours=1)
AT_ONCE = 100


def reconcile() -> int:
    """Returns how many were asked about. Stops at once while the provider is away; the next turn goes on."""
    silent = Payment.objects.silent_for(SILENCE).select_related("order", "edit")
    unsent = Refund.objects.silent_for(SILENCE).filter(status=Refund.Status.REQUESTED)
    pending = Refund.objects.silent_for(PATIENCE).filter(status=Refund.Status.PENDING)
    return (
        _each(_ask_about_payment, silent[:AT_ONCE])
        + _each(lambda refund: send_refund.call(refund.pk), unsent[:AT_ONCE])
        + _each(_ask_about_refund, pending[:AT_ONCE])
    )


def _each[Row: (Payment, Refund)](ask: Callable[[Row], None], rows: Iterable[Row]) -> int:
    asked = 0
    for row in rows:
        with about():  # one order at a time
            try:
                ask(row)
            except GatewayUnavailable:
                logger.warning("the payment provider is away; reconciling later")
                break
            except Exception:
                logger.exception("%s %s could not be reconciled", type(row).__name__, row.pk)
        # Asked last becomes first to wait: a row that always fails must not crowd out the others.
        type(row).objects.filter(pk=row.pk).update(updated_at=timezone.now())
        asked += 1
    return asked


def _ask_about_payment(payment: Payment) -> None:
    if payment.called_off:
        close_payment.call(payment.pk)
    else:
        apply_intent(gateway.ask(gateway.retrieve_intent(payment.intent_id or "")))


def _ask_about_refund(refund: Refund) -> None:
    apply_refund(gateway.ask(gateway.retrieve_refund(refund.refund_id or "")))
