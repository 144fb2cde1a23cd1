"""Another print instead of the one that came back: an order of its own, at no charge or for the difference."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from djmoney.money import Money

from shop.cart.models import new_token
from shop.catalog.models import Variant
from shop.inventory import services as inventory
from shop.money import rounded
from shop.orders.mails import send_order_mail
from shop.orders.models import Order, OrderLine
from shop.orders.services import mark_paid
from shop.payments.refunds import refund_order
from shop.returns.models import Return
from shop.returns.services import suggested_refund

if TYPE_CHECKING:
    from accounts.models import User

# How long the other print waits for its difference to be paid.
PATIENCE = timedelta(days=7)


@transaction.atomic
def exchange_return(asked: Return, variant: Variant, *, by: User | None = None) -> Order:
    """Sends as many of `variant` as came back. The buyer pays the difference by the new order's link, or gets it back.

    Raises WrongReturnStatus unless received, OutOfStock, or NothingToRefund.
    """
    Order.objects.select_for_update(no_key=True).get(pk=asked.order_id)
    if not asked.move_to(Return.Status.EXCHANGED, by=by, why=f"For {variant.product.title}, {variant.label}"):
        return asked.replacement  # type: ignore[return-value]
    lines = [line.order_line for line in asked.lines.select_related("order_line")]
    count = sum(line.quantity for line in asked.lines.all())
    worth = suggested_refund(asked)
    new = _price(lines[0], variant, count, worth)
    order = _order(asked.order, new)
    order.lines.add(new, bulk=False)
    Return.objects.filter(pk=asked.pk).update(replacement=order)
    order.record("placed", by=by, why=f"Instead of what came back of {asked.order.number}.")
    if worth > _full(lines[0], variant, count):
        refund_order(
            asked.order, worth - _full(lines[0], variant, count), by=by, reason="The other print costs less."
        )
    send_order_mail.enqueue(order.pk, "exchanged", {"instead_of": asked.named})
    inventory.reserve(order.public_id, {variant.pk: count}, order.reserved_until)
    if not order.total.amount:
        mark_paid(order, why="There was nothing to pay.")
    return order


def _factor(line: OrderLine) -> Decimal:
    """What a listed amount came to for this buyer once tax was added or taken off."""
    listed = (line.gross - line.discount).amount
    return line.total.amount / listed if listed else Decimal(1)


def _full(line: OrderLine, variant: Variant, count: int) -> Money:
    return rounded(variant.price * count * _factor(line))


def _price(line: OrderLine, variant: Variant, count: int, worth: Money) -> OrderLine:
    """Taxed as what came back; what that was worth is taken off."""
    total = max(_full(line, variant, count) - worth, Money(0, worth.currency))
    listed = rounded(total / _factor(line))
    tax_of = line.tax.amount / line.total.amount if line.total.amount else Decimal(0)
    return OrderLine(
        variant=variant,
        sku=variant.sku,
        title=variant.product.title,
        options=variant.label,
        unit_price=variant.price,
        quantity=count,
        discount=variant.price * count - listed,
        tax_added=total - listed,
        tax_percent=line.tax_percent,
        tax=rounded(total * tax_of),
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
