"""What loads over HTTP ask of the process that writes: a catalogue, carts to buy, orders that wait to be paid.

In bulk and past the shop's own services, which would take minutes for what a run buys in seconds: the rows are those
that the services would leave, and every cart is bought by the service itself.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from itertools import product

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.utils import timezone
from djmoney.money import Money

from shop.cart.models import Cart, CartLine, new_token
from shop.catalog.models import (
    Attribute,
    Category,
    Option,
    OptionValue,
    Product,
    ProductAttribute,
    ProductImage,
    TaxClass,
    Variant,
)
from shop.inventory.models import Reservation, Stock
from shop.orders.models import Order, OrderLine
from shop.payments.models import Payment

PRODUCTS = 60
PLENTY = 1_000_000
SIZES = ("30 × 40 cm", "50 × 70 cm")
FRAMES = ("Unframed", "Oak", "Black", "White")
PRICE, DELIVERY = Decimal("24.00"), Decimal("4.90")
STORY = "Eighty-four strokes, each from the trough to the lip, thick in the middle as a brush stroke is. " * 4


def catalogue() -> list[str]:
    """The slugs of prints with pictures, facts and eight variants each, as the demo's have; made once."""
    slugs = [f"seascape-{n}" for n in range(PRODUCTS)]
    if not Product.objects.filter(slug=slugs[0]).exists():
        _hang(slugs)
    connection.close()
    return slugs


def _hang(slugs: list[str]) -> None:
    category = Category.objects.get(slug="swell")
    since = timezone.now() - timedelta(days=1)
    prints = Product.objects.bulk_create(
        Product(
            category=category,
            slug=slug,
            title=f"Seascape No. {n}",
            subtitle="Screenprint in five inks",
            artist="Maren Ostby",
            story=STORY,
            tax_class=TaxClass.STANDARD,
            visible_from=since,
            position=10 * n,
        )
        for n, slug in enumerate(slugs)
    )
    ProductImage.objects.bulk_create(
        ProductImage(
            product=one,
            picture=f"products/{one.slug}-{place}.0123456789ab.webp",
            width=2400,
            height=1800,
            alt="A great white wave, drawn in curved lines, breaking in front of an orange sun",
            position=place,
        )
        for one, place in product(prints, (0, 1))
    )
    facts = [
        Attribute.objects.get_or_create(code=code, defaults={"name": code})[0] for code in ("inks", "year")
    ]
    ProductAttribute.objects.bulk_create(
        ProductAttribute(product=one, attribute=fact, text="Five") for one, fact in product(prints, facts)
    )
    _make_variants(prints)


def _make_variants(prints: list[Product]) -> None:
    choices = list(product(_values("size", SIZES), _values("frame", FRAMES)))
    variants = Variant.objects.bulk_create(
        Variant(
            product=one,
            sku=f"{one.slug}-{n}".upper(),
            price=Money(PRICE + 10 * n, "EUR"),
            weight_g=420,
            position=n,
        )
        for one in prints
        for n in range(len(choices))
    )
    through = Variant.values.through
    through.objects.bulk_create(
        through(variant_id=variant.pk, optionvalue_id=value.pk)
        for n, variant in enumerate(variants)
        for value in choices[n % len(choices)]
    )
    Stock.objects.bulk_create(Stock(variant=variant, on_hand=PLENTY) for variant in variants)


def _values(code: str, labels: tuple[str, ...]) -> list[OptionValue]:
    option = Option.objects.get_or_create(code=code, defaults={"name": code.title()})[0]
    return [
        OptionValue.objects.get_or_create(
            option=option, code=f"{code}-{n}", defaults={"label": label, "position": n}
        )[0]
        for n, label in enumerate(labels)
    ]


def carts(count: int, only: int | None = None) -> list[tuple[str, str, str]]:
    """So many guests' carts, of one print each, in turn or all of one variant: token, key and total of each."""
    catalogue()
    cheapest = Variant.objects.filter(product__slug__startswith="seascape-", position=0)
    chosen = [only] if only else list(cheapest.order_by("pk").values_list("pk", flat=True))
    made = Cart.objects.bulk_create(Cart(token=new_token(), checkout_key=new_token()) for _ in range(count))
    CartLine.objects.bulk_create(
        CartLine(
            cart=cart,
            variant_id=chosen[n % len(chosen)],
            quantity=1,
            seen_price=Money(PRICE, "EUR"),
            seen_lead_days=0,
        )
        for n, cart in enumerate(made)
    )
    connection.close()
    return [(cart.token, cart.checkout_key, str(PRICE + DELIVERY)) for cart in made]


def waiting_orders(count: int) -> list[str]:
    """Public ids of so many orders, each with an attempt to pay that the provider knows."""
    variant = Variant.objects.get(sku=f"{catalogue()[0]}-0".upper())
    orders = Order.objects.bulk_create(_unpaid() for _ in range(count))
    OrderLine.objects.bulk_create(_line(order, variant) for order in orders)
    Payment.objects.bulk_create(_attempt(order) for order in orders)
    connection.close()
    return [order.public_id for order in orders]


def _unpaid() -> Order:
    return Order(
        checkout_key=new_token(),
        email="nora@example.com",
        name="Nora Byrne",
        line1="4 Harbour Row",
        city="Howth",
        country="IE",
        reserved_until=timezone.now() + timedelta(minutes=settings.RESERVATION_MINUTES),
        shipping_name="Tube by post",
        shipping_days_min=2,
        shipping_days_max=4,
        subtotal=PRICE,
        discount=0,
        shipping=DELIVERY,
        tax=Decimal("5.40"),
        total=PRICE + DELIVERY,
    )


def _line(order: Order, variant: Variant) -> OrderLine:
    return OrderLine(
        order=order,
        variant=variant,
        sku=variant.sku,
        title="Seascape No. 0",
        unit_price=PRICE,
        quantity=1,
        discount=0,
        tax=Decimal("4.49"),
        total=PRICE,
    )


def _attempt(order: Order) -> Payment:
    return Payment(
        order=order,
        amount=order.total,
        intent_id=f"pi_{uuid.uuid4().hex}",
        client_secret="secret",
        status=Payment.Status.WAITING,
    )


def scarce(slug: str, units: int) -> int:
    """The id of the variant of a new print of which there are so many."""
    category = Category.objects.get(slug="swell")
    since = timezone.now() - timedelta(days=1)
    one = Product.objects.create(
        category=category, slug=slug, title=slug, visible_from=since, position=10_000
    )
    variant = one.variants.create(sku=slug.upper(), price=Money(PRICE, "EUR"), weight_g=420)
    Stock.objects.create(variant=variant, on_hand=units)
    connection.close()
    return variant.pk


def sold(variant_id: int) -> dict[str, int]:
    """Of that print: how many orders hold one, and how many the shelf says are held."""
    held = Reservation.objects.held().filter(variant=variant_id).aggregate(n=Count("pk"))["n"]
    counted = Stock.objects.get(pk=variant_id).reserved
    lines = OrderLine.objects.filter(variant=variant_id).count()
    connection.close()
    return {"orders": lines, "held": held, "reserved": counted}
