"""Being paid: a row first, the provider asked outside of any transaction, then one monotonic step.

A webhook, the buyer's return, a status poll and the reconciler all bring the same news, late, twice or in any
order; all of them end in `apply_intent`, which only ever moves forward.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, Value, When
from django.tasks import task
from django.utils import timezone

from notifications.log_context import bind
from shop.errors import ShopError
from shop.orders.amending import apply_paid_edit
from shop.orders.models import Order, OrderEdit
from shop.orders.services import mark_paid
from shop.payments import stripe_gateway as gateway
from shop.payments.alarms import alarm
from shop.payments.customers import as_buyer_of
from shop.payments.disputes import apply_dispute
from shop.payments.models import GatewayEvent, LedgerEntry, Payment
from shop.payments.refunds import apply_refund, request_refund
from shop.payments.stripe_gateway import (
    Charge,
    GatewayDispute,
    GatewayRefund,
    GatewayRefused,
    Intent,
    Message,
)

logger = logging.getLogger(__name__)
Status = Payment.Status
# As long as the card schemes keep an authorisation, where the provider does not say.
HOLD = timedelta(days=7)
# What an intent may have come to; with any other status it waits for its buyer.
SETTLING = ("succeeded", "requires_capture", "canceled", "processing")
UNPAID = (Order.Status.PENDING, Order.Status.CANCELLED, Order.Status.REFUNDED)


class PaymentClosed(ShopError):
    code = "payment_closed"
    message = "This order can no longer be paid."


# --- Asking -------------------------------------------------------------------------------------


async def start_payment(order: Order) -> Payment:
    """The order's open attempt, known to the provider. The same attempt however often it is called.

    Raises PaymentClosed, GatewayUnavailable or GatewayRefused.
    """
    payment = await sync_to_async(open_payment)(order)
    if payment.client_secret:
        return payment
    # Also where a message told us the intent's id, because we died between the answer and its row: the page needs more.
    intent = await as_buyer_of(
        order,
        lambda customer_id: gateway.create_intent(
            payment.idempotency_key, payment.amount, order.email, f"Order {order.number}", customer_id
        ),
    )
    return await sync_to_async(_attach)(payment, intent)


def open_payment(order: Order) -> Payment:
    """The attempt's row, kept before anybody is asked for money: for the order, or for the difference of its change."""
    for _ in range(3):
        try:
            with transaction.atomic():
                edit = _payable_edit(order)
                known = list(order.payments.order_by("pk"))
                amount = edit.difference if edit else order.due_after(known)
                # Looked for first: the attempt of a change that was taken back may still be open beside it.
                mine = [one for one in known if one.status not in Payment.FINAL and one.edit == edit]
                return mine[0] if mine else Payment.objects.create(order=order, edit=edit, amount=amount)
        except IntegrityError:
            continue  # Another tab opened it in this instant.
    raise PaymentClosed


def _payable_edit(order: Order) -> OrderEdit | None:
    """None where the order itself is to be paid. Raises PaymentClosed where nothing is."""
    if order.status == Order.Status.PENDING and order.reserved_until > timezone.now():
        return None
    # Locked: whoever takes it back meanwhile finds the attempt, and closes it.
    edit = order.edits.open().select_for_update(no_key=True).first()
    # A second hold beside the first would be nobody's when it ends.
    if edit is None or edit in order.edits.overdue() or settings.PAYMENT_CAPTURE == "at_shipping":
        raise PaymentClosed(
            None if order.status in UNPAID else "There is nothing to pay: this order is paid."
        )
    return edit


def _attach(payment: Payment, intent: Intent) -> Payment:
    begun = Case(When(status=Status.STARTING, then=Value(Status.WAITING)), default=F("status"))
    fields = {"intent_id": intent.id, "client_secret": intent.client_secret, "updated_at": timezone.now()}
    Payment.objects.filter(pk=payment.pk).update(**fields, status=begun)
    payment.refresh_from_db()
    if payment.status == Status.CANCELLED:
        # The order was called off while the provider was asked: nobody may pay this intent any more.
        close_payment.enqueue(payment.pk)
        raise PaymentClosed
    return payment


