"""Paying back: a row first, the provider asked after the commit, its answer applied once and forward only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.tasks import task
from djmoney.money import Money

from shop.errors import ShopError
from shop.money import rounded, total_of
from shop.orders.amending import release_stock
from shop.orders.edit_invoicing import credit_edit
from shop.orders.invoicing import credit_order, uncredit_order
from shop.orders.mails import send_order_mail
from shop.orders.models import Order, OrderEdit
from shop.payments import stripe_gateway as gateway
from shop.payments.alarms import alarm
from shop.payments.carried import Source, all_is_back, carried_to, first_aside, given_back_by, sources_of
from shop.payments.gift_cards import refund_to_gift_card
from shop.payments.models import LedgerEntry, Payment, Refund
from shop.payments.stripe_gateway import GatewayRefund, GatewayRefused

if TYPE_CHECKING:
    from accounts.models import User

Status = Refund.Status


class NothingToRefund(ShopError):
    code = "nothing_to_refund"
    message = "That is more than what was paid and not yet refunded."


def refundable_of(order: Order) -> Money:
    """What was paid for it, or came with it from another order, and can still go back."""
    return total_of((source.left for source in sources_of(order)), order.total.currency)


def goes_back_if_cancelled(order: Order) -> Money:
    """Without what came from another order: that can be refunded there then."""
    payments = Payment.objects.filter(order=order)
    return total_of((payment.refundable for payment in payments), order.total.currency)


@transaction.atomic
def refund_order(
    order: Order,
    amount: Money | None = None,
    *,
    by: User | None = None,
    reason: str = "",
    edit: OrderEdit | None = None,
) -> Refund:
    """Pays back `amount`, or all that is left. The rows are there now, the provider is asked after the commit.

    `edit` is the change that made the order cheaper. Returns the first of several where two payments share it. Raises
    NothingToRefund for more than what was paid and not yet refunded, or an amount that nobody can pay, and WrongStatus
    while it is not paid in full.
    """
    return refund_shares(order, amount, by=by, reason=reason, edit=edit)[0]


@transaction.atomic
def refund_shares(
    order: Order,
    amount: Money | None = None,
    *,
    by: User | None = None,
    reason: str = "",
    edit: OrderEdit | None = None,
) -> list[Refund]:
    """As refund_order; returns all of them."""
    return [
        request_refund(source.payment, part, by=by, reason=reason, edit=edit, aside=source.aside)
        for source, part in shares_of(order, amount)
    ]


def shares_of(order: Order, amount: Money | None = None) -> list[tuple[Source, Money]]:
    """Which source gives how much of `amount`, or of all that is left; holds the order's row from here on.

    Raises as refund_order.
    """
    # The order's row first, as cancelling takes it: two refunds at once wait for one another.
    locked = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    if locked.status == Order.Status.PENDING:
        raise locked.wrong_status()  # a gift card's part given back now would be missing from what is due
    # Read behind the lock: the caller's rows may be from before the money came.
    sources = sources_of(locked)
    most = total_of((source.left for source in sources), order.total.currency)
    if amount is None:
        amount = most
    if not Money(0, most.currency) < amount <= most or amount != rounded(amount):
        raise NothingToRefund
    return list(_spread(amount, sources))


def _spread(amount: Money, sources: list[Source]) -> Iterator[tuple[Source, Money]]:
    """One payment alone where one is enough, else the oldest first; gift cards get only what no other has left."""
    asked = sorted(sources, key=lambda source: source.payment.gift_card_id is not None)
    enough = [source for source in asked if source.left >= amount and not source.payment.gift_card_id]
    for source in enough[:1] or asked:
        part = min(amount, source.left)
        if part.amount:
            yield source, part
        amount -= part


def request_refund(
    payment: Payment,
    amount: Money,
    *,
    by: User | None = None,
    reason: str = "",
    of_invoice: bool = True,
    edit: OrderEdit | None = None,
    aside: Refund | None = None,
) -> Refund:
    """Within the caller's transaction: the row, the log, and the task that asks."""
    refund = payment.refunds.create(
        amount=amount, actor=by, reason=reason[:200], of_invoice=of_invoice, edit=edit, aside=aside
    )
    # In the log of the order that is given back: one transaction locks the log of one.
    given_back_by(refund).record("refund_requested", by=by, why=reason[:300], amount=str(amount))
    send_refund.enqueue(refund.pk)
    return refund


