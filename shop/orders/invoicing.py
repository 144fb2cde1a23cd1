"""What an order's invoices and credit notes say.

An invoice is issued in the transaction that marks the order paid: for goods that are sent to a buyer the tax falls due
when the payment is accepted. From then on every amount that goes back has its credit note.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from django.utils import timezone
from djmoney.money import Money

from shop.invoices.models import Document
from shop.invoices.services import Content, Item, Rate, issue, left_of
from shop.money import minor_unit
from shop.orders.models import Order, OrderLine
from shop.pricing.taxation import tax_within

Kind = Document.Kind
type Back = tuple[OrderLine | None, int, Money]  # of a line, or of the delivery: how many, and what for


def documents_of(order: Order) -> list[Document]:
    return list(Document.objects.about(order.public_id))


def invoice_order(order: Order, paid_by: str = "", paid_on: date | None = None) -> Document | None:
    """Everything of the order, if it cost anything; paid today, or on another day.

    Last in its transaction, as services.issue asks.
    """
    if not order.total.amount:
        return None
    lines = list(order.lines.all())
    items = [_item(line) for line in lines]
    if delivery := order.shipping_charged.amount:
        items.append(_delivery(order, delivery))
    return issue(
        Kind.INVOICE,
        order.public_id,
        replace(about_order(order, paid_by, paid_on), items=items, rates=_rates(order, lines)),
    )


def credit_order(
    order: Order, amount: Money, lines: Iterable[tuple[OrderLine | None, int, Money]], reason: str
) -> Document | None:
    """A credit note over `amount`, for `lines` (of delivery where None) or, without them, for a part of everything.

    None where nothing of the order is invoiced any more. The caller holds the order's row.
    """
    documents = documents_of(order)
    left = left_of(documents)
    most = sum((rate.gross for rate in left.values()), Decimal(0))
    owed = min(amount.amount, most)
    if owed <= 0:
        return None
    items = [_credited(order, *line) for line in lines]
    if sum((item.total for item in items), Decimal(0)) != owed:
        items = [
            Item(reason or "A part of the price", "", 1, None, Decimal(0), part.gross, part.percent)
            for part in _spread(owed, left, amount)
        ]
    content = replace(
        about_order(order),
        items=items,
        rates=_rates_back(items, left, amount),
        corrects=", ".join(one.number for one in documents if one.kind == Kind.INVOICE),
        reason=reason,
    )
    return issue(Kind.CREDIT_NOTE, order.public_id, content)


def uncredit_order(order: Order, note: Document) -> Document:
    """The refund of a credit note did not reach the buyer after all: what it took off is owed to us again."""
    items = [_read_item(one) for one in note.data["items"]]
    rates = [
        Rate(*(Decimal(one[name]) for name in ("percent", "gross", "tax"))) for one in note.data["rates"]
    ]
    reason = f"Takes back {note.number}: the refund did not arrive."
    content = replace(about_order(order), items=items, rates=rates, corrects=note.number, reason=reason)
    return issue(Kind.INVOICE, order.public_id, content)


def about_order(order: Order, paid_by: str = "", paid_on: date | None = None) -> Content:
    return Content(
        currency=str(order.total.currency),
        buyer=order.as_lines(),
        items=[],
        rates=[],
        order_number=order.number,
        ordered_on=timezone.localdate(order.placed_at).isoformat(),
        paid_on=(paid_on or timezone.localdate()).isoformat(),
        paid_by=paid_by,
        buyer_vat_id=order.vat_id,
        note=order.tax_note,
    )


def _item(line: OrderLine) -> Item:
    return Item(
        line.title,
        ", ".join(filter(None, [line.options, line.sku])),
        line.quantity,
        line.unit_price.amount,
        line.discount.amount,
        line.total.amount,
        line.tax_percent,
    )


def _delivery(order: Order, amount: Decimal) -> Item:
    return Item(order.shipping_name, "Delivery", 1, None, Decimal(0), amount, _delivery_percent(order))


def _credited(order: Order, line: OrderLine | None, quantity: int, amount: Money) -> Item:
    if line is None:
        return _delivery(order, amount.amount)
    return replace(_item(line), quantity=quantity, unit_price=None, discount=Decimal(0), total=amount.amount)


def _read_item(kept: dict) -> Item:
    amounts = {name: Decimal(kept[name]) for name in ("discount", "total", "percent")}
    price = kept["unit_price"] and Decimal(kept["unit_price"])
    return Item(kept["title"], kept["detail"], kept["quantity"], price, **amounts)


def _delivery_percent(order: Order) -> Decimal:
    """The rate that delivery was taxed at. Orders from before it was kept have only the amount: it is found again."""
    if order.shipping_tax_percent:
        return order.shipping_tax_percent
    lines = list(order.lines.all())
    tax = order.tax - sum((line.tax for line in lines), Money(0, order.tax.currency))
    gross = order.shipping_charged
    if not tax.amount:
        return Decimal(0)
    for line in lines:
        if tax_within(gross, line.tax_percent) == tax:
            return line.tax_percent
    return (100 * tax.amount / (gross - tax).amount).quantize(Decimal("0.1"))


def _rates(order: Order, lines: list[OrderLine]) -> list[Rate]:
    gross: defaultdict[Decimal, Decimal] = defaultdict(Decimal)
    tax: defaultdict[Decimal, Decimal] = defaultdict(Decimal)
    for line in lines:
        gross[line.tax_percent.normalize()] += line.total.amount
        tax[line.tax_percent.normalize()] += line.tax.amount
    percent = _delivery_percent(order).normalize()
    gross[percent] += order.shipping_charged.amount
    tax[percent] += order.tax.amount - sum((line.tax.amount for line in lines), Decimal(0))
    return [Rate(percent, gross[percent], tax[percent]) for percent in sorted(gross)]


def _rates_back(items: list[Item], left: dict[Decimal, Rate], unit: Money) -> list[Rate]:
    """The tax of what is taken back, as a share of what is left at its rate, so that the last takes all of it."""
    gross: defaultdict[Decimal, Decimal] = defaultdict(Decimal)
    for item in items:
        gross[item.percent.normalize()] += item.total
    back = []
    for percent, part in sorted(gross.items()):
        rest = left.get(percent, Rate(percent, Decimal(0), Decimal(0)))
        tax = _rounded(rest.tax * part / rest.gross, unit) if rest.gross else Decimal(0)
        back.append(Rate(percent, part, min(tax, rest.tax)))
    return back


def _spread(amount: Decimal, left: dict[Decimal, Rate], unit: Money) -> list[Rate]:
    """`amount` over the rates as what is left at them; never more than is left, and the last takes what remains."""
    parts, most = [], sum((rate.gross for rate in left.values()), Decimal(0))
    for rate in left.values():
        part = _rounded(amount * rate.gross / most, unit) if most else Decimal(0)
        amount, most = amount - part, most - rate.gross
        if part:
            parts.append(Rate(rate.percent, part, Decimal(0)))
    return parts


def _rounded(amount: Decimal, unit: Money) -> Decimal:
    return amount.quantize(minor_unit(unit.currency), ROUND_HALF_UP)
