"""Another print instead of the one that came back: an order of its own, at no charge or for the difference."""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from djmoney.money import Money

from shop.cart.models import new_token
from shop.catalog.models import Variant
from shop.inventory import services as inventory
from shop.money import rounded
from shop.orders.mails import send_order_mail
from shop.orders.models import Order, OrderEditLine, OrderLine
from shop.orders.services import mark_paid
from shop.payments.alarms import alarm
from shop.payments.edit_plans import lines_added
from shop.payments.line_refunds import exchange_lines, undo_exchange
from shop.payments.refunds import refund_shares
from shop.payments.stripe_gateway import least_charge
from shop.pricing.taxation import tax_within
from shop.returns.models import Return
from shop.returns.services import settle, suggested_refund, tell_buyer, unsettled

if TYPE_CHECKING:
    from accounts.models import User

logger = logging.getLogger(__name__)
# How long the other print waits for its difference to be paid.
PATIENCE = timedelta(days=7)
AT_ONCE = 100


@transaction.atomic
def exchange_return(asked: Return, variant: Variant, *, by: User | None = None) -> Order:
    """Sends as many of `variant` as came back. The buyer pays the difference by the new order's link, or gets it back.

    What came back is worth no more than is left of what was paid, and as much of that is set aside. Raises
    WrongReturnStatus unless received, OutOfStock, or NothingToRefund.
    """
    Order.objects.select_for_update(no_key=True).get(pk=asked.order_id)
    if not asked.move_to(Return.Status.EXCHANGED, by=by, why=f"For {variant.product.title}, {variant.label}"):
        return asked.replacement  # type: ignore[return-value]
    count = sum(line.quantity for line in asked.lines.all())
    worth = suggested_refund(asked)
    (priced,) = lines_added(asked.order, {variant.pk: count})
    new = _less(priced, worth)
    order = _order(asked.order, new)
    order.lines.add(new, bulk=False)
    Return.objects.filter(pk=asked.pk).update(replacement=order)
    order.record("placed", by=by, why=f"Instead of what came back of {asked.order.number}.")
    _give(asked, worth, priced.total, new, by)
    send_order_mail.enqueue(order.pk, "exchanged", {"instead_of": asked.named})
    inventory.reserve(order.public_id, {variant.pk: count}, order.reserved_until)
    if not order.total.amount:
        mark_paid(order, why="There was nothing to pay.")
    return order


def _give(asked: Return, worth: Money, price: Money, new: OrderLine, by: User | None) -> None:
    """What came back pays for the other print, and what is left of its worth goes back in money."""
    gave, aside, counts = [], min(worth, price), unsettled(asked)
    if aside.amount:
        gave += exchange_lines(asked.order, counts, aside, new, by=by, reason=f"Exchanged: {asked.named}")
    if worth > price:
        gave += refund_shares(asked.order, worth - price, by=by, reason="The other print costs less.")
    if gave:
        settle(asked, *gave)


# --- When the other print does not leave ----------------------------------------------------------


def reopen_exchanges() -> int:
    """Returns whose other print was called off, by whom or what ever, wait for an answer again; says how many.

    Read from the orders as they are, so that nothing that dies in between keeps a buyer's money.
    """
    # One whose money went back without being called off has given this back as well.
    off = Q(replacement__events__kind=Order.Status.CANCELLED, replacement__shipments=None)
    due = Return.objects.filter(off, status=Return.Status.EXCHANGED).select_related("order", "replacement")
    reopened = 0
    for asked in due[:AT_ONCE]:
        try:
            reopened += _reopen(asked)
        except Exception:
            logger.exception("return %s could not be reopened", asked.pk)
    return reopened


@transaction.atomic
def _reopen(asked: Return) -> bool:
    # The orders' rows first, as refunding takes them, the older before the other.
    both = Order.objects.select_for_update(no_key=True).filter(pk__in=[asked.order_id, asked.replacement_id])
    list(both.order_by("pk"))
    why = f"{asked.replacement} was called off."
    if not asked.reopen(why):
        return False
    undo_exchange(asked.gave.all())
    words = f"{asked.order.number}: {why} Refund what came back, or exchange it again."
    alarm("An exchange was called off", words, asked.order)
    tell_buyer(
        asked, "The other print does not leave", "We write to you about what you sent back within five days."
    )
    return True


# --- Its price ------------------------------------------------------------------------------------


def _less(priced: OrderEditLine, worth: Money) -> OrderLine:
    """At today's price and in its own tax class; what came back is taken off."""
    total = max(priced.total - worth, Money(0, worth.currency))
    if total < least_charge(total.currency):
        total = Money(0, worth.currency)  # nobody can pay so little: it is not asked for
    share = total.amount / priced.total.amount if priced.total.amount else Decimal(0)
    listed = rounded(priced.gross * share)
    added = total - listed
    return OrderLine(
        variant=priced.variant,
        sku=priced.sku,
        title=priced.title,
        options=priced.options,
        unit_price=priced.unit_price,
        quantity=priced.quantity,
        discount=priced.gross - listed,
        tax_added=added,
        tax_percent=priced.tax_percent,
        tax=added if added.amount > 0 else tax_within(total, priced.tax_percent),
        total=total,
    )


def _order(old: Order, line: OrderLine) -> Order:
    zero = Money(0, line.total.currency)
    return Order.objects.create(
        checkout_key=new_token(),  # whoever knows a guest's key is shown the order
        user=old.user,
        email=old.email,
        **{name: getattr(old, name) for name in Order.FIELDS},
        reserved_until=timezone.now() + PATIENCE,
        shipping_name=old.shipping_name,
        shipping_days_min=old.shipping_days_min,
        shipping_days_max=old.shipping_days_max,
        subtotal=line.gross,
        discount=line.discount,
        shipping=zero,
        tax_added=line.tax_added,
        tax=line.tax,
        total=line.total,
        tax_treatment=old.tax_treatment,
        tax_note=old.tax_note,
        vat_id=old.vat_id,
        tax_evidence=old.tax_evidence,
    )
