from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from djmoney.money import Money

from accounts.models import User
from shop.cart.models import Cart
from shop.cart.review import review
from shop.cart.services import (
    LineGone,
    NotForSale,
    QuantityTooLarge,
    add_to_cart,
    apply_coupon,
    merge_carts,
    open_cart,
    set_quantity,
)
from shop.catalog.models import Product, Variant
from shop.inventory.services import OutOfStock, receive
from shop.promotions.models import CouponExpired, CouponNotYet, CouponUnknown
from tests.offers import make_coupon

pytestmark = pytest.mark.django_db


def test_adding_the_same_print_again_adds_to_its_line(make_variant: Callable[..., Variant]) -> None:
    cart, variant = Cart.objects.create(), make_variant()
    add_to_cart(cart, variant, 2)
    assert add_to_cart(cart, variant, 3).quantity == 5
    assert cart.lines.count() == 1


def test_more_than_there_are_is_refused_in_words(make_variant: Callable[..., Variant]) -> None:
    cart, variant = Cart.objects.create(), make_variant(stock=3)
    with pytest.raises(OutOfStock, match="only 3 left"):
        add_to_cart(cart, variant, 4)
    with pytest.raises(QuantityTooLarge):
        add_to_cart(cart, variant, 21)
    assert cart.count() == 0


def test_a_product_that_is_not_out_yet_cannot_be_bought(make_variant: Callable[..., Variant]) -> None:
    later = make_variant(visible_from=timezone.now() + timedelta(days=1))
    with pytest.raises(NotForSale):
        add_to_cart(Cart.objects.create(), later)


def test_quantities_change_and_zero_removes(make_cart: Callable[..., Cart]) -> None:
    cart = make_cart(quantity=2)
    line = cart.lines.get()
    set_quantity(cart, line.pk, 3)
    assert cart.count() == 3
    assert set_quantity(cart, line.pk, 0) is None
    with pytest.raises(LineGone):
        set_quantity(cart, line.pk, 1)


def test_another_cart_s_line_is_out_of_reach(make_cart: Callable[..., Cart]) -> None:
    mine, theirs = make_cart(), make_cart()
    with pytest.raises(LineGone):
        set_quantity(mine, theirs.lines.get().pk, 0)
    assert theirs.count() == 1


def test_a_changed_price_is_told_once(
    make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(price="24.00")
    cart = make_cart(variant)
    Variant.objects.filter(pk=variant.pk).update(price=Money("26.00", "EUR"))
    first, second = review(cart), review(cart)
    assert len(first.notices) == 1
    assert "24.00" in first.notices[0]
    assert "26.00" in first.notices[0]
    assert second.notices == []
    assert first.totals().subtotal == Money("26.00", "EUR")


def test_a_shortage_blocks_and_says_how_many_are_left(
    make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(stock=3)
    cart = make_cart(variant, 3)
    receive(variant, -2, "adjusted")
    seen = review(cart)
    assert seen.blocked
    assert "Only 1 left" in seen.lines[0].problem
    Product.objects.filter(pk=variant.product_id).update(visible_until=timezone.now())
    assert "no longer for sale" in review(cart).lines[0].problem


def test_the_review_needs_the_same_queries_for_one_line_as_for_ten(
    make_variant: Callable[..., Variant], django_assert_max_num_queries: Callable
) -> None:
    cart = Cart.objects.create()
    for _ in range(10):
        add_to_cart(cart, make_variant())
    with django_assert_max_num_queries(5):
        seen = review(cart)
        assert [line.label for line in seen.lines] == ["30 × 40 cm"] * 10
        seen.totals()


def test_at_sign_in_the_larger_quantity_stays(
    make_cart: Callable[..., Cart], make_variant: Callable[..., Variant], customer: User
) -> None:
    both, guest_only = make_variant(), make_variant()
    mine = make_cart(both, 1, user=customer)
    guest = make_cart(both, 4)
    add_to_cart(guest, guest_only, 2)
    make_coupon("HARBOUR10", percent=10)
    apply_coupon(guest, "harbour10")
    merged = merge_carts(guest, customer)
    assert merged == mine
    assert {line.variant_id: line.quantity for line in merged.lines.all()} == {both.pk: 4, guest_only.pk: 2}
    assert merged.coupon.code == "HARBOUR10"
    assert not Cart.objects.filter(pk=guest.pk).exists()


def test_a_guest_s_token_never_opens_an_account_s_cart(customer: User) -> None:
    from django.contrib.auth.models import AnonymousUser

    theirs = open_cart(customer, None)
    assert open_cart(AnonymousUser(), theirs.token) != theirs


def test_coupons_say_why_they_do_not_apply(make_cart: Callable[..., Cart]) -> None:
    cart, now = make_cart(), timezone.now()
    make_coupon("LATER", percent=10, starts_at=now + timedelta(days=1))
    gone = make_coupon("GONE", percent=10, ends_at=now - timedelta(days=1))
    for code, reason in [("NONE", CouponUnknown), ("later", CouponNotYet), (" gone ", CouponExpired)]:
        with pytest.raises(reason):
            apply_coupon(cart, code)
    Cart.objects.filter(pk=cart.pk).update(coupon=gone)
    cart.refresh_from_db()
    seen = review(cart)
    assert "GONE was taken off" in seen.notices[0]
    assert seen.totals().discount.amount == 0


def test_only_guests_carts_that_nobody_can_open_any_more_are_abandoned(
    make_cart: Callable[..., Cart], make_variant: Callable[..., Variant], customer: User
) -> None:
    old = timezone.now() - timedelta(days=91)
    gone, revived, mine, fresh = make_cart(), make_cart(), make_cart(user=customer), make_cart()
    Cart.objects.exclude(pk=fresh.pk).update(created_at=old)
    for cart in (gone, mine):
        cart.lines.update(created_at=old)
    assert list(Cart.objects.abandoned()) == [gone]
    assert revived.count() == 1
