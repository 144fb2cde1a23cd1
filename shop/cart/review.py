"""Looking at a cart again with today's prices and stock."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import Prefetch
from django.utils import timezone
from djmoney.money import Money

from shop.cart.models import Cart, CartLine
from shop.catalog.models import Product, ProductImage, Variant
from shop.errors import ShopError
from shop.pricing.models import TaxRate
from shop.pricing.offers import Buyer, Terms
from shop.pricing.services import Item, Totals, price
from shop.pricing.taxation import Taxation
from shop.promotions.models import Coupon
from shop.promotions.services import UNKNOWN, Customer, standing_offers


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

    @property
    def item(self) -> Item:
        """The line as price() takes it."""
        return item_of(self.id, self.variant, self.quantity)


@dataclass(frozen=True, slots=True)
class Review:
    cart: Cart
    lines: list[ReviewedLine]
    notices: list[str] = field(default_factory=list)
    _offers: dict[str, list[Terms]] = field(default_factory=dict)

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

    def totals(
        self,
        country: str = settings.SHOP_COUNTRY,
        shipping: Money | None = None,
        customer: Customer = UNKNOWN,
    ) -> Totals:
        """What it comes to for `customer`, sent to `country`; a query for the tax rates, and once four for offers."""
        return totals_of(
            [line.item for line in self.lines],
            country=country,
            shipping=shipping,
            customer=customer,
            offers=self._standing(customer),
        )

    def _standing(self, customer: Customer) -> list[Terms]:
        if customer.key not in self._offers:
            found = standing_offers(self.coupon, customer.key) if self.lines else []
            self._offers[customer.key] = found
        return self._offers[customer.key]


def totals_of(
    items: list[Item],
    *,
    country: str,
    shipping: Money | None = None,
    coupon: Coupon | None = None,
    customer: Customer = UNKNOWN,
    offers: list[Terms] | None = None,
) -> Totals:
    """Prices items as of now with the offers that stand for `customer`, unless they were looked up before."""
    return price(
        items,
        currency=settings.DEFAULT_CURRENCY,
        taxation=Taxation(TaxRate.objects.for_country(country)),
        offers=standing_offers(coupon, customer.key) if offers is None else offers,
        buyer=Buyer(timezone.now(), customer.ordered_before),
        shipping=shipping,
    )


def item_of(key: Hashable, variant: Variant, quantity: int) -> Item:
    """So many of a variant as price() takes them; with its product and category loaded, without a query."""
    product = variant.product
    return Item(
        key=key,
        unit_price=variant.price,
        quantity=quantity,
        tax_class=product.tax_class,
        name=product.title,
        product=product.pk,
        category=product.category.path,
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
        .select_related("product__category", "stock")
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
        coupon.check_usable()
    except ShopError as error:
        return error.message
    return ""
