"""What invoices and credit notes say of a change of an order: what came and what went, in one paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from djmoney.money import Money

from shop.invoices.models import Document
from shop.invoices.services import Item, Rate, issue
from shop.money import minor_unit
from shop.orders.edits import OrderEdit, OrderEditLine, by_rate
from shop.orders.invoicing import about_order, documents_of
from shop.orders.models import Order

Kind = Document.Kind


def invoice_edit(order: Order, edit: OrderEdit, paid_by: str = "") -> Document | None:
    """What a change of the order added, less what it took off. None where it changes no amount and no tax, or the rest
    of the order is not invoiced either.

    Last in its transaction, and the caller holds the order's row, here and below.
    """
    lines = list(edit.lines.all())
    rates = [Rate(percent, *sums) for percent, sums in by_rate(lines).items()]
    if not rates or not (documents_of(order) or order.total == edit.difference):
        return None
    content = replace(
        about_order(order, paid_by),
        items=[_changed(line) for line in lines],
        rates=rates,
        reason=_reason(edit),
    )
    return issue(Kind.INVOICE, order.public_id, content)


def credit_edit(order: Order, edit: OrderEdit, amount: Money, before: Money) -> Document | None:
    """A credit note over `amount` of what a change made the order cheaper by, where `before` was credited before.

    None where what it took off was never invoiced.
    """
    documents = documents_of(order)
    if not any(one.issued_at <= edit.made_at for one in documents):
        return None
    lines = list(edit.lines.all())
    whole, minor = -edit.difference.amount, minor_unit(amount.currency)
    back = {percent: (-gross, -tax) for percent, (gross, tax) in by_rate(lines).items()}
    done, now = (
        parts_of(back, part / whole, minor) for part in (before.amount, before.amount + amount.amount)
    )
    rates = [
        Rate(percent, now[percent][0] - done[percent][0], now[percent][1] - done[percent][1])
        for percent in back
    ]
    items = [_changed(line, -1) for line in lines]
    if amount.amount != whole:
        items = [
            Item("A part of what was taken off", "", 1, None, Decimal(0), rate.gross, rate.percent)
            for rate in rates
        ]
    corrects = ", ".join(one.number for one in documents if one.kind == Kind.INVOICE)
    content = replace(about_order(order), items=items, rates=rates, corrects=corrects, reason=_reason(edit))
    return issue(Kind.CREDIT_NOTE, order.public_id, content)


def parts_of(
    sums: Mapping[Decimal, tuple[Decimal, Decimal]], share: Decimal, minor: Decimal
) -> dict[Decimal, tuple[Decimal, Decimal]]:
    """So large a share of each amount and its tax, rounded so that the amounts are that share of their sum."""
    parts = {
        percent: tuple((one * share).quantize(minor, ROUND_HALF_UP) for one in both)
        for percent, both in sums.items()
    }
    total = sum((gross for gross, _ in sums.values()), Decimal(0)) * share
    first, (gross, tax) = next(iter(parts.items()))
    parts[first] = (
        gross + total.quantize(minor, ROUND_HALF_UP) - sum(part[0] for part in parts.values()),
        tax,
    )
    return parts  # type: ignore[return-value]


def _changed(line: OrderEditLine, sign: int = 1) -> Item:
    """On an invoice what is added stands above zero, on a credit note what is taken off."""
    title = (
        line.title if line.quantity * sign > 0 else f"{'Taken off' if sign > 0 else 'Instead'}: {line.title}"
    )
    return Item(
        title,
        ", ".join(filter(None, [line.options, line.sku])),
        abs(line.quantity),
        None,
        Decimal(0),
        line.total.amount * sign,
        line.tax_percent,
    )


def _reason(edit: OrderEdit) -> str:
    return f"The order was changed: {edit.named}."