async def refresh_payment(order: Order) -> str:
    """Asks the provider how the order's attempt stands, applies it, and returns the order's status.

    Raises GatewayUnavailable; the webhook will bring the same news.
    """
    intent_id = await sync_to_async(intent_to_ask)(order)
    intent = await gateway.retrieve_intent(intent_id) if intent_id else None
    await sync_to_async(hear)(order, intent)
    return order.status


def intent_to_ask(order: Order) -> str | None:
    """Of the order's open attempt, where the provider knows one."""
    asked = order.payments.open().exclude(intent_id=None)
    return asked.order_by("pk").values_list("intent_id", flat=True).last()


def hear(order: Order, intent: Intent | None) -> None:
    """Applies what the provider says of the order's attempt, if it was asked, and reads the order's status."""
    if intent is not None:
        attempt = Payment.objects.filter(intent_id=intent.id).values_list("status", "order__status")
        status, order.status = attempt.get()
        # As nearly each time that somebody asks: nothing is locked to be left as it is.
        if status == Status.WAITING and intent.status not in SETTLING and not intent.error:
            return
        apply_intent(intent)
    order.refresh_from_db(fields=["status"])


@task(queue_name="payments")
def close_payment(payment_id: int) -> None:
    """Tells the provider not to take money any more; if it already did, that news is applied instead."""
    payment = Payment.objects.get(pk=payment_id)
    if not payment.intent_id:
        Payment.objects.open().filter(pk=payment.pk, intent_id=None).update(status=Status.CANCELLED)
        return
    try:
        intent = gateway.ask(gateway.cancel_intent(payment.intent_id))
    except GatewayRefused:
        intent = gateway.ask(gateway.retrieve_intent(payment.intent_id))
    apply_intent(intent)


# --- Being told ---------------------------------------------------------------------------------


@transaction.atomic
def receive_message(message: Message) -> bool:
    """Records a signed message of the provider once, with its effect. Returns False for one that came before."""
    try:
        with transaction.atomic():
            GatewayEvent.objects.create(event_id=message.id, kind=message.kind, payload=message.payload)
    except IntegrityError:
        return False
    match message.about:
        case Intent() as intent:
            apply_intent(intent)
        case GatewayRefund() as refund:
            apply_refund(refund)
        case GatewayDispute() as dispute:
            apply_dispute(dispute)
        case Charge() as charge if charge.method:
            _apply_charge(charge)
    return True


def _apply_charge(charge: Charge) -> None:
    payments = Payment.objects.filter(intent_id=charge.intent_id)
    payments.update(method=charge.method)
    for payment in payments.select_related("order"):
        payment.order.keep_evidence("card_country", charge.country)


@transaction.atomic
def apply_intent(intent: Intent) -> None:
    """What a PaymentIntent says, applied once. Unknown intents belong to somebody else and are left alone."""
    # A webhook may be faster than the answer that would have told us the intent's id.
    known = Q(intent_id=intent.id) | Q(intent_id=None, idempotency_key=intent.key)
    # Locked: a webhook and the buyer's return often come in the same instant.
    locked = Payment.objects.select_for_update(of=("self",), no_key=True).select_related("order", "edit")
    payment = locked.filter(known).first()
    if payment is None:
        logger.info("payment intent %s is not ours", intent.id)
        return
    bind(order=payment.order.number)
    if intent.status == "succeeded":
        _succeeded(payment, intent)
    elif intent.status == "requires_capture":
        _authorised(payment, intent)
    elif intent.status == "canceled":
        _move(payment, Status.CANCELLED, intent)
    elif intent.status == "processing":
        _move(payment, Status.PROCESSING, intent)
    else:
        _move(payment, Status.WAITING, intent)
        if intent.error and payment.status not in Payment.FINAL:
            _declined(payment, intent)


