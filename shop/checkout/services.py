"""From a cart to an order: one transaction, before any other machine is asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from djmoney.money import Money

from notifications.log_context import bind
from shop.cart.models import Cart, new_token
from shop.cart.review import Review, review
from shop.cart.services import take_lines_out
from shop.checkout.tax_facts import tax_facts
from shop.drops.admission import NO_PLACES, SignedPlaces, use_admission
from shop.errors import ShopError
from shop.inventory.services import OutOfStock, reserve
from shop.money import in_words
from shop.orders.models import Order, OrderLine
from shop.orders.services import customer_of, mark_paid
from shop.payments.gift_cards import check_chargeable, gift_share, pay_with_gift_card
from shop.places import Destination
from shop.pricing.services import PricedLine, Totals
from shop.pricing.steps import steps_as_json
from shop.pricing.vat_ids import read_vat_id
from shop.promotions.services import Customer, redeem
from shop.shipping.services import Choice, find_choice

if TYPE_CHECKING:
    from accounts.models import User


class EmptyCart(ShopError):
    code = "empty_cart"
    message = "Your cart is empty."


class CartChanged(ShopError):
    """`details["notices"]` says what changed since the buyer last looked."""

    code = "cart_changed"
    message = "Something in your cart changed. Please look it over before you pay."


def place_order(
    *,
    cart: Cart,
    key: str,
    user: User | None,
    email: str,
    address: Mapping[str, Any],
    shipping_code: str,
    vat_id: str = "",
    evidence: Mapping[str, Any] | None = None,
    expected_total: Money | None = None,
    expected_due: Money | None = None,
    places: SignedPlaces = NO_PLACES,
) -> Order:
    """Turns `cart` into an order with its stock reserved for RESERVATION_MINUTES, and empties it.

    `key` is the cart's `checkout_key` as the buyer's page had it: the same key gives the same order, however
    often and however simultaneously it is sent. `address` has PostalAddress.FIELDS; `evidence` is what else is
    known of where the buyer is. What a drop guards takes one of the buyer's `places`, let in and not used before.
    Raises EmptyCart, CartChanged, OutOfStock, OfferGone, GiftCardShort, TooLittle, WaitingRoom, VatIdInvalid or
    ShippingGone, and then nothing has happened.
    """
    try:
        written = read_vat_id(vat_id, str(address["country"])) if vat_id else ""
        to, expected = Destination.of(address, written), (expected_total, expected_due)
        return _place(cart, key, user, email, address, to, evidence or {}, shipping_code, expected, places)
    except (IntegrityError, EmptyCart):
        # A request with this key came before, or was faster; anything else is a real fault.
        placed = Order.objects.filter(checkout_key=key, user=user).first()
        if placed is None:
            raise
        return placed


@transaction.atomic
def _place(
    cart: Cart,
    key: str,
    user: User | None,
    email: str,
    address: Mapping[str, Any],
    to: Destination,
    known_of_buyer: Mapping[str, Any],
    shipping_code: str,
    expected: tuple[Money | None, Money | None],
    places: SignedPlaces,
) -> Order:
    # Locks the cart: a line added meanwhile must either be in this order or stay in the cart. Its codes go with it.
    taken = Cart.objects.filter(pk=cart.pk, checkout_key=key).update(
        checkout_key=new_token(), coupon=None, gift_card=None
    )
    if not taken:
        raise EmptyCart
    seen = review(cart, covers=False)
    _refuse_what_changed(seen)
    # Also what lay in the cart before its drop was announced, or longer than the buyer was let in.
    use_admission([line.product.pk for line in seen.lines], user.pk if user else None, places)
    customer = customer_of(user, email)
    choice = _choice(seen, to, shipping_code, customer)
    totals = seen.totals(to, choice.price, customer)
    due = totals.total - gift_share(seen.gift_card, totals.total)
    _refuse_what_was_not_shown(totals.total, due, expected)
    check_chargeable(due)
    taxed = tax_facts(to, totals, known_of_buyer)
    order = _write_order(key, user, email, address, choice, seen, totals, taxed)
    bind(order=order.number)
    _write_lines(order, seen, totals)
    take_lines_out(cart)
    # The log, then what is limited, then the stock, in the order in which cancelling takes their locks: any other
    # way round they deadlock.
    order.record("placed", by=user)
    applied = [verdict.terms for verdict in totals.applied]
    redeem(order.public_id, applied, cart.coupon, customer.key)
    if seen.gift_card:
        due = order.total - pay_with_gift_card(order, seen.gift_card)
    quantities = {line.variant.pk: line.quantity for line in seen.lines}
    _promise(order, seen, reserve(order.public_id, quantities, order.reserved_until))
    if not due.amount:
        mark_paid(
            order, why="A gift card paid for it." if order.total.amount else "There was nothing to pay."
        )
    return order


def _refuse_what_changed(seen: Review) -> None:
    if not seen.lines:
        raise EmptyCart
    short = {line.variant.pk: line.available for line in seen.lines if line.quantity > line.available}
    if short:
        raise OutOfStock(
            "Some of it sold out while you were looking. Your cart shows what is left.", short=short
        )
    if seen.notices or seen.blocked:
        raise CartChanged(notices=seen.notices)


def _promise(order: Order, seen: Review, ahead: Mapping[int, int]) -> None:
    """Keeps what was promised of each line. Raises CartChanged where the last one there went a moment ago."""
    for line in seen.lines:
        if not (made := ahead.get(line.variant.pk, 0)):
            continue
        if not line.ahead:
            raise CartChanged(f"“{line.product.title}” has just become one that is made to order.")
        order.lines.filter(variant=line.variant).update(ahead=made, lead_days=line.lead_days)


def _refuse_what_was_not_shown(total: Money, due: Money, expected: tuple[Money | None, Money | None]) -> None:
    shown_total, shown_due = expected
    if shown_total is not None and total != shown_total:
        raise CartChanged(f"The total is now {in_words(total)}. Please look it over before you pay.")
    if shown_due is not None and due != shown_due:
        raise CartChanged(f"What is left to pay is now {in_words(due)}. Please look it over before you pay.")


def _choice(seen: Review, to: Destination, shipping_code: str, customer: Customer) -> Choice:
    totals = seen.totals(to, customer=customer)
    return find_choice(
        shipping_code,
        destination=to,
        weight_g=seen.weight_g,
        goods=totals.goods,
    )


def _write_order(
    key: str,
    user: User | None,
    email: str,
    address: Mapping[str, Any],
    choice: Choice,
    seen: Review,
    totals: Totals,
    taxed: Mapping[str, Any],
) -> Order:
    return Order.objects.create(
        checkout_key=key,
        user=user,
        email=email,
        **{name: address.get(name, "") for name in Order.FIELDS},
        reserved_until=timezone.now() + timedelta(minutes=settings.RESERVATION_MINUTES),
        shipping_name=choice.name,
        shipping_days_min=choice.days_min,
        shipping_days_max=choice.days_max,
        coupon_code=next((one.terms.code for one in totals.applied if one.terms.code), ""),
        subtotal=totals.subtotal,
        discount=totals.discount,
        shipping=totals.shipping,
        tax_added=totals.tax_added,
        tax=totals.tax,
        total=totals.total,
        steps_kept=steps_as_json(totals.steps, {line.id: line.variant.sku for line in seen.lines}),
        **taxed,
    )


def _write_lines(order: Order, seen: Review, totals: Totals) -> None:
    OrderLine.objects.bulk_create(
        _order_line(order, line.variant.pk, line.variant.sku, line.product.title, line.label, priced)
        for line, priced in zip(seen.lines, totals.lines, strict=True)
    )


def _order_line(
    order: Order, variant_id: int, sku: str, title: str, options: str, priced: PricedLine
) -> OrderLine:
    return OrderLine(
        order=order,
        variant_id=variant_id,
        sku=sku,
        title=title,
        options=options,
        unit_price=priced.item.unit_price,
        quantity=priced.item.quantity,
        discount=priced.discount,
        tax_added=priced.tax_added,
        tax_percent=priced.tax_percent,
        tax=priced.tax,
        total=priced.total,
    )
