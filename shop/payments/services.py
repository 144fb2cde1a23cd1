"""Being paid and paying back: rows first, the provider asked outside of any transaction, then one monotonic step.

A webhook, the buyer's return, a status poll and the reconciler all bring the same news, late, twice or in any
order; all of them end in `apply_intent`, which only ever moves forward.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.tasks import task
from django.utils import timezone
from djmoney.money import Money

from shop.errors import ShopError
from shop.inventory import services as inventory
from shop.orders.mails import send_order_mail
from shop.orders.models import Order
from shop.orders.services import mark_paid
from shop.payments import stripe_gateway as gateway
from shop.payments.models import GatewayEvent, Payment, Refund
from shop.payments.stripe_gateway import (
    Charge,
    GatewayRefund,
    GatewayRefused,
    GatewayUnavailable,
    Intent,
    Message,
)

if TYPE_CHECKING:
    from accounts.models import User

logger = logging.getLogger(__name__)
SILENCE = timedelta(minutes=2)


class PaymentClosed(ShopError):
    code = "payment_closed"
    message = "This order can no longer be paid."


class NothingToRefund(ShopError):
    code = "nothing_to_refund"
    message = "That is more than what was paid and not yet refunded."


# --- Being paid ---------------------------------------------------------------------------------


async def start_payment(order: Order) -> Payment:
    """The order's open attempt, known to the provider. The same attempt however often it is called.

    Raises PaymentClosed, GatewayUnavailable or GatewayRefused.
    """
    payment = await sync_to_async(open_payment)(order)
    if payment.intent_id:
        return payment
    intent = await gateway.create_intent(
        payment.pk, str(payment.idempotency_key), payment.amount, order.email, f"Order {order.number}"
    )
    return await sync_to_async(_attach)(payment, intent)


def open_payment(order: Order) -> Payment:
    """The attempt's row, kept before anybody is asked for money."""
    if order.status != Order.Status.PENDING or order.reserved_until <= timezone.now():
        raise PaymentClosed
    for _ in range(3):
        payment = order.payments.open().first()
        if payment:
            return payment
        try:
            with transaction.atomic():
                return Payment.objects.create(order=order, amount=order.total)
        except IntegrityError:
            continue  # Another tab opened it in this instant.
    raise PaymentClosed


def _attach(payment: Payment, intent: Intent) -> Payment:
    Payment.objects.filter(pk=payment.pk).update(intent_id=intent.id, client_secret=intent.client_secret)
    Payment.objects.filter(pk=payment.pk, status=Payment.Status.STARTING).update(
        status=Payment.Status.WAITING
    )
    payment.refresh_from_db()
    return payment


async def refresh_payment(order: Order) -> str:
    """Asks the provider how the order's attempt stands, applies it, and returns the order's status.

    Raises GatewayUnavailable; the webhook will bring the same news.
    """
    payment = await sync_to_async(order.payments.open().exclude(intent_id=None).first)()
    if payment:
        intent = await gateway.retrieve_intent(payment.intent_id or "")
        await sync_to_async(apply_intent)(intent)
    await order.arefresh_from_db(fields=["status"])
    return order.status


@transaction.atomic
def apply_intent(intent: Intent) -> None:
    """What a PaymentIntent says, applied once. Unknown intents belong to somebody else and are left alone."""
    # A webhook may be faster than the answer that would have told us the intent's id.
    known = Q(intent_id=intent.id) | Q(intent_id=None, pk=intent.payment_id)
    payment = Payment.objects.select_related("order").filter(known).first()
    if payment is None:
        logger.info("payment intent %s is not ours", intent.id)
    elif intent.status == "succeeded":
        _succeeded(payment, intent)
    elif intent.status == "canceled":
        _move(payment, Payment.Status.CANCELLED, intent)
    elif intent.status == "processing":
        _move(payment, Payment.Status.PROCESSING, intent)
    elif intent.error:
        _declined(payment, intent)


def _move(payment: Payment, status: str, intent: Intent) -> bool:
    """Forward only: an attempt that succeeded or was cancelled stays so."""
    fields = {"status": status, "intent_id": intent.id, "updated_at": timezone.now()}
    if intent.method:
        fields["method"] = intent.method
    return bool(Payment.objects.open().filter(pk=payment.pk).exclude(status=status).update(**fields))


