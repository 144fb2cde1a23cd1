"""Whatever changes a cart is said on its stream, to its owner alone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.models import User
from notifications.log import position
from notifications.models import Event, Stream
from notifications.services import forget_idle
from notifications.streams import Reader, may_read
from shop.cart.models import Cart
from shop.cart.services import (
    add_to_cart,
    apply_coupon,
    merge_carts,
    remove_coupon,
    set_quantity,
)
from shop.catalog.models import Product, Variant
from shop.inventory.services import OutOfStock, receive
from shop.orders.models import Order
from tests.offers import make_coupon

pytestmark = pytest.mark.django_db


def said(cart: Cart) -> list[tuple[str, int]]:
    rows = Event.objects.on(cart.stream).after(0).values_list("kind", "payload__count")
    return [(kind.removeprefix("cart."), count) for kind, count in rows]


def test_every_change_is_said_with_the_new_number(make_variant: Callable[..., Variant]) -> None:
    cart = Cart.objects.create()
    line = add_to_cart(cart, make_variant(), 2)
    add_to_cart(cart, make_variant())
    set_quantity(cart, line.pk, 5)
    make_coupon("HARBOUR10", percent=10)
    apply_coupon(cart, "harbour10")
    remove_coupon(cart)
    set_quantity(cart, line.pk, 0)
    assert said(cart) == [("changed", count) for count in (2, 3, 6, 6, 6, 1)]


def test_what_was_refused_is_not_said(make_cart: Callable[..., Cart]) -> None:
    cart = make_cart()
    with pytest.raises(OutOfStock):
        set_quantity(cart, cart.lines.get().pk, 11)
    assert said(cart) == [("changed", 1)]


def test_an_order_empties_the_cart_aloud_and_a_refused_one_says_nothing(
    make_cart: Callable[..., Cart], make_variant: Callable[..., Variant], place: Callable[..., Order]
) -> None:
    variant = make_variant(stock=2)
    cart = make_cart(variant, 2)
    receive(variant, -1, "adjusted")
    with pytest.raises(OutOfStock):
        place(cart)
    assert said(cart) == [("changed", 2)]
    receive(variant, 1)
    place(cart)
    assert said(cart) == [("changed", 2), ("changed", 0)]


def test_at_sign_in_the_guest_s_pages_and_the_account_s_devices_both_hear(
    make_cart: Callable[..., Cart], make_variant: Callable[..., Variant], customer: User
) -> None:
    mine, guest = make_cart(quantity=1, user=customer), make_cart(make_variant(), 2)
    left = Cart.objects.get(pk=guest.pk)
    merge_carts(guest, customer)
    assert said(left) == [("changed", 2), ("merged", 3)]
    assert said(mine) == [("changed", 1), ("changed", 3)]


@pytest.mark.parametrize("remove", [Variant.delete, lambda variant: variant.product.delete()])
def test_a_variant_that_is_deleted_leaves_every_cart_aloud(
    make_cart: Callable[..., Cart], make_variant: Callable[..., Variant], remove: Callable[[Variant], Any]
) -> None:
    variant = make_variant()
    first, second, other = make_cart(variant, 3), make_cart(variant), make_cart()
    add_to_cart(first, make_variant())
    remove(variant)
    assert said(first)[-1] == ("changed", 1)
    assert said(second)[-1] == ("changed", 0)
    assert said(other) == [("changed", 1)]
    assert Product.objects.filter(variants__isnull=False).count() == 2


def test_a_cart_is_followed_by_its_owner_alone(make_cart: Callable[..., Cart], customer: User) -> None:
    mine, guest = make_cart(user=customer), make_cart()
    other = User.objects.create_user("other@example.com")
    staff = User.objects.create_superuser("owner@example.com")
    nobody = AnonymousUser()
    allowed = [
        (mine, customer, {}),
        (guest, nobody, {"cart": guest.token}),
    ]
    refused = [
        (mine, other, {}),
        (mine, staff, {}),
        (mine, nobody, {"cart": mine.token}),
        (guest, nobody, {}),
        (guest, nobody, {"cart": "guessed"}),
        (guest, customer, {}),
    ]
    for cart, user, session in allowed:
        assert may_read(Reader(user, session), cart.stream)
    for cart, user, session in refused:
        assert not may_read(Reader(user, session), cart.stream), (cart, user, session)
    for name in ("cart:", "cart:0", "cart:x", "cart:99999999999999999999", f"cart:{guest.token}"):
        assert not may_read(Reader(nobody, {"cart": guest.token}), name)


def test_number_and_place_in_the_stream_come_in_one_query(
    make_cart: Callable[..., Cart], make_variant: Callable[..., Variant], django_assert_num_queries: Callable
) -> None:
    cart = make_cart(quantity=3)
    add_to_cart(cart, make_variant(), 4)
    empty = Cart.objects.create()
    with django_assert_num_queries(1):
        found = Cart.objects.at_a_glance().get(pk=cart.pk)
    assert (found.item_count, (found.epoch, found.top)) == (7, position(cart.stream))
    found = Cart.objects.at_a_glance().get(pk=empty.pk)
    assert (found.item_count, found.epoch, found.top) == (0, None, None)


def test_streams_of_carts_that_nobody_touches_are_forgotten(
    make_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    old, young, order = make_cart(), make_cart(), place(make_cart())
    then = timezone.now() - timedelta(days=91)
    Stream.objects.exclude(name=young.stream).update(updated_at=then)
    forget_idle("cart", timedelta(days=90))
    assert said(old) == []
    assert said(young) == [("changed", 1)]
    assert position(order.stream).offset == 1
