"""Filling a cart. Whatever changes one says so on its stream, which the customer's other pages follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from notifications.services import notify
from shop.cart.models import MAX_QUANTITY, Cart, CartLine
from shop.catalog.models import Variant
from shop.drops.admission import NO_PLACES, SignedPlaces, require_admission
from shop.errors import ShopError
from shop.giftcards.models import GiftCard
from shop.inventory.models import stock_of
from shop.inventory.services import OutOfStock
from shop.promotions.models import Coupon, CouponUnknown

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User


class QuantityTooLarge(ShopError):
    code = "quantity_too_large"
    message = f"We send at most {MAX_QUANTITY} of one print in one order. Write to us for more."


class NotForSale(ShopError):
    code = "not_for_sale"
    message = "This print is not for sale at the moment."


class LineGone(ShopError):
    code = "line_gone"
    message = "This line is no longer in your cart."


def open_cart(user: User | AnonymousUser, token: str | None) -> Cart:
    """The cart of this account, or of the guest with this token; a new one where there is none."""
    cart = Cart.objects.belonging_to(user, token)
    if cart:
        return cart
    if user.is_authenticated:
        return Cart.objects.get_or_create(user=user)[0]
    return Cart.objects.create()


@transaction.atomic
def add_to_cart(
    cart: Cart, variant: Variant, quantity: int = 1, *, places: SignedPlaces = NO_PLACES
) -> CartLine:
    """Raises NotForSale, QuantityTooLarge, or OutOfStock when the cart would hold more than there are.

    Raises WaitingRoom for what a drop guards, unless one of the buyer's `places` there was let in.
    """
    if not variant.product.is_visible:
        raise NotForSale
    require_admission([variant.product_id], cart.user_id, places)
    _lock(cart)
    quantities = dict(cart.lines.values_list("variant", "quantity"))
    total = quantities.get(variant.pk, 0) + quantity
    _check(variant, total)
    seen = {"seen_lead_days": stock_of(variant).lead_for(total)}
    if variant.pk in quantities:
        line = cart.lines.get(variant=variant)
        _write(line, total, **seen)
    else:
        line = cart.lines.create(variant=variant, quantity=total, seen_price=variant.price, **seen)
    _tell(cart, sum(quantities.values()) + quantity)
    return line


@transaction.atomic
def set_quantity(cart: Cart, line_id: int, quantity: int) -> CartLine | None:
    """Sets the quantity of a line; 0 takes it out. Raises LineGone, QuantityTooLarge or OutOfStock."""
    _lock(cart)
    line = cart.lines.select_related("variant__stock").filter(pk=line_id).first()
    if line is None:
        raise LineGone
    if quantity <= 0:
        line.delete()
        _tell(cart)
        return None
    if quantity > line.quantity:
        _check(line.variant, quantity)
    _write(line, quantity, seen_lead_days=stock_of(line.variant).lead_for(quantity))
    _tell(cart)
    return line


@transaction.atomic
def empty_cart(cart: Cart) -> None:
    """The codes go as well."""
    Cart.objects.filter(pk=cart.pk).update(coupon=None, gift_card=None)
    take_lines_out(cart)


def take_lines_out(cart: Cart) -> None:
    """All of them, within the transaction of who has locked the cart."""
    cart.lines.all().delete()
    _tell(cart, 0)


@receiver(pre_delete, sender=Variant)
@transaction.atomic
def take_out_of_carts(instance: Variant, **_: Any) -> None:
    """A variant that is deleted leaves every cart. The database would see to that too, but tell nobody."""
    carts = list(Cart.objects.filter(lines__variant=instance))
    _lock(*carts)
    CartLine.objects.filter(variant=instance).delete()
    for cart in sorted(carts, key=lambda cart: cart.stream):
        _tell(cart)


def _tell(cart: Cart, count: int | None = None) -> None:
    """Word to the customer's other pages and devices; call it with the cart locked, as all that write here do."""
    notify(cart.stream, "cart.changed", count=cart.count() if count is None else count)


def _lock(*carts: Cart) -> None:
    """Until the transaction ends nobody else changes these carts or turns one into an order."""
    rows = Cart.objects.select_for_update().filter(pk__in=[cart.pk for cart in carts])
    list(rows.order_by("pk").values_list("pk"))


def _check(variant: Variant, quantity: int) -> None:
    if quantity > MAX_QUANTITY:
        raise QuantityTooLarge
    available = stock_of(variant).available
    if quantity > available:
        left = f"There are only {available} left." if available > 0 else "It is sold out."
        raise OutOfStock(left, short={variant.pk: available})


def _write(line: CartLine, quantity: int, **seen: int) -> None:
    """`seen` is what the answer to the buyer's own step shows of it."""
    if not CartLine.objects.filter(pk=line.pk).update(quantity=quantity, **seen):
        raise LineGone
    line.quantity = quantity
    line.seen_lead_days = seen.get("seen_lead_days", line.seen_lead_days)


@transaction.atomic
def merge_carts(guest: Cart, user: User) -> Cart:
    """A guest signs in: for a print in both carts the larger quantity stays, the coupon of the guest wins.

    The rule is in docs/cart.md. Stock is not looked at: the cart page tells what is short.
    """
    cart = Cart.objects.get_or_create(user=user)[0]
    if guest.pk == cart.pk or guest.user_id:
        return cart
    _lock(guest, cart)
    mine = {line.variant_id: line for line in cart.lines.all()}
    for line in guest.lines.all():
        if line.variant_id not in mine:
            CartLine.objects.filter(pk=line.pk).update(cart=cart)
        elif line.quantity > mine[line.variant_id].quantity:
            _write(mine[line.variant_id], line.quantity)
    if guest.coupon_id:
        Cart.objects.filter(pk=cart.pk).update(coupon=guest.coupon_id)
    if guest.gift_card_id:
        Cart.objects.filter(pk=cart.pk).update(gift_card=guest.gift_card_id)
    for stream, kind in sorted([(guest.stream, "cart.merged"), (cart.stream, "cart.changed")]):
        notify(stream, kind, count=cart.count())
    guest.delete()
    cart.refresh_from_db()
    return cart


def bring_cart(user: User, token: str | None) -> None:
    """What a guest put in the cart with this token before signing in is still there after."""
    guest = Cart.objects.filter(user=None, token=token).first() if token else None
    if guest:
        merge_carts(guest, user)


def apply_coupon(cart: Cart, code: str) -> Coupon:
    """Raises CouponUnknown, CouponNotYet or CouponExpired."""
    coupon = Coupon.objects.redeemable(code)
    _set_coupon(cart, coupon)
    return coupon


def apply_code(cart: Cart, code: str) -> Coupon | GiftCard:
    """A coupon or a gift card, as one field takes both. Raises what looking up either does."""
    try:
        return apply_coupon(cart, code)
    except CouponUnknown:
        card = GiftCard.objects.known_by(code)
    _set_gift_card(cart, card)
    return card


def remove_gift_card(cart: Cart) -> None:
    _set_gift_card(cart, None)


@transaction.atomic
def _set_gift_card(cart: Cart, card: GiftCard | None) -> None:
    Cart.objects.filter(pk=cart.pk).update(gift_card=card)
    cart.gift_card = card
    _tell(cart)


def remove_coupon(cart: Cart) -> None:
    _set_coupon(cart, None)


@transaction.atomic
def _set_coupon(cart: Cart, coupon: Coupon | None) -> None:
    Cart.objects.filter(pk=cart.pk).update(coupon=coupon)
    cart.coupon = coupon
    _tell(cart)
