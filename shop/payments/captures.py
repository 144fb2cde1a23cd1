"""Money that is authorised now and captured at shipping (PAYMENT_CAPTURE).

What is due is read from parcels and payments as they are: nothing that dies between a parcel and its charge can lose
it. A card's authorisation can be captured once, so the first parcel captures the order, less what was called off.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from notifications.log_context import about, bind
from shop.orders.models import Order
from shop.payments import stripe_gateway as gateway
from shop.payments.alarms import alarm
from shop.payments.cancellations import cancel_order
from shop.payments.models import Payment
from shop.payments.refunds import release_refund
from shop.payments.services import apply_intent, close_payment
from shop.payments.stripe_gateway import GatewayRefused, GatewayUnavailable

logger = logging.getLogger(__name__)
Status = Payment.Status
# A capture that was not answered is asked for again, under the same key.
UNANSWERED = timedelta(minutes=1)
TOLD_BEFORE = timedelta(days=1)
AT_ONCE = 100


def take_what_shipped() -> int:
    """Captures what belongs to orders of which a parcel has left; returns how many were asked for."""
    due = Payment.objects.filter(status=Status.AUTHORISED, order__shipments__isnull=False).distinct()
    unanswered = Payment.objects.filter(status=Status.CAPTURING, updated_at__lte=timezone.now() - UNANSWERED)
    asked = 0
    for payment in [*due[:AT_ONCE], *unanswered[:AT_ONCE]]:
        with about():
            try:
                asked += capture(payment)
            except GatewayUnavailable:
                logger.warning("the payment provider is away; capturing later")
                break
            except Exception:
                logger.exception("payment %s could not be captured", payment.pk)
    return asked


def capture(payment: Payment) -> bool:
    """Takes what is authorised, less what was given back of it; False where it is not held any more.

    Several may try at once: one claims it, and the key makes a repeated question harmless.
    """
    claimed = _claim(payment)
    if claimed is None:
        return False
    bind(order=claimed.order.number)
    try:
        answer = gateway.ask(
            gateway.capture_intent(claimed.idempotency_key, claimed.intent_id or "", claimed.amount)
        )
    except GatewayRefused as refusal:
        logger.error("payment %s could not be captured: %s", payment.pk, refusal.message)
        answer = gateway.ask(gateway.retrieve_intent(claimed.intent_id or ""))
    apply_intent(answer)
    return True


@transaction.atomic
def _claim(payment: Payment) -> Payment | None:
    """From here on its amount is fixed: what is given back after it is a refund."""
    held = Payment.objects.select_for_update(of=("self",), no_key=True).select_related("order")
    locked = held.get(pk=payment.pk)
    if locked.status == Status.AUTHORISED:
        for refund in locked.refunds.filter(status="requested"):
            release_refund(refund)
        if locked.released >= locked.amount:
            close_payment.enqueue(locked.pk)  # all of it was called off
            return None
        locked.amount, locked.status = locked.amount - locked.released, Status.CAPTURING
        locked.save(update_fields=["amount", "amount_currency", "status", "updated_at"])
    return locked if locked.status == Status.CAPTURING else None


# --- Before it is too late ------------------------------------------------------------------------


def watch_holds() -> int:
    """Tells staff a day before a bank lets go of money, and calls off what it let go of. Returns how many orders."""
    now = timezone.now()
    ending = Payment.objects.filter(
        status=Status.AUTHORISED, end_told=False, authorised_until__lte=now + TOLD_BEFORE
    )
    paid = Payment.objects.filter(gift_card=None, status__in=[Status.SUCCEEDED, *Payment.HELD])
    lapsed = Payment.objects.filter(
        status=Status.CANCELLED,
        authorised_until__isnull=False,
        order__status__in=[Order.Status.PAID, Order.Status.PACKED],
    ).exclude(order__in=paid.values("order"))
    told = sum(_warn(payment) for payment in ending.select_related("order")[:AT_ONCE])
    return told + sum(_call_off(payment.order) for payment in lapsed.select_related("order")[:AT_ONCE])


@transaction.atomic
def _warn(payment: Payment) -> bool:
    if not Payment.objects.filter(pk=payment.pk, end_told=False).update(end_told=True):
        return False
    until = payment.authorised_until
    assert until is not None
    moment = date_format(timezone.localtime(until), "j F Y, H:i")
    words = (
        f"The bank holds {payment.amount} for {payment.order.number} until {moment}. Send it, or call it off."
    )
    alarm("A payment is about to run out", words, payment.order)
    return True


def _call_off(order: Order) -> bool:
    """Nobody has paid it any more, so it must not leave."""
    why = "Your bank did not keep the money any longer. Nothing was charged."
    try:
        with transaction.atomic():
            cancel_order(order, why=why)
            alarm("A payment has run out", f"{order.number} was cancelled: its bank let the money go.", order)
    except Exception:
        logger.exception("order %s could not be called off", order.number)
        return False
    return True