@task(queue_name="payments")
def send_refund(refund_id: int) -> None:
    """Asks for a refund. The row's own key makes a second call harmless; the reconciler repeats what failed."""
    refund = Refund.objects.select_related("payment__gift_card").get(pk=refund_id)
    if refund.status != Status.REQUESTED or refund.payment.status == Payment.Status.CAPTURING:
        return
    if refund.payment.status in (Payment.Status.AUTHORISED, Payment.Status.CANCELLED):
        release_refund(refund)
        return
    if refund.payment.gift_card_id:
        apply_refund(GatewayRefund(f"gift-card-{refund.pk}", "succeeded", refund.idempotency_key, failure=""))
        return
    try:
        answer = gateway.ask(
            gateway.create_refund(refund.idempotency_key, refund.payment.intent_id or "", refund.amount)
        )
    except GatewayRefused as refusal:
        answer = GatewayRefund(id="", status="failed", key=refund.idempotency_key, failure=refusal.message)
    apply_refund(answer)


@transaction.atomic
def release_refund(refund: Refund) -> None:
    """Of money that is only held: less of it will be captured, or none was, and the buyer's bank frees the rest."""
    # The attempt before its order, as news of it takes them.
    held = Payment.objects.select_for_update(no_key=True).get(pk=refund.payment_id)
    if held.status not in (Payment.Status.AUTHORISED, Payment.Status.CANCELLED):
        return  # captured in this instant; the reconciler asks for the refund
    order = Order.objects.select_for_update(no_key=True).get(pk=held.order_id)
    if Refund.objects.filter(pk=refund.pk, status=Status.REQUESTED).update(status=Status.RELEASED):
        order.record("refund_released", why=refund.reason, amount=str(refund.amount))
        credit_refund(order, refund)


@transaction.atomic
def apply_refund(answer: GatewayRefund) -> None:
    """What the provider says of a refund; one of somebody else's payment is left alone."""
    known = Q(refund_id=None, idempotency_key=answer.key)
    if answer.id:
        known |= Q(refund_id=answer.id)
    refund = Refund.objects.select_related("payment__order").filter(known).first() or _made_elsewhere(answer)
    if refund is None:
        return
    # Before the refund's own row, as everybody else; the credit note below needs it.
    locked = Order.objects.select_for_update(no_key=True).get(pk=refund.payment.order_id)
    refund.payment.order = locked
    # Another answer may have been applied while the lock was waited for.
    refund.refresh_from_db(fields=["status", "refund_id", "credit_note"])
    _book(refund, answer)
    status = {"succeeded": Status.SUCCEEDED, "failed": Status.FAILED, "canceled": Status.FAILED}.get(
        answer.status, Status.PENDING
    )
    fields = {"status": status, **({"refund_id": answer.id} if answer.id else {})}
    if Refund.objects.filter(_may_become(status), pk=refund.pk).update(**fields):
        _tell(refund, status, answer.failure)


def _made_elsewhere(answer: GatewayRefund) -> Refund | None:
    """A refund of our payment that somebody made on the provider's own pages."""
    payment = Payment.objects.filter(intent_id=answer.intent_id).first() if answer.intent_id else None
    if payment is None or answer.key:
        return None
    fields = {"payment": payment, "amount": answer.amount, "reason": "Made at the payment provider."}
    return Refund.objects.get_or_create(refund_id=answer.id, defaults=fields)[0]


