"""An order whose prints are changed after it was paid."""

from collections.abc import Callable

import pytest

from shop.cart.models import Cart
from shop.cart.services import add_to_cart, apply_coupon
from shop.catalog.models import Variant
from shop.orders.models import Order, OrderEdit
from shop.payments.edits import edit_order
from tests.offers import make_coupon
from tests.orders.edits import pay


@pytest.fixture
def bought(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> Order:
    """Three at €33.33 and one at €20.00 with 10 % off, delivery €4.90: lines of €89.99 and €18.00, in all €112.89."""
    make_coupon("HARBOUR10", percent=10)
    cart = make_cart(make_variant(price="33.33"), 3)
    add_to_cart(cart, make_variant(price="20.00"))
    apply_coupon(cart, "HARBOUR10")
    return pay(place(cart))


@pytest.fixture
def dear(make_variant: Callable[..., Variant]) -> Variant:
    return make_variant(price="50.00", stock=2)


@pytest.fixture
def waiting(bought: Order, dear: Variant) -> OrderEdit:
    """One of three for one at €50.00: €20.01 to pay."""
    three = bought.lines.first()
    return edit_order(bought, {three.pk: 2}, {dear.pk: 1}, why="She asked.")
