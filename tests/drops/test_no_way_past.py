"""No way past the line. Each try has its control: without the drop the same call goes through."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.utils import timezone

from accounts.models import User
from shop.cart.models import Cart
from shop.cart.services import add_to_cart, merge_carts, open_cart
from shop.catalog.models import Variant
from shop.drops.admission import SALT, WaitingRoom, sign
from shop.drops.models import Drop, Place
from shop.drops.services import take_place
from shop.inventory.models import Stock
from shop.orders.models import Order
from tests.drops.moving import let_in

pytestmark = pytest.mark.django_db
Places = dict[str, str]


@pytest.fixture
def variant(make_variant: Callable[..., Variant]) -> Variant:
    return make_variant(stock=5)


@pytest.fixture
def drop(make_drop: Callable[..., Drop], variant: Variant) -> Drop:
    return make_drop(variant)


def end(place: Place) -> None:
    Place.objects.filter(pk=place.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


# --- What somebody holds who is not inside -------------------------------------------------------


def nothing(drop: Drop, user: User) -> Places:
    return {}


def a_place_that_waits(drop: Drop, user: User) -> Places:
    return {drop.slug: sign(take_place(drop, None))}


def a_forgery(drop: Drop, user: User) -> Places:
    place, _ = let_in(drop)
    return {drop.slug: signing.dumps([drop.slug, place.public_id], key="a-guess", salt=SALT)}


def a_token_of_ours_for_something_else(drop: Drop, user: User) -> Places:
    place, _ = let_in(drop)
    return {drop.slug: signing.dumps([drop.slug, place.public_id], salt="another.use")}


def not_even_a_token(drop: Drop, user: User) -> Places:
    return {drop.slug: "night-ferry:1:\x00"}


def a_place_in_another_line(drop: Drop, user: User) -> Places:
    other = Drop.objects.create(title="Other", slug="other", opens_at=drop.opens_at)
    return {drop.slug: sign(take_place(other, None))}


def the_place_of_an_account(drop: Drop, user: User) -> Places:
    return let_in(drop, user)[1]


def an_admission_that_is_over(drop: Drop, user: User) -> Places:
    place, places = let_in(drop)
    end(place)
    return places


def a_place_that_has_bought(drop: Drop, user: User) -> Places:
    place, places = let_in(drop)
    assert place.use()
    return places


HELD = [
    (nothing, "no_place"),
    (a_place_that_waits, "waiting"),
    (a_forgery, "forged"),
    (a_token_of_ours_for_something_else, "forged"),
    (not_even_a_token, "forged"),
    (a_place_in_another_line, "other_drop"),
    (the_place_of_an_account, "other_owner"),
    (an_admission_that_is_over, "lapsed"),
    (a_place_that_has_bought, "used"),
]
every_kind = pytest.mark.parametrize(("held", "reason"), HELD, ids=[held.__name__ for held, _ in HELD])


@every_kind
def test_nothing_of_a_drop_gets_into_a_cart(
    drop: Drop, variant: Variant, customer: User, held: Callable[..., Places], reason: str
) -> None:
    places, cart = held(drop, customer), Cart.objects.create()
    with pytest.raises(WaitingRoom) as refused:
        add_to_cart(cart, variant, places=places)
    error = refused.value
    assert (error.code, error.details["reason"]) == ("waiting_room", reason)
    assert (error.details["url"], drop.title in error.message) == (f"/drops/{drop.slug}/", True)
    assert cart.count() == 0
    drop.products.clear()
    assert add_to_cart(cart, variant, places=places).quantity == 1


@every_kind
def test_nothing_of_a_drop_is_ordered(
    make_drop: Callable[..., Drop],
    variant: Variant,
    make_cart: Callable[..., Cart],
    place: Callable[..., Order],
    customer: User,
    held: Callable[..., Places],
    reason: str,
) -> None:
    cart = make_cart(variant)  # it lay there before the drop was announced
    drop = make_drop(variant)
    places = held(drop, customer)
    with pytest.raises(WaitingRoom) as refused:
        place(cart, places=places)
    assert refused.value.details["reason"] == reason
    assert (Order.objects.count(), cart.count(), Stock.objects.get(variant=variant).reserved) == (0, 1, 0)
    drop.products.clear()
    cart.refresh_from_db()
    assert place(cart, places=places).lines.get().variant == variant


# --- Ways -----------------------------------------------------------------------------------------


def test_before_the_opening_nobody_buys(
    make_drop: Callable[..., Drop], variant: Variant, make_cart: Callable[..., Cart]
) -> None:
    drop = make_drop(variant, opens_in=60)
    with pytest.raises(WaitingRoom) as refused:
        make_cart_with(variant, {drop.slug: sign(take_place(drop, None))})
    assert refused.value.details["reason"] == "not_open"


def make_cart_with(variant: Variant, places: Places, user: User | None = None) -> Cart:
    cart = open_cart(user or AnonymousUser(), None)
    add_to_cart(cart, variant, places=places)
    return cart


def test_who_was_let_in_buys_once(drop: Drop, variant: Variant, place: Callable[..., Order]) -> None:
    mine, places = let_in(drop)
    first, second = make_cart_with(variant, places), make_cart_with(variant, places)
    order = place(first, places=places)
    assert Place.objects.get(pk=mine.pk).state == "bought"
    with pytest.raises(WaitingRoom) as refused:
        place(second, places=places)
    assert refused.value.details["reason"] == "used"
    # The same click again is no second order.
    assert place(first, key=order.checkout_key, places=places) == order


def test_an_order_that_fails_leaves_the_place_as_it_was(
    drop: Drop, variant: Variant, place: Callable[..., Order]
) -> None:
    mine, places = let_in(drop)
    cart = make_cart_with(variant, places)
    with pytest.raises(Exception, match="delivery"):
        place(cart, places=places, shipping_code="method:pigeon")
    assert Place.objects.get(pk=mine.pk).state == "inside"
    assert place(cart, places=places)


def test_time_that_ends_between_cart_and_order_ends_the_order(
    drop: Drop, variant: Variant, place: Callable[..., Order]
) -> None:
    mine, places = let_in(drop)
    cart = make_cart_with(variant, places)
    end(mine)
    with pytest.raises(WaitingRoom) as refused:
        place(cart, places=places)
    assert refused.value.details["reason"] == "lapsed"


def test_an_account_buys_with_its_own_place_and_not_with_anothers(
    drop: Drop, variant: Variant, customer: User, place: Callable[..., Order]
) -> None:
    other = User.objects.create_user("tom@example.com")
    places = let_in(drop, other)[1]
    with pytest.raises(WaitingRoom) as refused:
        make_cart_with(variant, places, customer)
    assert refused.value.details["reason"] == "other_owner"
    places = let_in(drop, customer)[1]
    order = place(make_cart_with(variant, places, customer), places=places)
    assert order.user == customer


def test_a_guests_cart_brought_to_an_account_needs_the_place_there(
    drop: Drop, variant: Variant, customer: User, place: Callable[..., Order]
) -> None:
    mine, places = let_in(drop)
    cart = merge_carts(make_cart_with(variant, places), customer)
    with pytest.raises(WaitingRoom):
        place(cart, places=places)
    assert mine.claim(customer)
    cart.refresh_from_db()
    assert place(cart, places=places).user == customer


def test_a_print_of_two_drops_needs_a_place_in_both(
    drop: Drop, make_drop: Callable[..., Drop], variant: Variant
) -> None:
    other = make_drop(variant)
    places = let_in(drop)[1]
    with pytest.raises(WaitingRoom) as refused:
        make_cart_with(variant, places)
    assert refused.value.details["drop"] == other.slug
    assert make_cart_with(variant, {**places, **let_in(other)[1]}).count() == 1


def test_other_prints_and_prints_of_a_drop_that_is_over_need_no_place(
    drop: Drop, variant: Variant, make_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    assert place(make_cart())
    Drop.objects.update(closes_at=timezone.now())
    assert place(make_cart(variant))
