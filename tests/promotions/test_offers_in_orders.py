"""Offers from the rows that staff write to the order that used them, and back when it is called off."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from djmoney.money import Money

from accounts.models import User
from shop.cart.models import Cart
from shop.cart.review import review
from shop.cart.services import add_to_cart, apply_coupon
from shop.catalog.models import Category, Variant
from shop.checkout.services import CartChanged
from shop.orders.models import Order
from shop.orders.services import customer_of
from shop.payments.cancellations import cancel_order, expire_orders
from shop.promotions.models import Coupon, CouponUsedUp, CustomerUse, Offer, Redemption
from shop.promotions.services import recount, terms_of
from tests.offers import make_coupon, make_offer

pytestmark = pytest.mark.django_db


def test_an_order_keeps_its_steps_and_explains_itself_when_all_else_has_changed(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(price="24.00", title="Ebb")
    offer = make_offer(percent=10, name="Autumn swell")
    order = place(make_cart(variant, 2))
    offer.name = "Winter swell"
    offer.save()
    variant.product.title = "Ebb, second edition"
    variant.product.save()
    type(variant).objects.update(price=Money(99, "EUR"))

    kept = Order.objects.get(pk=order.pk)
    assert [(step.kind, step.reason, str(step.amount.amount), step.lines) for step in kept.steps] == [
        ("price", "Ebb, 2 × €24.00", "48.00", (variant.sku,)),
        ("offer", "Autumn swell", "-4.80", (variant.sku,)),
        ("shipping", "Delivery", "4.90", ()),
        ("tax", "23 % tax within the prices: €9.00", "0.00", (variant.sku,)),
    ]
    assert sum((step.amount for step in kept.steps), Money(0, "EUR")) == kept.total
    assert kept.reductions == ["Autumn swell"]


def test_an_offer_on_a_category_covers_what_lies_below_it(
    make_cart: Callable[..., Cart], make_variant: Callable[..., Variant], category: Category
) -> None:
    below = Category.objects.add_child(category, {"name": "Ripples", "slug": "ripples"})
    aside = Category.objects.add_root({"name": "Storm", "slug": "storm"})
    inside, outside = make_variant(price="20.00"), make_variant(price="20.00")
    inside.product.category, outside.product.category = below, aside
    inside.product.save()
    outside.product.save()
    cart = make_cart(inside)
    add_to_cart(cart, outside)
    make_offer(percent=50).categories.add(category)
    assert [line.discount.amount for line in review(cart).totals().lines] == [10, 0]


def test_an_offer_outside_its_days_is_not_even_told_of(make_cart: Callable[..., Cart]) -> None:
    now, day = timezone.now(), timedelta(days=1)
    make_offer(percent=10, starts_at=now + day)
    make_offer(percent=10, ends_at=now - day)
    assert review(make_cart()).totals().verdicts == []


def test_a_code_that_does_not_apply_yet_stays_and_says_why(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    cart = make_cart(make_variant(price="24.00"))
    make_coupon("FORTY", percent=10, minimum=Money(40, "EUR"))
    apply_coupon(cart, "FORTY")
    (verdict,) = review(cart).totals().verdicts
    assert (verdict.applied, verdict.words) == (
        False,
        "It starts at €40.00 of what it covers; €16.00 is missing.",
    )
    order = place(cart)
    assert (order.discount.amount, order.coupon_code) == (0, "")
    assert not Redemption.objects.exists()


def test_a_first_order_is_known_by_account_and_by_a_guest_s_address(
    place: Callable[..., Order], make_cart: Callable[..., Cart], customer: User
) -> None:
    make_offer(percent=10, first_order=True)
    assert place(make_cart(), email="Ada@example.com").discount.amount > 0
    assert place(make_cart(), email="ada@example.com").discount.amount == 0
    assert place(make_cart(user=customer)).discount.amount > 0
    assert customer_of(customer).has_ordered()


def test_a_first_order_called_off_was_none(
    place: Callable[..., Order], make_cart: Callable[..., Cart], customer: User
) -> None:
    make_offer(percent=10, first_order=True)
    cancel_order(place(make_cart(user=customer)))
    customer.cart.delete()
    assert place(make_cart(user=customer)).discount.amount > 0


def test_a_total_shown_with_an_offer_that_is_gone_is_asked_again(
    place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    offer, cart = make_offer(percent=10, limit=1), make_cart()
    shown = review(cart).totals().total + Money("4.90", "EUR")
    Offer.objects.filter(pk=offer.pk).update(used=1)
    with pytest.raises(CartChanged):
        place(cart, expected_total=shown)
    assert place(cart).discount.amount == 0


def test_limits_are_counted_and_given_back_once_when_the_order_is_called_off(
    place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    coupon = make_coupon("ONCE", limit=1, percent=10, limit_per_customer=1)
    cart = make_cart()
    apply_coupon(cart, "once")
    order = place(cart)
    assert (order.coupon_code, Coupon.objects.get().used, CustomerUse.objects.get().used) == ("ONCE", 1, 1)
    with pytest.raises(CouponUsedUp):
        apply_coupon(make_cart(), "ONCE")

    cancel_order(order)
    cancel_order(order)
    assert (Coupon.objects.get().used, CustomerUse.objects.get().used) == (0, 0)
    assert Redemption.objects.get(coupon=coupon).given_back_at


def test_an_order_that_runs_out_gives_back_too(
    place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    make_offer(percent=10, limit=3)
    order = place(make_cart())
    assert Offer.objects.get().used == 1
    Order.objects.filter(pk=order.pk).update(reserved_until=timezone.now())
    assert expire_orders() == 1
    assert Offer.objects.get().used == 0


def test_each_customer_may_use_it_so_often(
    place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    make_offer(percent=10, limit_per_customer=2)
    found = [place(make_cart(), email="ada@example.com").discount.amount > 0 for _ in range(3)]
    assert found == [True, True, False]
    assert place(make_cart(), email="bea@example.com").discount.amount > 0


def test_a_limit_set_later_counts_the_orders_there_were(
    place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    offer = make_offer(percent=10)
    for _ in range(2):
        place(make_cart())
    offer.refresh_from_db()
    assert offer.used == 0
    offer.limit = 2
    recount(offer)
    assert terms_of(Offer.objects.get()).left == 0
