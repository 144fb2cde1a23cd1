import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from djmoney.money import Money

from accounts.models import User
from shop.cart.models import Cart
from shop.cart.services import apply_coupon
from shop.catalog.models import Variant
from shop.checkout.services import CartChanged, EmptyCart
from shop.inventory.models import Reservation, Stock
from shop.inventory.services import OutOfStock, receive
from shop.orders.models import Order
from shop.shipping.models import Quote, ShippingMethod
from shop.shipping.services import ShippingGone
from tests.offers import make_coupon

pytestmark = pytest.mark.django_db


def test_an_order_copies_what_was_bought_and_reserves_it(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(price="24.00", stock=5)
    cart = make_cart(variant, 2)
    make_coupon("HARBOUR10", percent=10)
    apply_coupon(cart, "HARBOUR10")
    order = place(cart)
    title = variant.product.title
    variant.product.title = "Renamed"
    variant.product.save()
    line = order.lines.get()
    assert (line.title, line.options, line.quantity) == (title, "30 × 40 cm", 2)
    assert (order.subtotal, order.discount, order.shipping) == (
        Money("48.00", "EUR"),
        Money("4.80", "EUR"),
        Money("4.90", "EUR"),
    )
    assert order.total == Money("48.10", "EUR")
    assert order.tax == Money("8.08", "EUR") + Money("0.92", "EUR")
    assert order.coupon_code == "HARBOUR10"
    assert Stock.objects.get(variant=variant).reserved == 2
    held = Reservation.objects.get(reference=order.public_id)
    assert timedelta(minutes=29) < held.expires_at - timezone.now() <= timedelta(minutes=30)
    assert [event.kind for event in order.events.all()] == ["placed"]
    assert cart.count() == 0


def test_the_same_key_gives_the_same_order(
    place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    cart = make_cart()
    key = cart.checkout_key
    first = place(cart, key=key)
    assert place(cart, key=key) == first
    assert Order.objects.count() == 1


def test_an_order_is_placed_in_so_many_queries(
    place: Callable[..., Order], make_cart: Callable[..., Cart], django_assert_max_num_queries: Callable
) -> None:
    cart = make_cart()
    with django_assert_max_num_queries(26):  # two of them are this test's savepoint
        place(cart)


def test_the_next_cart_of_the_same_buyer_is_another_order(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    cart = make_cart()
    first = place(cart)
    cart.refresh_from_db()
    cart.lines.create(variant=make_variant(), quantity=1, seen_price=Money("24.00", "EUR"))
    second = place(cart)
    assert second != first
    assert second.number != first.number


def test_a_shortage_leaves_cart_and_stock_as_they_were(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(stock=3)
    cart = make_cart(variant, 3)
    receive(variant, -1, "adjusted")
    with pytest.raises(OutOfStock) as refusal:
        place(cart)
    assert refusal.value.details["short"] == {variant.pk: 2}
    cart.refresh_from_db()
    assert cart.count() == 3
    assert not Order.objects.exists()
    assert Stock.objects.get(variant=variant).reserved == 0


def test_a_price_that_changed_is_shown_before_it_is_charged(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(price="24.00")
    cart = make_cart(variant)
    Variant.objects.filter(pk=variant.pk).update(price=Money("26.00", "EUR"))
    with pytest.raises(CartChanged):
        place(cart)
    assert not Order.objects.exists()
    with pytest.raises(CartChanged, match="total is now"):
        place(make_cart(), expected_total=Money("1.00", "EUR"))


def test_an_empty_cart_is_no_order(place: Callable[..., Order]) -> None:
    with pytest.raises(EmptyCart):
        place(Cart.objects.create())


@pytest.mark.parametrize(
    "code", ["method:none", "quote:nonsense", "quote:6f0e1f6e-8a9d-4b3a-9b51-000000000000", ""]
)
def test_a_way_of_delivery_that_is_not_offered_is_refused(
    place: Callable[..., Order], make_cart: Callable[..., Cart], code: str
) -> None:
    with pytest.raises(ShippingGone):
        place(make_cart(), shipping_code=code)


def test_a_carrier_s_quote_counts_only_for_the_parcel_it_was_given_for(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    quote = Quote.objects.create(
        carrier="gannet",
        service="express",
        name="Gannet Express",
        price=Money("11.20", "EUR"),
        country="IE",
        postal_code="D13 F6K7",
        weight_g=420,
        days_min=1,
        days_max=2,
        expires_at=timezone.now() + timedelta(hours=1),
    )
    code = f"quote:{quote.public_id}"
    with pytest.raises(ShippingGone):
        place(make_cart(quantity=2), shipping_code=code)
    order = place(make_cart(quantity=1), shipping_code=code)
    assert order.shipping == Money("11.20", "EUR")
    Quote.objects.update(expires_at=timezone.now())
    with pytest.raises(ShippingGone):
        place(make_cart(quantity=1), shipping_code=code)


def test_an_order_that_costs_nothing_is_paid_at_once(
    place: Callable[..., Order], make_cart: Callable[..., Cart], delivery: ShippingMethod
) -> None:
    ShippingMethod.objects.update(price=Money("0.00", "EUR"))
    cart = make_cart()
    make_coupon("GIFT", percent=100)
    apply_coupon(cart, "GIFT")
    order = place(cart)
    assert (order.total, order.status) == (Money("0.00", "EUR"), Order.Status.PAID)
    assert Reservation.objects.get(reference=order.public_id).expires_at is None


@pytest.mark.parametrize("seed", range(40))
def test_odd_prices_add_up_in_the_database_too(
    place: Callable[..., Order],
    make_cart: Callable[..., Cart],
    make_variant: Callable[..., Variant],
    seed: int,
) -> None:
    """SQLite adds amounts as binary fractions, and its constraints must not take offence."""
    cents = random.Random(seed)
    make_coupon("ODD", percent=cents.randint(1, 60))
    ShippingMethod.objects.update(price=Money(cents.randint(0, 2000), "EUR") / 100)
    cart = make_cart(make_variant(price=str(Decimal(cents.randint(1, 30000)) / 100)), cents.randint(1, 7))
    apply_coupon(cart, "ODD")
    order = place(cart)
    order.refresh_from_db()
    assert order.total == order.subtotal - order.discount + order.shipping


def test_somebody_else_s_key_gives_nobody_their_order(
    place: Callable[..., Order], make_cart: Callable[..., Cart], customer: User
) -> None:
    cart = make_cart(user=customer)
    place(cart)
    with pytest.raises(EmptyCart):
        place(make_cart(), key=cart.checkout_key)
