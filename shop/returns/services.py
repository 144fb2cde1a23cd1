"""A return from the buyer's wish to the money or the other print. Each function is one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from djmoney.money import Money

from shop.errors import ShopError
from shop.inventory import services as inventory
from shop.inventory.models import StockMovement
from shop.money import total_of
from shop.orders.mails import send_order_mail
from shop.orders.models import Order, OrderLine
from shop.payments.line_refunds import refund_lines, worth_of
from shop.payments.models import Refund, RefundLine
from shop.payments.refunds import refundable_of
from shop.returns.models import Return, ReturnLine

if TYPE_CHECKING:
    from accounts.models import User

Status = Return.Status
OUT = (Order.Status.PACKED, Order.Status.SHIPPED, Order.Status.DELIVERED)


class NothingToReturn(ShopError):
    code = "nothing_to_return"
    message = "Not so many of it can be sent back."


def returnable(order: Order) -> dict[int, int]:
    """How many of each line (by its id) may be sent back now: those that left, are not on their way back, and
    arrived at most RETURN_DAYS ago.
    """
    if order.status not in OUT:
        return {}
    since = timezone.now() - timedelta(days=settings.RETURN_DAYS)
    timely: Counter[int] = Counter()
    for shipment in order.shipments.all():
        if shipment.delivered_at is None or shipment.delivered_at >= since:
            for sent in shipment.lines.all():
                timely[sent.order_line_id] += sent.quantity
    most = {line.pk: min(line.to_return, timely[line.pk]) for line in order.lines.all()}
    return {pk: count for pk, count in most.items() if count > 0}


@transaction.atomic
def request_return(
    order: Order,
    quantities: Mapping[int, int],
    *,
    reason: str,
    wish: str = Return.Wish.REFUND,
    note: str = "",
    by: User | None = None,
) -> Return:
    """Asks to send back so many of each line (by its id). Raises NothingToReturn for more than may be, or nothing."""
    Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    order = Order.objects.for_page().get(pk=order.pk)
    most, lines = returnable(order), {line.pk: line for line in order.lines.all()}
    wanted = {pk: count for pk, count in quantities.items() if count}
    if not wanted or any(not 0 < count <= most.get(pk, 0) for pk, count in wanted.items()):
        raise NothingToReturn
    asked = Return.objects.create(order=order, reason=reason, wish=wish, note=note[:500])
    for pk, count in wanted.items():
        if not lines[pk].claim(count):
            raise NothingToReturn
        asked.lines.create(order_line=lines[pk], quantity=count)
    order.record("return_requested", by=by, why=asked.named[:300], about=asked.pk)
    tell_buyer(
        asked, "We have your wish to send something back", "A person looks at it within two working days."
    )
    return asked


@transaction.atomic
def approve_return(asked: Return, *, by: User | None = None, words: str = "") -> None:
    """Raises WrongReturnStatus unless it waits for an answer."""
    if asked.move_to(Status.APPROVED, by=by, why=words):
        _answer(asked, words)
        tell_buyer(
            asked, "Please send it back", "Wrap it as it came; your order's number goes on the parcel."
        )


@transaction.atomic
def refuse_return(asked: Return, *, by: User | None = None, words: str) -> None:
    """Raises WrongReturnStatus unless it waits for an answer."""
    if asked.move_to(Status.REFUSED, by=by, why=words):
        _answer(asked, words)
        _unclaim(asked)
        tell_buyer(asked, "We cannot take it back", "Answer this e-mail if you see it another way.")


@transaction.atomic
def withdraw_return(asked: Return, *, by: User | None = None) -> None:
    """The buyer keeps it after all. Raises WrongReturnStatus once it has arrived here."""
    if asked.move_to(Status.WITHDRAWN, by=by):
        _unclaim(asked)


@transaction.atomic
def receive_return(asked: Return, restock: Mapping[int, int], *, by: User | None = None) -> None:
    """It arrived; so many of each line (by its id) go back on the shelf, the rest is spoilt.

    Raises WrongReturnStatus unless approved, NothingToReturn for more than came.
    """
    if not asked.move_to(Status.RECEIVED, by=by, why=asked.named):
        return
    tell_buyer(asked, "Your parcel has reached us", "What comes next follows within five days.")
    for line in asked.lines.select_related("order_line__variant").order_by("order_line__variant_id"):
        count, variant = restock.get(line.order_line_id, 0), line.order_line.variant
        if not 0 <= count <= line.quantity:
            raise NothingToReturn
        if count and variant:
            ReturnLine.objects.filter(pk=line.pk).update(restocked=count)
            reference = asked.order.public_id
            inventory.receive(variant, count, StockMovement.Reason.RETURNED, actor=by, reference=reference)


def suggested_refund(asked: Return) -> Money:
    """What its lines come to with their share of discount and tax, less what was given for them before.

    Never more than what is left of what the order's payments brought.
    """
    currency = asked.order.total.currency
    lines = total_of((worth_of(line, count) for line, count in _unsettled(asked)), currency)
    again = total_of((row.amount for row in _to_settle_again(asked)), currency)
    given = [one.taken for one in asked.gave.all()]
    left = lines + again - total_of(given, currency)
    return max(Money(0, currency), min(left, refundable_of(asked.order)))


@transaction.atomic
def refund_return(asked: Return, amount: Money | None = None, *, by: User | None = None) -> None:
    """Pays back what its lines come to, or `amount`: with either they are settled.

    Raises WrongReturnStatus unless received, or NothingToRefund.
    """
    Order.objects.select_for_update(no_key=True).get(pk=asked.order_id)
    if not asked.move_to(Status.REFUNDED, by=by, why=asked.named):
        return
    reason = f"Returned: {asked.named}"[:200]
    amount = suggested_refund(asked) if amount is None else amount
    settle(asked, refund_lines(asked.order, unsettled(asked), amount=amount, by=by, reason=reason))


def unsettled(asked: Return) -> dict[int, int]:
    """How many of each line (by its id) nothing was given for yet, by this return or anything else."""
    return {line.pk: count for line, count in _unsettled(asked)}


def settle(asked: Return, *gave: Refund) -> None:
    """Keeps what it gave; what an exchange that was called off had settled is settled by the first of these now."""
    _to_settle_again(asked).update(refund=gave[0])
    asked.gave.add(*gave)


def _unsettled(asked: Return) -> list[tuple[OrderLine, int]]:
    again = {row.order_line_id for row in _to_settle_again(asked)}
    lines = asked.lines.exclude(order_line__in=again).select_related("order_line")
    counts = [(line.order_line, min(line.quantity, line.order_line.to_refund)) for line in lines]
    return [(line, count) for line, count in counts if count]


def _to_settle_again(asked: Return) -> QuerySet[RefundLine]:
    """Its lines that were counted as given for another print, which was called off."""
    return RefundLine.objects.filter(refund__returns=asked, refund__status=Refund.Status.UNDONE)


def _answer(asked: Return, words: str) -> None:
    asked.answer = words[:500]
    Return.objects.filter(pk=asked.pk).update(answer=asked.answer)


def _unclaim(asked: Return) -> None:
    for line in asked.lines.select_related("order_line"):
        line.order_line.claim(-line.quantity)


def tell_buyer(asked: Return, title: str, next_step: str) -> None:
    details = {"title": title, "named": asked.named, "words": asked.answer, "next_step": next_step}
    send_order_mail.enqueue(asked.order_id, "return_news", details)