def _book(refund: Refund, answer: GatewayRefund) -> None:
    if answer.booked:
        refund.payment.book(LedgerEntry.Kind.REFUND, answer.id, -refund.amount)
    if answer.returned:
        refund.payment.book(LedgerEntry.Kind.REFUND_FAILED, answer.id, refund.amount)


def _may_become(status: str) -> Q:
    """Forward only. A bank may turn a refund down after it succeeded; one that was never made may yet be."""
    if status == Status.PENDING:
        return Q(status=Status.REQUESTED)
    if status == Status.SUCCEEDED:
        return Q(status__in=[Status.REQUESTED, Status.PENDING]) | Q(status=Status.FAILED, refund_id=None)
    return ~Q(status=Status.FAILED)


def _tell(refund: Refund, status: str, failure: str) -> None:
    order = refund.payment.order
    _count_lines(refund, status)
    if status == Status.FAILED:
        order.record("refund_failed", why=failure[:300], amount=str(refund.amount))
        again = given_back_by(refund)
        words = f"{refund.amount} of {again.number} did not reach the buyer: {failure}"
        alarm("A refund failed", words, again)
        if refund.credit_note:
            uncredit_order(order, refund.credit_note)
            Refund.objects.filter(pk=refund.pk).update(credit_note=None)
    elif status == Status.SUCCEEDED:
        order.record("refund_paid", why=refund.reason, amount=str(refund.amount))
        # After the log and before the stock, as checkout takes them.
        whereto = refund_to_gift_card(refund) if refund.payment.gift_card_id else ""
        _close_if_all_is_back(order, refund)
        for carrier in carried_to(refund):
            close_order.enqueue(carrier, refund.pk)
        details = {
            "amount": str(refund.amount),
            "reason": refund.reason,
            "whereto": whereto,
            "document_id": credit_refund(order, refund),
        }
        send_order_mail.enqueue(order.pk, "refunded", details)


def credit_refund(order: Order, refund: Refund) -> int | None:
    """The credit note's id; none where nothing was invoiced.

    Last in its transaction: others who issue wait until it ends.
    """
    rows = (first_aside(refund) or refund).lines.select_related("order_line")
    lines = [(row.order_line, row.quantity, row.amount) for row in rows]
    note = None
    if refund.edit:
        others = refund.edit.refunds.exclude(credit_note=None).exclude(pk=refund.pk)  # type: ignore[attr-defined]
        before = total_of((one.amount for one in others), refund.amount.currency)
        note = credit_edit(order, refund.edit, refund.amount, before)
    elif refund.of_invoice:
        note = credit_order(order, refund.amount, lines, refund.reason)
    Refund.objects.filter(pk=refund.pk).update(credit_note=note)
    return note.pk if note else None


def _count_lines(refund: Refund, status: str) -> None:
    """What did not go back after all may be refunded again; what went after it seemed to fail may not."""
    was = refund.status
    for row in refund.lines.select_related("order_line"):
        if row.order_line and status == Status.FAILED:
            row.order_line.refund(-row.quantity)
        elif row.order_line and was == Status.FAILED:
            row.order_line.refund(row.quantity)


@task(queue_name="payments")
def close_order(order_id: int, refund_id: int) -> None:
    """Of an order that carried what went back: in a transaction of its own, which locks no other order's log."""
    with transaction.atomic():
        order = Order.objects.select_for_update(no_key=True).get(pk=order_id)
        _close_if_all_is_back(order, Refund.objects.select_related("actor").get(pk=refund_id))


def _close_if_all_is_back(order: Order, refund: Refund) -> None:
    # What was called off before it was paid stays so, also where a gift card's part or late money went back.
    if not all_is_back(order) or not order.events.filter(kind=Order.Status.PAID).exists():
        return
    if order.move_to(Order.Status.REFUNDED, by=refund.actor, why=refund.reason, strict=False):
        # What has not left yet can be sold to somebody else. An open attempt for a change is closed by the reconciler.
        release_stock(order)
