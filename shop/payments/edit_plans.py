"""What a change of an order would come to: what it keeps at what was promised, what it gains at today's price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from djmoney.money import Money

from shop.cart.review import item_of
from shop.catalog.models import Variant
from shop.errors import ShopError
from shop.money import rounded
from shop.orders.models import Order, OrderEditLine, OrderLine
from shop.payments.carried import asides_of
from shop.payments.line_refunds import worth_of
from shop.payments.stripe_gateway import least_charge
from shop.places import Destination
from shop.pricing.assessment import taxation_for
from shop.pricing.services import price
from shop.pricing.taxation import Taxation, Treatment


class NotEditable(ShopError):
    code = "not_editable"
    message = "The order cannot be changed like that."


@dataclass(frozen=True, slots=True)
class Plan:
    """`difference` is what the order costs more, below zero where it costs less; `total` what it comes to then."""

    lines: list[OrderEditLine]
    difference: Money
    total: Money

    @property
    def back(self) -> Money:
        """What goes back, where it costs less."""
        return -self.difference

    @property
    def key(self) -> str:
        """The same for the same change at the same prices."""
        return ";".join(
            f"{line.sku}:{line.quantity}:{line.total.amount.normalize():f}" for line in self.lines
        )


def plan_edit(order: Order, quantities: Mapping[int, int], added: Mapping[int, int]) -> Plan:
    """`quantities` says of lines (by id) how many are still to be sent, `added` how many of which variant (by id) come
    to them as lines of their own. Writes nothing. Raises NotEditable.
    """
    if asides_of(order):
        raise NotEditable(
            "It stands for what came back. Cancel it, or a part of it, and exchange that again."
        )
    lines = list(order.lines.all())
    fewer = {line: line.to_ship - quantities.get(line.pk, line.to_ship) for line in lines}
    changes = [*_taken_off(fewer), *lines_added(order, added)]
    if not changes:
        raise NotEditable("Nothing would change.")
    if not added and all(line.to_ship == fewer[line] for line in lines):
        raise NotEditable("Nothing would be left of it. Cancel the order instead.")
    difference = sum((line.total for line in changes), Money(0, order.total.currency))
    if Money(0, difference.currency) < difference < (least := least_charge(difference.currency)):
        raise NotEditable(f"The buyer would owe {difference}, and a card cannot pay less than {least}.")
    if difference.amount and not (order.total + difference).amount:
        raise NotEditable("It would cost nothing any more. Refund by line instead.")
    return Plan(changes, difference, order.total + difference)


def _taken_off(fewer: Mapping[OrderLine, int]) -> Iterator[OrderEditLine]:
    for line, count in fewer.items():
        if not 0 <= count <= line.to_ship:
            raise NotEditable(
                f"Of “{line.title}” there can be at most {line.to_ship}. Add more as a line of its own."
            )
        if count > line.quantity - max(line.refunded, line.cancelled):
            raise NotEditable(f"Of “{line.title}” some were refunded. Cancel those by line instead.")
        if count == line.quantity and line.refund_lines.exists():  # type: ignore[attr-defined]
            raise NotEditable(f"A refund of “{line.title}” failed before. Cancel it by line instead.")
        if count:
            yield _less(line, count)


def _less(line: OrderLine, count: int) -> OrderEditLine:
    """What so many of a line came to, as a refund reckons it, but so that those that stay cost no more than listed."""
    gross, worth = line.unit_price * count, worth_of(line, count)
    if line.tax_added.amount:
        off = rounded(line.discount * count / line.quantity)
    else:
        worth = max(worth, gross - line.discount)
        off = gross - worth
    share = worth.amount / line.total.amount if line.total.amount else 0
    return OrderEditLine(
        order_line=line,
        variant=line.variant,
        sku=line.sku,
        title=line.title,
        options=line.options,
        unit_price=line.unit_price,
        quantity=-count,
        discount=-off,
        tax_added=-(worth - gross + off),
        tax_percent=line.tax_percent,
        tax=-rounded(line.tax * share),
        total=-worth,
    )


def lines_added(order: Order, added: Mapping[int, int]) -> Iterator[OrderEditLine]:
    """So many of which variant (by id) at today's price, taxed as the order is. Raises NotEditable."""
    wanted = {pk: count for pk, count in added.items() if count}
    found = Variant.objects.with_options().select_related("product__category").in_bulk(list(wanted))
    if len(found) != len(wanted) or any(count < 0 for count in wanted.values()):
        raise NotEditable("There is no such print.")
    items = [item_of(pk, found[pk], wanted[pk]) for pk in sorted(wanted)]
    for line in price(items, currency=str(order.total.currency), taxation=taxation_of(order)).lines:
        variant = found[int(str(line.item.key))]
        yield OrderEditLine(
            variant=variant,
            sku=variant.sku,
            title=variant.product.title,
            options=variant.label,
            unit_price=line.item.unit_price,
            quantity=line.item.quantity,
            discount=line.discount,
            tax_added=line.tax_added,
            tax_percent=line.tax_percent,
            tax=line.tax,
            total=line.total,
        )


def taxation_of(order: Order) -> Taxation:
    """Today's rates of where it goes, applied as the order was taxed."""
    address = {name: getattr(order, name) for name in Order.FIELDS}
    found = taxation_for(Destination.of(address, order.vat_id))
    return replace(found, treatment=Treatment(order.tax_treatment))
