"""Money that is authorised now and captured at shipping (PAYMENT_CAPTURE).

What is due is read from parcels and payments as they are: nothing that dies between a parcel and its charge can lose
it. A card's authorisation can be captured once, so the first parcel captures the order, less what was called off. What
the provider refuses is told to staff once, and asked for again.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
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
# A capture that was not answered is asked for again, under the same key; one that was refused, more patiently.
UNANSWERED, REFUSED = timedelta(minutes=1), timedelta(hours=1)
# An order of which a parcel has left.
OUT = (Order.Status.PACKED, Order.Status.SHIPPED, Order.Status.DELIVERED)
TOLD_BEFORE = timedelta(days=1)
AT_ONCE = 100


def capture_shipped() -> int:
    """Captures what belongs to orders of which a parcel has left; returns how many were asked for."""
    now = timezone.now()
    due = Payment.objects.filter(status=Status.AUTHORISED, order__shipments__isnull=False).distinct()
    silent = Q(updated_at__lte=now - UNANSWERED, last_error="") | Q(updated_at__lte=now - REFUSED)
    unanswered = Payment.objects.filter(silent, status=Status.CAPTURING)
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
    intent_id = claimed.intent_id or ""
    # Refused, it is another question from then on: the provider repeats what it said to the one before.
    attempt = f"-{claimed.updated_at.timestamp():.0f}" if claimed.last_error else ""
    question = gateway.capture_intent(claimed.idempotency_key, intent_id, claimed.amount, attempt)
    try:
        apply_intent(gateway.ask(question))
    except GatewayRefused as refusal:
        logger.error("payment %s could not be captured: %s", payment.pk, refusal.message)
        apply_intent(gateway.ask(gateway.retrieve_intent(intent_id)))
        _tell_of_refusal(claimed, refusal.message)
    return True


@transaction.atomic
def _tell_of_refusal(payment: Payment, why: str) -> None:
    """Once, unless the money came or the hold is gone, as watch_holds tells."""
    held = Payment.objects.filter(pk=payment.pk, status=Status.CAPTURING)
    if not held.filter(last_error="").update(last_error=why[:300], updated_at=timezone.now()):
        held.update(updated_at=timezone.now())
        return
    order = payment.order
    order.record("capture_refused", amount=str(payment.amount))
    words = f"{payment.amount} of {order.number} could not be taken after its parcel left: {why}"
    alarm("A payment could not be taken", f"{words} It is tried again every hour.", order)


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
        locked.last_error = ""  # an earlier decline: from here on, what the provider says of the capture
        locked.save(update_fields=["amount", "amount_currency", "status", "last_error", "updated_at"])
    return locked if locked.status == Status.CAPTURING else None


# --- Before it is too late ------------------------------------------------------------------------


def watch_holds() -> int:
    """Tells staff a day before a bank lets go of money, and calls off what it let go of, or where goods have left tells
    that the money is owed. Returns how many orders.
    """
    now = timezone.now()
    ending = Payment.objects.filter(
        status=Status.AUTHORISED, end_told=False, authorised_until__lte=now + TOLD_BEFORE
    )
    paid = Payment.objects.filter(gift_card=None, status__in=[Status.SUCCEEDED, *Payment.HELD])
    lapsed = Payment.objects.filter(status=Status.CANCELLED, authorised_until__isnull=False)
    lapsed = lapsed.exclude(order__in=paid.values("order")).select_related("order")
    kept = lapsed.filter(order__status__in=[Order.Status.PAID, Order.Status.PACKED], order__shipments=None)
    gone = lapsed.filter(order__shipments__isnull=False, order__status__in=OUT).distinct()
    gone = gone.exclude(order__events__kind="payment_lapsed")
    told = sum(_warn(payment) for payment in ending.select_related("order")[:AT_ONCE])
    called_off = sum(_call_off(payment.order) for payment in kept[:AT_ONCE])
    return told + called_off + sum(_tell_owed(payment) for payment in gone[:AT_ONCE])


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
            alarm("A payment has run out", f"{order.number} was cancelled: its bank let the money go.", order)
            cancel_order(order, why=why)
    except Exception:
        logger.exception("order %s could not be called off", order.number)
        return False
    return True


@transaction.atomic
def _tell_owed(payment: Payment) -> bool:
    """The goods are out, so the order and its invoice stand: the buyer owes the money, and a person has to ask."""
    order = Order.objects.select_for_update(no_key=True).get(pk=payment.order_id)
    if order.events.filter(kind="payment_lapsed").exists():
        return False
    order.record("payment_lapsed", amount=str(payment.amount))
    words = (
        f"The bank let {payment.amount} of {order.number} go after a parcel had left: it is owed as invoiced."
    )
    alarm("Goods left without their money", words, order)
    return True
