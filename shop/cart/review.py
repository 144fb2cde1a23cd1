"""Looking at a cart again with today's prices and stock."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import Prefetch, prefetch_related_objects
from django.utils import timezone
from djmoney.money import Money

from shop.cart.models import Cart, CartLine
from shop.catalog.models import OptionValue, Product, ProductImage, Variant
from shop.errors import ShopError
from shop.giftcards.models import GiftCard
from shop.inventory.models import stock_of
from shop.inventory.words import in_days
from shop.places import Destination
from shop.pricing.assessment import taxation_for
from shop.pricing.offers import Buyer, Terms
from shop.pricing.services import Item, Totals, price
from shop.pricing.taxation import Taxation
from shop.promotions.models import Coupon
from shop.promotions.services import UNKNOWN, Customer, standing_offers

HOME = Destination(settings.SHOP_COUNTRY)


@dataclass(frozen=True, slots=True)
class ReviewedLine:
    """A line with what is true now. `problem` says in words what must change before it can be bought, and
    `problem_code` for programs.

    `ahead` of them would have to be made, and then leave after `lead_days`; both are 0 where all are there.
    """

    id: int
    variant: Variant
    product: Product
    cover: ProductImage | None
    label: str
    quantity: int
    unit_price: Money
    gross: Money
    available: int
    ahead: int
    lead_days: int
    problem: str
    problem_code: str

    @property
    def full_gross(self) -> Money | None:
        """What it would cost without the sale that is on."""
        full = self.variant.full_price
        return None if full is None else full * self.quantity

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
    _taxations: dict[Destination, Taxation] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def weight_g(self) -> int:
        return sum(line.variant.weight_g * line.quantity for line in self.lines)

    @property
    def lead_days(self) -> int:
        """Until the parcel can leave; 0 where all of it lies on the shelf."""
        return max((line.lead_days for line in self.lines), default=0)

    @property
    def coupon(self) -> Coupon | None:
        return self.cart.coupon

    @property
    def gift_card(self) -> GiftCard | None:
        return self.cart.gift_card

    @property
    def blocked(self) -> bool:
        return not self.lines or any(line.problem for line in self.lines)

    def totals(
        self,
        destination: Destination = HOME,
        shipping: Money | None = None,
        customer: Customer = UNKNOWN,
    ) -> Totals:
        """What it comes to for `customer`, sent there; once two queries for the tax, and four for offers."""
        return totals_of(
            [line.item for line in self.lines],
            destination=destination,
            shipping=shipping,
            customer=customer,
            offers=self._standing(customer),
            taxation=self._taxation(destination),
        )

    def _taxation(self, destination: Destination) -> Taxation:
        if destination not in self._taxations:
            self._taxations[destination] = taxation_for(destination)
        return self._taxations[destination]

    def _standing(self, customer: Customer) -> list[Terms]:
        if customer.key not in self._offers:
            found = standing_offers(self.coupon, customer.key) if self.lines else []
            self._offers[customer.key] = found
        return self._offers[customer.key]


def totals_of(
    items: list[Item],
    *,
    destination: Destination,
    shipping: Money | None = None,
    coupon: Coupon | None = None,
    customer: Customer = UNKNOWN,
    offers: list[Terms] | None = None,
    taxation: Taxation | None = None,
) -> Totals:
    """Prices items as of now with the offers that stand for `customer`; these and the tax may be known from before."""
    return price(
        items,
        currency=settings.DEFAULT_CURRENCY,
        taxation=taxation or taxation_for(destination),
        offers=standing_offers(coupon, customer.key) if offers is None else offers,
        buyer=Buyer(timezone.now(), customer.has_ordered),
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
        full_price=variant.full_price,
    )


def look_over(cart: Cart | None) -> Review:
    """As below; who has no cart has nothing in it."""
    return review(cart) if cart and cart.pk else Review(cart=cart or Cart(), lines=[])


def review(cart: Cart, *, covers: bool = True) -> Review:
    """The cart as it stands today, with what changed since the buyer last looked told once, in words.

    A fixed number of queries, whatever the number of lines. Without `covers`, for who shows none, one fewer.
    """
    lines, notices, changed = [], [], []
    for line in _loaded_lines(cart, covers):
        now = _reviewed(line, covers)
        lines.append(now)
        notices += _changes(line, now)
        if (line.seen_price, line.seen_lead_days) != (now.unit_price, now.lead_days):
            line.seen_price, line.seen_lead_days = now.unit_price, now.lead_days
            changed.append(line)
    if changed:
        CartLine.objects.bulk_update(changed, ["seen_price", "seen_lead_days"])
    if cart.coupon and (reason := _trouble_with(cart.coupon)):
        notices.append(f"The code {cart.coupon.code} was taken off: {reason}")
        # Without a word on the cart's stream: any other page finds the same when it looks, and would lose this notice.
        Cart.objects.filter(pk=cart.pk).update(coupon=None)
        cart.coupon = None
    if cart.gift_card and (reason := _trouble_with(cart.gift_card)):
        notices.append(f"The {cart.gift_card} was taken off: {reason}")
        Cart.objects.filter(pk=cart.pk).update(gift_card=None)
        cart.gift_card = None
    return Review(cart, lines, notices)


def _changes(line: CartLine, now: ReviewedLine) -> list[str]:
    """What the buyer must hear of before they pay. That it leaves sooner than they were told is no such thing."""
    told = []
    if line.seen_price != now.unit_price:
        told.append(f"The price of “{now.product.title}” changed from {line.seen_price} to {now.unit_price}.")
    if now.lead_days > line.seen_lead_days:
        told.append(_waits(now))
    return told


def _waits(line: ReviewedLine) -> str:
    title, days = f"“{line.product.title}”", in_days(line.lead_days)
    if line.ahead == line.quantity:
        return f"{title} is made to order now and ships in {days}."
    return f"Of {title} {line.ahead} of your {line.quantity} are made to order now, and ship in {days}."


def _loaded_lines(cart: Cart, covers: bool) -> list[CartLine]:
    lines = list(cart.lines.select_related("variant__product__category", "variant__stock"))
    values = OptionValue.objects.select_related("option")
    lookups: list[Prefetch[Any, Any, Any]] = [
        Prefetch("variant__values", queryset=values, to_attr="option_values")
    ]
    if covers:
        first = ProductImage.objects.filter(position=0)
        lookups.append(Prefetch("variant__product__images", queryset=first, to_attr="cover_images"))
    prefetch_related_objects(lines, *lookups)
    return lines


def _reviewed(line: CartLine, covers: bool) -> ReviewedLine:
    variant, product = line.variant, line.variant.product
    stock = stock_of(variant)
    available, ahead = stock.available, stock.ahead(line.quantity)
    code, problem = _problem(product, line.quantity, available)
    return ReviewedLine(
        id=line.pk,
        variant=variant,
        product=product,
        cover=product.cover if covers else None,
        label=variant.label,
        quantity=line.quantity,
        unit_price=variant.price,
        gross=variant.price * line.quantity,
        available=available,
        ahead=0 if problem else ahead,
        lead_days=0 if problem else stock.lead_for(line.quantity),
        problem=problem,
        problem_code=code,
    )


def _problem(product: Product, quantity: int, available: int) -> tuple[str, str]:
    if not product.is_visible:
        return "not_for_sale", "This print is no longer for sale."
    if available <= 0:
        return "sold_out", "This one has sold out since you added it."
    if quantity > available:
        return "too_few", f"Only {available} left: please take fewer."
    return "", ""


def _trouble_with(code: Coupon | GiftCard) -> str:
    try:
        code.check_usable()
    except ShopError as error:
        return error.message
    return ""
