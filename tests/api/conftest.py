from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts.book import keep_address
from accounts.models import User
from shop.alerts.services import ask
from shop.cart.models import Cart
from shop.cart.services import add_to_cart
from shop.catalog.models import Variant
from shop.drops.models import Drop
from shop.drops.services import take_place
from shop.orders.invoicing import documents_of
from shop.orders.models import Order
from shop.orders.services import mark_paid, pack_order, ship_order
from shop.returns.services import request_return
from shop.shipping.models import ShippingMethod
from tests.api.examples import World
from tests.api.people import PASSWORD, App


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


@pytest.fixture
def callers(customer: User, settings: Any) -> dict[str, App]:
    """Each with an app of theirs, but for the anonymous one."""
    settings.API_LIMITS, settings.SAVED_CARDS = dict.fromkeys(settings.API_LIMITS, (1000, 60)), True

    def make(name: str, **more: Any) -> User:
        return User.objects.create_user(f"{name}@example.com", PASSWORD, **more)

    permitted = make("permitted", is_staff=True)
    permitted.user_permissions.set(Permission.objects.all())
    users = {"owner": customer, "other": make("other"), "staff": make("staff", is_staff=True)}
    users["permitted"] = permitted
    return {"anonymous": App()} | {
        name: App().sign_in(user.email).reauthenticate() for name, user in users.items()
    }


@pytest.fixture
def things(
    customer: User, address: dict[str, str], place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> dict[str, Any]:
    """What the owner has, by the names of the parameters of paths."""
    order = place(make_cart(quantity=2, user=customer))
    line = order.lines.select_related("variant__product").get()
    mark_paid(order)
    pack_order(order)
    ship_order(order, "Gannet", "GN 1")
    slug = line.variant.product.slug
    drop = Drop.objects.create(title="Night ferry", slug=slug, opens_at=timezone.now())
    take_place(drop, customer)
    device = UserSession.objects.create(user=customer, ip="192.0.2.7", user_agent="", session_key="elsewhere")
    return {
        "address_id": keep_address(customer, address).pk,
        "country": "IE",
        "device_id": device.pk,
        "email_id": EmailAddress.objects.create(user=customer, email="nora@example.org").pk,
        "card_id": "pm_none",
        "line_id": str(add_to_cart(customer.cart, line.variant).pk),
        "alert_id": str(ask(line.variant, "price.drop", user=customer).pk),
        "number": documents_of(order)[0].number,
        "return_id": str(request_return(order, {line.pk: 1}, reason="mind").pk),
        "public_id": order.public_id,
        "slug": slug,
        "sku": line.sku,
    }
