from collections.abc import Callable
from typing import Any

import pytest

from shop.cart.models import Cart
from shop.catalog.models import Variant
from shop.orders.models import Order
from shop.shipping.models import ShippingMethod
from tests.api.examples import World


@pytest.fixture
def world_of_examples(
    make_variant: Callable[..., Variant],
    make_cart: Callable[..., Cart],
    place: Callable[..., Order],
    address: dict[str, str],
    delivery: ShippingMethod,
    sandbox_url: str,
    settings: Any,
) -> World:
    settings.API_LIMITS, settings.SAVED_CARDS = dict.fromkeys(settings.API_LIMITS, (1000, 60)), True
    settings.CARRIERS, settings.STRIPE_API_BASE = {}, f"{sandbox_url}/stripe"
    return World(make_variant, make_cart, place, address, settings.STRIPE_API_BASE)
