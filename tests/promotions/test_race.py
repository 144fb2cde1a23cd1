"""Fifty buyers use a code at the same instant that is for one of them."""

from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection

from shop.cart.models import Cart
from shop.cart.services import apply_coupon
from shop.catalog.models import Variant
from shop.inventory.audit import stock_faults
from shop.orders.models import Order
from shop.promotions.models import Coupon, Redemption
from shop.promotions.services import OfferGone, redeem, take_one, terms_of
from tests.offers import make_coupon
from tests.promotions import unguarded
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)
BUYERS = 50


def test_a_code_for_one_is_used_by_one_of_fifty(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(price="24.00", stock=BUYERS)
    make_coupon("ONCE", limit=1, percent=50)
    carts = [make_cart(variant) for _ in range(BUYERS)]
    for cart in carts:
        apply_coupon(cart, "ONCE")
        cart.refresh_from_db()
    raised = at_once(*(partial(place, cart, email=f"buyer{cart.pk}@example.com") for cart in carts))
    # Some read the code before it was used and are refused at the last step; others find it gone and are told so.
    assert {type(error).__name__ for error in raised} <= {"OfferGone", "CartChanged"}, raised
    assert len(raised) == BUYERS - 1
    assert Coupon.objects.get().used == Redemption.objects.count() == 1
    assert Order.objects.filter(discount__gt=0).count() == Order.objects.count() == 1
    assert stock_faults() == []


def redeemed_at_once(take: Callable[..., bool]) -> int:
    coupon = make_coupon("ONCE", limit=1, percent=50)
    terms = terms_of(coupon.offer, coupon)
    works = [partial(redeem, f"order-{n}", [terms], coupon, f"user:{n}", take=take) for n in range(BUYERS)]
    raised = at_once(*works)
    assert all(isinstance(error, OfferGone) for error in raised), raised
    return Redemption.objects.count()


def test_without_the_guard_the_same_code_is_used_by_several(db: None) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one transaction write at a time, so there is no race to show")
    assert redeemed_at_once(unguarded.take) > 1


def test_with_it_the_same_rush_is_one(db: None) -> None:
    assert redeemed_at_once(take_one) == 1