def _succeeded(payment: Payment, intent: Intent) -> None:
    if not _move(payment, Payment.Status.SUCCEEDED, intent):
        return
    payment.refresh_from_db()
    if intent.received != payment.amount:
        logger.error("payment %s: %s received, %s expected", payment.pk, intent.received, payment.amount)
        payment.order.record("payment_differs", why=f"{intent.received} received, {payment.amount} expected.")
        return
    if not mark_paid(payment.order, why=payment.method):
        # The half hour was over, or it was cancelled: the stock may be gone, so the money goes back.
        payment.order.record("paid_too_late", why="The payment came after the order was cancelled.")
        _request_refund(
            payment, payment.amount, None, "The order had been cancelled before the payment came."
        )


def _declined(payment: Payment, intent: Intent) -> None:
    payment.order.refresh_from_db(fields=["status"])
    told = payment.order.events.filter(kind="payment_declined", data__charge=intent.charge).exists()
    # A decline that arrives after the attempt went on is old news.
    if told or payment.status in (Payment.Status.SUCCEEDED, Payment.Status.CANCELLED):
        return
    _move(payment, Payment.Status.WAITING, intent)
    Payment.objects.filter(pk=payment.pk).update(last_error=intent.error[:300])
    payment.order.record("payment_declined", why=intent.error[:300], charge=intent.charge)


# --- Being told ---------------------------------------------------------------------------------


@transaction.atomic
def receive_message(message: Message) -> bool:
    """Records a signed message of the provider once, with its effect. Returns False for one that came before."""
    try:
        with transaction.atomic():
            event = GatewayEvent.objects.create(
                event_id=message.id, kind=message.kind, payload=message.payload, handled_at=timezone.now()
            )
    except IntegrityError:
        return False
    match message.about:
        case Intent() as intent:
            apply_intent(intent)
        case GatewayRefund() as refund:
            apply_refund(refund)
        case Charge(intent_id, method) if method:
            Payment.objects.filter(intent_id=intent_id).update(method=method)
    logger.info("%s handled", event)
    return True


# --- Paying back, calling off -------------------------------------------------------------------


@transaction.atomic
def refund_order(
    order: Order, amount: Money | None = None, *, by: User | None = None, reason: str = ""
) -> Refund:
    """Pays back all that is left, or `amount`. The row is there now, the provider is asked after the commit.

    Raises NothingToRefund when that is more than what was paid and not yet refunded.
    """
    payment = order.payments.select_for_update().filter(status=Payment.Status.SUCCEEDED).first()
    wanted = amount or (payment.refundable if payment else None)
    if payment is None or not wanted or wanted.amount <= 0 or wanted > payment.refundable:
        raise NothingToRefund
    return _request_refund(payment, wanted, by, reason)


def _request_refund(payment: Payment, amount: Money, by: User | None, reason: str) -> Refund:
    refund = payment.refunds.create(amount=amount, actor=by, reason=reason[:200])
    payment.order.record("refund_requested", by=by, why=reason[:300], amount=str(amount))
    send_refund.enqueue(refund.pk)
    return refund


@task
def send_refund(refund_id: int) -> None:
    """Asks for a refund. The row's own key makes a second call harmless; the sweep repeats what failed."""
    refund = Refund.objects.select_related("payment").get(pk=refund_id)
    if refund.status != Refund.Status.REQUESTED:
        return
    try:
        answer = gateway.ask(
            gateway.create_refund(
                refund.pk, str(refund.idempotency_key), refund.payment.intent_id or "", refund.amount
            )
        )
    except GatewayRefused as refusal:
        answer = GatewayRefund(id="", status="failed", refund_row=refund.pk, failure=refusal.message)
    apply_refund(answer)


