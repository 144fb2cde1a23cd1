from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from djmoney.money import Money

from accounts.models import User
from shop.cart.models import Cart
from shop.catalog.models import Variant
from shop.orders.models import Order
from shop.orders.services import mark_paid
from shop.payments.models import Payment

PACKERS = ("view_order", "add_shipment", "view_stock", "change_stock", "view_product")
HELPERS = ("view_order", "change_order", "view_payment", "add_refund")


def staff(email: str, *codenames: str) -> Client:
    user = User.objects.create_user(email, "a-long-passphrase", is_staff=True)
    group = Group.objects.create(name=email)
    group.permissions.set(Permission.objects.filter(codename__in=codenames))
    user.groups.add(group)
    return signed_in(user)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def owner(db: None) -> Client:
    return signed_in(User.objects.create_superuser("owner@example.com", "a-long-passphrase"))


@pytest.fixture
def packer(db: None) -> Client:
    """Fulfilment: packs and ships, moves stock, gives no money back."""
    return staff("packer@example.com", *PACKERS)


@pytest.fixture
def helper(db: None) -> Client:
    """Support: sees orders, cancels and refunds, packs nothing."""
    return staff("helper@example.com", *HELPERS)


@pytest.fixture
def paid_order(order: Order) -> Order:
    """An order of €52.90 whose money came."""
    Payment.objects.create(
        order=order, amount=order.total, status="succeeded", intent_id="pi_1", method="visa ···· 4242"
    )
    mark_paid(order)
    return order


@pytest.fixture
def make_orders(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> Callable[[int], list[Order]]:
    """Paid orders with a refund each, so that every kind of row is there."""

    def make(count: int) -> list[Order]:
        variant = make_variant(stock=count)
        orders = [place(make_cart(variant)) for _ in range(count)]
        for order in orders:
            payment = Payment.objects.create(order=order, amount=order.total, status="succeeded")
            payment.refunds.create(amount=Money("1", "EUR"), reason="a scratch")
            mark_paid(order)
        return orders

    return make


def queries(client: Client, path: str) -> int:
    """How many queries a page takes. A first visit fills what the process caches, such as content types."""
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as caught:
        assert client.get(path).status_code == 200
    return len(caught)


def as_posted(response: Any) -> dict[str, Any]:
    """What a browser would send back of a page's forms, untouched."""
    forms = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    data: dict[str, Any] = {}
    for form in forms:
        for field in form:
            widget = field.field.widget
            value = field.value()
            parts = widget.decompress(value) if hasattr(widget, "decompress") else [value]
            for number, part in enumerate(parts):
                if part is not None and not hasattr(part, "storage"):
                    data[f"{field.html_name}_{number}" if len(parts) > 1 else field.html_name] = part
    return data
