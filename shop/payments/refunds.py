"""Paying back: a row first, the provider asked after the commit, its answer applied once and forward only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.tasks import task
from djmoney.money import Money

from shop.errors import ShopError
from shop.inventory import services as inventory
from shop.money import rounded
from shop.orders.mails import send_order_mail
from shop.orders.models import Order
from shop.payments import stripe_gateway as gateway
from shop.payments.models import Payment, Refund
from shop.payments.stripe_gateway import GatewayRefund, GatewayRefused

if TYPE_CHECKING:
    from accounts.models import User

Status = Refund.Status


class NothingToRefund(ShopError):
    code = "nothing_to_refund"
    message = "That is more than what was paid and not yet refunded."


@transaction.atomic
def refund_order(
    order: Order, amount: Money | None = None, *, by: User | None = None, reason: str = ""
) -> Refund:
    """Pays back `amount`, or all that is left. The row is there now, the provider is asked after the commit.

    Raises NothingToRefund for more than what was paid and not yet refunded, or an amount that nobody can pay.
    """
    # The order's row first, as cancelling takes it: two refunds at once wait for one another.
    Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    paid = [payment for payment in order.payments.all() if payment.refundable.amount > 0]
    if amount is None and paid:
        amount = paid[0].refundable
    enough = [payment for payment in paid if amount is not None and payment.refundable >= amount]
    if amount is None or amount.amount <= 0 or amount != rounded(amount) or not enough:
        raise NothingToRefund
    return request_refund(enough[0], amount, by=by, reason=reason)


def request_refund(payment: Payment, amount: Money, *, by: User | None = None, reason: str = "") -> Refund:
    """Within the caller's transaction: the row, the log, and the task that asks."""
    refund = payment.refunds.create(amount=amount, actor=by, reason=reason[:200])
    payment.order.record("refund_requested", by=by, why=reason[:300], amount=str(amount))
    send_refund.enqueue(refund.pk)
    return refund


@task(queue_name="payments")
def send_refund(refund_id: int) -> None:
    """Asks for a refund. The row's own key makes a second call harmless; the reconciler repeats what failed."""
    refund = Refund.objects.select_related("payment").get(pk=refund_id)
    if refund.status != Status.REQUESTED:
        return
    try:
        answer = gateway.ask(
            gateway.create_refund(refund.idempotency_key, refund.payment.intent_id or "", refund.amount)
        )
    except GatewayRefused as refusal:
        answer = GatewayRefund(id="", status="failed", key=refund.idempotency_key, failure=refusal.message)
    apply_refund(answer)


@transaction.atomic
def apply_refund(answer: GatewayRefund) -> None:
    """What the provider says of a refund. Unknown refunds were made elsewhere and are left alone."""
    known = Q(refund_id=None, idempotency_key=answer.key)
    if answer.id:
        known |= Q(refund_id=answer.id)
    refund = Refund.objects.select_related("payment__order").filter(known).first()
    if refund is None:
        return
    status = {"succeeded": Status.SUCCEEDED, "failed": Status.FAILED, "canceled": Status.FAILED}.get(
        answer.status, Status.PENDING
    )
    fields = {"status": status, **({"refund_id": answer.id} if answer.id else {})}
    if Refund.objects.filter(_may_become(status), pk=refund.pk).update(**fields):
        _tell(refund, status, answer.failure)


def _may_become(status: str) -> Q:
    """Forward only. A bank may turn a refund down after it succeeded; one that was never made may yet be."""
    if status == Status.PENDING:
        return Q(status=Status.REQUESTED)
    if status == Status.SUCCEEDED:
        return Q(status__in=[Status.REQUESTED, Status.PENDING]) | Q(status=Status.FAILED, refund_id=None)
    return ~Q(status=Status.FAILED)


def _tell(refund: Refund, status: str, failure: str) -> None:
    order = refund.payment.order
    if status == Status.FAILED:
        order.record("refund_failed", why=failure[:300], amount=str(refund.amount))
    elif status == Status.SUCCEEDED:
        order.record("refund_paid", why=refund.reason, amount=str(refund.amount))
        send_order_mail.enqueue(order.pk, "refunded", {"amount": str(refund.amount), "reason": refund.reason})
        _close_if_all_is_back(order, refund)


def _close_if_all_is_back(order: Order, refund: Refund) -> None:
    paid = [payment.amount for payment in order.payments.filter(status=Payment.Status.SUCCEEDED)]
    returned = Refund.objects.filter(payment__order=order, status=Status.SUCCEEDED)
    if sum(paid) == sum(one.amount for one in returned) and order.move_to(
        Order.Status.REFUNDED, by=refund.actor, why=refund.reason, strict=False
    ):
        # What has not left yet can be sold to somebody else.
        inventory.release(order.public_id)
