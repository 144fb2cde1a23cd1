"""Why an offer applies, or does not, to a cart or an order that exists: what support is asked on the telephone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from shop.cart.models import Cart
from shop.cart.review import item_of
from shop.orders.models import FIRST_NUMBER, Order
from shop.orders.services import customer_of
from shop.pricing.offers import Buyer, Verdict
from shop.pricing.services import Item, price
from shop.pricing.taxation import Taxation
from shop.promotions.models import Coupon, Offer
from shop.promotions.services import Customer, standing_offers, terms_of, uses_of


@dataclass(frozen=True, slots=True)
class Trial:
    """`words` says of what it was tried on; the verdicts are of this offer and of those it meets there."""

    words: str
    verdicts: Sequence[tuple[Verdict, bool]] = ()


def trial_of(offer: Offer, number: str) -> Trial:
    """`number` is an order's, as `BW-100123`, or `cart 12`. Nothing is written."""
    kind, digits = _read(number)
    if kind == "order":
        order = Order.objects.filter(pk=digits - FIRST_NUMBER).first()
        return _on_order(offer, order) if order else Trial(f"There is no order {number}.")
    cart = Cart.objects.filter(pk=digits).select_related("user", "coupon").first()
    return _on_cart(offer, cart) if cart else Trial(f"“{number}” is no number of an order or a cart.")


def _read(number: str) -> tuple[str, int]:
    words = number.lower().split()
    digits = words[-1].removeprefix("bw-") if words else ""
    plain = digits.isascii() and digits.isdigit() and len(digits) < 16
    return "cart" if words[:1] == ["cart"] or not plain else "order", int(digits) if plain else 0


def _on_order(offer: Offer, order: Order) -> Trial:
    lines = order.lines.select_related("variant__product__category")
    items = [item_of(line.pk, line.variant, line.quantity) for line in lines if line.variant]
    earlier = Order.objects.filter(pk__lt=order.pk).exclude(status=Order.Status.CANCELLED)
    mine = earlier.filter(user=order.user_id) if order.user_id else earlier.guests_of(order.email)
    key = customer_of(order.user, order.email).key
    words = f"{order.number}, as it would be priced on {order.placed_at:%d.%m.%Y %H:%M}"
    if offer.redemptions.filter(reference=order.public_id).exists():
        words = f"{order.number} used this offer. {words}"
    return _tried(offer, items, None, Customer(key, mine.exists), order.placed_at, words)


def _on_cart(offer: Offer, cart: Cart) -> Trial:
    lines = cart.lines.select_related("variant__product__category")
    items = [item_of(line.pk, line.variant, line.quantity) for line in lines]
    who = cart.user or "a guest"
    return _tried(
        offer, items, cart.coupon, customer_of(cart.user), timezone.now(), f"Cart {cart.pk} of {who}"
    )


def _tried(
    offer: Offer, items: Sequence[Item], coupon: Coupon | None, customer: Customer, at: datetime, words: str
) -> Trial:
    others = [terms for terms in standing_offers(coupon, customer.key) if terms.key != offer.pk]
    mine = terms_of(offer, coupon, uses_of([offer], customer.key).get(offer.pk, 0))
    totals = price(
        items,
        currency=settings.DEFAULT_CURRENCY,
        taxation=Taxation(),
        offers=[mine, *others],
        buyer=Buyer(at, customer.has_ordered),
    )
    return Trial(words, [(verdict, verdict.terms.key == offer.pk) for verdict in totals.verdicts])
