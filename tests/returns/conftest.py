"""An order that arrived, and one of its prints in our hands again."""

from collections.abc import Callable

import pytest

from shop.cart.models import Cart
from shop.cart.services import add_to_cart
from shop.catalog.models import Variant
from shop.orders.models import Order
from shop.orders.services import deliver_parcel, mark_paid, pack_order, ship_order
from shop.returns.models import Return
from shop.returns.services import approve_return, receive_return
from tests.returns.steps import ask


@pytest.fixture
def delivered(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> Order:
    """Three at €33.33 and one at €20.00, arrived in one parcel."""
    cart = make_cart(make_variant(price="33.33"), 3)
    add_to_cart(cart, make_variant(price="20.00"))
    order = place(cart)
    order.payments.create(amount=order.total, status="succeeded", intent_id="pi_1")
    mark_paid(order)
    pack_order(order)
    deliver_parcel(ship_order(order, "Gannet", "GN 1"))
    return order


@pytest.fixture
def received(delivered: Order) -> Return:
    """One of the €33.33 prints, in our hands again."""
    asked = ask(delivered, 1, wish="exchange")
    approve_return(asked)
    receive_return(asked, {delivered.lines.first().pk: 1})
    return asked