def _move(payment: Payment, status: str, intent: Intent) -> None:
    """Between the states of an open attempt, and out of them; what is final stays, and what is held but for its end."""
    stays = (status,) if status == Status.CANCELLED else (status, *Payment.HELD)
    if payment.status in stays:  # as nearly each time that somebody asks
        return
    fields = {"status": status, "intent_id": intent.id, "updated_at": timezone.now()}
    Payment.objects.open().filter(pk=payment.pk).exclude(status__in=stays).update(**fields)


def _authorised(payment: Payment, intent: Intent) -> None:
    """The bank holds the money: for the buyer and the stock it is as good as paid."""
    fields = {
        "status": Status.AUTHORISED,
        "intent_id": intent.id,
        "method": intent.method or payment.method,
        "authorised_until": intent.held_until or timezone.now() + HOLD,
        "updated_at": timezone.now(),
    }
    if not Payment.objects.open().filter(pk=payment.pk).exclude(status__in=Payment.HELD).update(**fields):
        return
    payment.order.keep_evidence("card_country", intent.country)
    why = f"{fields['method']}. The money is taken when the parcel leaves.".removeprefix(". ")
    if not _settle(payment, why):
        close_payment.enqueue(payment.pk)  # called off meanwhile: the hold is given back, nothing was taken


def _succeeded(payment: Payment, intent: Intent) -> None:
    payment.book(LedgerEntry.Kind.CHARGE, intent.charge, intent.received)
    # Also after we called the attempt off: money that came is never overlooked.
    fresh = Payment.objects.filter(pk=payment.pk).exclude(status=Status.SUCCEEDED)
    fields = {"status": Status.SUCCEEDED, "intent_id": intent.id, "updated_at": timezone.now()}
    if not fresh.update(**fields, amount=intent.received, method=intent.method or payment.method):
        return
    asked, held = payment.amount, payment.status in Payment.HELD
    payment.refresh_from_db()
    order = payment.order
    order.keep_evidence("card_country", intent.country)
    called_off = order.status in (Order.Status.CANCELLED, Order.Status.REFUNDED)
    if held and not (called_off and payment.refundable.amount):
        order.record("captured", amount=str(intent.received))
    elif intent.received != asked:
        logger.error("payment %s: %s received, %s asked", payment.pk, intent.received, asked)
        _trouble(order, "payment_differs", f"{intent.received} received, {asked} asked.")
        request_refund(
            payment, intent.received, reason="It was not the amount of the order.", of_invoice=False
        )
    elif not _settle(payment, payment.method):
        # Called off, or paid by another attempt: the stock may be gone, so the money goes back.
        late = payment.called_off
        what = "change" if payment.edit else "order"
        gone = f"The payment came after the {what} was {'taken back' if payment.edit else 'cancelled'}."
        why = gone if late else f"The {what} had been paid before."
        _trouble(order, "paid_too_late" if late else "paid_twice", why)
        request_refund(payment, payment.refundable, reason=why, of_invoice=False)


def _settle(payment: Payment, why: str) -> bool:
    """What it was for is paid; False where it was paid or called off before."""
    if payment.edit_id:
        return apply_paid_edit(payment.edit_id, why)
    return mark_paid(payment.order, why=why)


def _trouble(order: Order, kind: str, why: str) -> None:
    order.record(kind, why=why)
    alarm("A payment goes back by itself", f"{order.number}: {why}", order)


def _declined(payment: Payment, intent: Intent) -> None:
    if payment.order.events.filter(kind="payment_declined", data__charge=intent.charge).exists():
        return
    Payment.objects.filter(pk=payment.pk).update(last_error=intent.error[:300])
    payment.order.record("payment_declined", why=intent.error[:300], charge=intent.charge)