@transaction.atomic
def apply_refund(answer: GatewayRefund) -> None:
    """What the provider says of a refund, applied once, forward only."""
    known = Q(refund_id=answer.id) if answer.id else Q(pk=None)
    refund = Refund.objects.filter(known | Q(refund_id=None, pk=answer.refund_row)).first()
    status = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}.get(
        answer.status, "pending"
    )
    if refund is None or refund.status in (status, Refund.Status.FAILED):
        return
    earlier = [s for s in ("requested", "pending", "succeeded", "failed") if s != status]
    if status == "pending":
        earlier = ["requested"]
    fields = {"status": status, **({"refund_id": answer.id} if answer.id else {})}
    if Refund.objects.filter(pk=refund.pk, status__in=earlier).update(**fields):
        _tell_of_refund(refund, status, answer.failure)


def _tell_of_refund(refund: Refund, status: str, failure: str) -> None:
    payment = refund.payment
    order = payment.order
    if status == Refund.Status.FAILED:
        order.record("refund_failed", why=failure[:300], amount=str(refund.amount))
    elif status == Refund.Status.SUCCEEDED:
        order.record("refund_paid", why=refund.reason, amount=str(refund.amount))
        send_order_mail.enqueue(order.pk, "refunded", {"amount": str(refund.amount), "reason": refund.reason})
        done = sum(r.amount.amount for r in payment.refunds.filter(status=Refund.Status.SUCCEEDED))
        if done == payment.amount.amount:
            order.move_to(Order.Status.REFUNDED, by=refund.actor, why=refund.reason, strict=False)


@transaction.atomic
def cancel_order(order: Order, *, by: User | None = None, why: str = "") -> None:
    """Calls an order off before it ships: its stock goes back, so does what was paid. A second call does nothing.

    Raises WrongStatus once it has left.
    """
    if not order.move_to(Order.Status.CANCELLED, by=by, why=why):
        return
    inventory.release(order.public_id)
    send_order_mail.enqueue(order.pk, "cancelled", {"why": why})
    for payment in order.payments.all():
        if payment.refundable.amount > 0:
            _request_refund(payment, payment.refundable, by, why)
        elif payment.status != Payment.Status.CANCELLED:
            close_payment.enqueue(payment.pk)


@task
def close_payment(payment_id: int) -> None:
    """Tells the provider not to take money any more; if it already did, that news is applied instead."""
    payment = Payment.objects.get(pk=payment_id)
    if not payment.intent_id:
        Payment.objects.open().filter(pk=payment.pk, intent_id=None).update(status=Payment.Status.CANCELLED)
        return
    try:
        apply_intent(gateway.ask(gateway.cancel_intent(payment.intent_id)))
    except GatewayRefused:
        apply_intent(gateway.ask(gateway.retrieve_intent(payment.intent_id)))


# --- What time brings ---------------------------------------------------------------------------


def expire_orders() -> int:
    """Cancels orders whose half hour is over, unless their payment is under way; returns how many."""
    under_way = Payment.objects.filter(status=Payment.Status.PROCESSING).values("order")
    overdue = list(Order.objects.overdue().exclude(pk__in=under_way)[:200])
    for order in overdue:
        with transaction.atomic():
            if order.move_to(Order.Status.CANCELLED, why="It was not paid in time.", strict=False):
                inventory.release(order.public_id)
                for payment in order.payments.open():
                    close_payment.enqueue(payment.pk)
    return len(overdue)


def reconcile() -> int:
    """Asks about attempts and refunds nobody has heard of for two minutes; returns how many were asked about."""
    silent = list(Payment.objects.silent_for(SILENCE)[:100])
    for payment in silent:
        try:
            apply_intent(gateway.ask(gateway.retrieve_intent(payment.intent_id or "")))
        except (GatewayUnavailable, GatewayRefused) as error:
            logger.warning("payment %s could not be looked up: %s", payment.pk, error)
        Payment.objects.filter(pk=payment.pk).update(updated_at=timezone.now())
    unsent = Refund.objects.filter(status=Refund.Status.REQUESTED, created_at__lte=timezone.now() - SILENCE)
    for refund_id in unsent.values_list("pk", flat=True)[:100]:
        try:
            send_refund.call(refund_id)
        except GatewayUnavailable as error:
            logger.warning("refund %s could not be sent: %s", refund_id, error)
    return len(silent)
