"""Looking at a cart again with today's prices and stock."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import Prefetch
from djmoney.money import Money

from shop.cart.models import Cart, CartLine
from shop.catalog.models import Product, ProductImage, Variant
from shop.errors import ShopError
from shop.pricing.models import TaxRate
from shop.pricing.services import Item, Totals, price
from shop.pricing.taxation import Taxation
from shop.promotions.models import Coupon


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
            taxation=Taxation(TaxRate.objects.for_country(country)),
            percent_off=self.coupon.percent if self.coupon else 0,
            shipping=shipping,
        )


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
        # Without a word on the cart's stream: any other page finds the same when it looks, and would lose this notice.
        Cart.objects.filter(pk=cart.pk).update(coupon=None)
        cart.coupon = None
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
