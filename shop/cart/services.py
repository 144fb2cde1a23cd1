"""Filling a cart, and looking at it again with today's prices and stock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Prefetch
from djmoney.money import Money

from shop.cart.models import MAX_QUANTITY, Cart, CartLine
from shop.catalog.models import Product, ProductImage, Variant
from shop.errors import ShopError
from shop.inventory.services import OutOfStock
from shop.pricing.models import TaxRate
from shop.pricing.services import Item, Totals, price
from shop.promotions.models import Coupon

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


@dataclass(frozen=True, slots=True)
class ReviewedLine:
    """A line with what is true now. `problem` says in words what must change before it can be bought."""

    id: int
    variant: Variant
    product: Product
    cover: ProductImage | None
    label: str
    quantity: int
    unit_price: Money
    gross: Money
    available: int
    problem: str


@dataclass(frozen=True, slots=True)
class Review:
    cart: Cart
    lines: list[ReviewedLine]
    notices: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def weight_g(self) -> int:
        return sum(line.variant.weight_g * line.quantity for line in self.lines)

    @property
    def coupon(self) -> Coupon | None:
        return self.cart.coupon

    @property
    def blocked(self) -> bool:
        return not self.lines or any(line.problem for line in self.lines)

    def totals(self, country: str = settings.SHOP_COUNTRY, shipping: Money | None = None) -> Totals:
        """What it comes to, sent to `country`; one query, for the tax rates."""
        items = [Item(line.id, line.unit_price, line.quantity, line.product.tax_class) for line in self.lines]
        return price(
            items,
            currency=settings.DEFAULT_CURRENCY,
            rates=TaxRate.objects.for_country(country),
            percent_off=self.coupon.percent if self.coupon else 0,
            shipping=shipping,
        )


def open_cart(user: User | AnonymousUser, token: str | None) -> Cart:
    """The cart of this account, or of the guest with this token; a new one where there is none."""
    cart = Cart.objects.belonging_to(user, token)
    if cart:
        return cart
    if user.is_authenticated:
        return Cart.objects.get_or_create(user=user)[0]
    return Cart.objects.create()


@transaction.atomic
def add_to_cart(cart: Cart, variant: Variant, quantity: int = 1) -> CartLine:
    """Raises NotForSale, QuantityTooLarge, or OutOfStock when the cart would hold more than there are."""
    if not Variant.objects.buyable().filter(pk=variant.pk).exists():
        raise NotForSale
    _lock(cart)
    line = cart.lines.filter(variant=variant).first()
    total = quantity + (line.quantity if line else 0)
    _check(variant, total)
    if line:
        return _write(line, total)
    return cart.lines.create(variant=variant, quantity=quantity, seen_price=variant.price)


@transaction.atomic
def set_quantity(cart: Cart, line_id: int, quantity: int) -> CartLine | None:
    """Sets the quantity of a line; 0 takes it out. Raises LineGone, QuantityTooLarge or OutOfStock."""
    _lock(cart)
    line = cart.lines.select_related("variant").filter(pk=line_id).first()
    if line is None:
        raise LineGone
    if quantity <= 0:
        line.delete()
        return None
    if quantity > line.quantity:
        _check(line.variant, quantity)
    return _write(line, quantity)


def _lock(*carts: Cart) -> None:
    """Until the transaction ends nobody else changes these carts or turns one into an order."""
    list(Cart.objects.select_for_update().filter(pk__in=[cart.pk for cart in carts]).order_by("pk"))


def _check(variant: Variant, quantity: int) -> None:
    if quantity > MAX_QUANTITY:
        raise QuantityTooLarge
    available = variant.stock.available if hasattr(variant, "stock") else 0
    if quantity > available:
        left = f"There are only {available} left." if available else "It is sold out."
        raise OutOfStock(left, short={variant.pk: available})


def _write(line: CartLine, quantity: int) -> CartLine:
    if not CartLine.objects.filter(pk=line.pk).update(quantity=quantity):
        raise LineGone
    line.quantity = quantity
    return line


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
    guest.delete()
    cart.refresh_from_db()
    return cart


def apply_coupon(cart: Cart, code: str) -> Coupon:
    """Raises CouponUnknown, CouponNotYet or CouponExpired."""
    coupon = Coupon.objects.redeemable(code)
    Cart.objects.filter(pk=cart.pk).update(coupon=coupon)
    cart.coupon = coupon
    return coupon


def remove_coupon(cart: Cart) -> None:
    Cart.objects.filter(pk=cart.pk).update(coupon=None)
    cart.coupon = None


def review(cart: Cart) -> Review:
    """The cart as it stands today, with what changed since the buyer last looked told once, in words.

    A fixed number of queries, whatever the number of lines.
    """
    lines, notices, repriced = [], [], []
    for line in _loaded_lines(cart):
        lines.append(_reviewed(line))
        if line.seen_price != line.variant.price:
            title = line.variant.product.title
            notices.append(f"The price of “{title}” changed from {line.seen_price} to {line.variant.price}.")
            line.seen_price = line.variant.price
            repriced.append(line)
    if repriced:
        CartLine.objects.bulk_update(repriced, ["seen_price"])
    if cart.coupon and (reason := _coupon_trouble(cart.coupon)):
        notices.append(f"The code {cart.coupon.code} was taken off: {reason}")
        remove_coupon(cart)
    return Review(cart, lines, notices)


def _loaded_lines(cart: Cart) -> list[CartLine]:
    covers = ProductImage.objects.filter(position=0)
    variants = (
        Variant.objects.with_options()
        .select_related("product", "stock")
        .prefetch_related(Prefetch("product__images", queryset=covers, to_attr="cover_images"))
    )
    return list(cart.lines.prefetch_related(Prefetch("variant", queryset=variants)))


def _reviewed(line: CartLine) -> ReviewedLine:
    variant, product = line.variant, line.variant.product
    available = variant.stock.available if hasattr(variant, "stock") else 0
    problem = ""
    if not product.is_visible:
        problem = "This print is no longer for sale."
    elif available == 0:
        problem = "This one has sold out since you added it."
    elif line.quantity > available:
        problem = f"Only {available} left: please take fewer."
    return ReviewedLine(
        id=line.pk,
        variant=variant,
        product=product,
        cover=product.cover,
        label=variant.label,
        quantity=line.quantity,
        unit_price=variant.price,
        gross=variant.price * line.quantity,
        available=available,
        problem=problem,
    )


def _coupon_trouble(coupon: Coupon) -> str:
    try:
        coupon.check_window()
    except ShopError as error:
        return error.message
    return ""
