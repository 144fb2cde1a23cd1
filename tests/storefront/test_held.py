"""What orders that are not paid hold, as the cart's page says it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from shop.cart.models import Cart
from shop.cart.services import add_to_cart
from shop.catalog.models import Variant
from shop.orders.models import Order
from shop.payments.cancellations import cancel_order, expire_orders

CART = "/cart/"


@pytest.fixture
def ordered(client: Client, order: Order) -> Order:
    """The guest's of this client, two prints, not paid."""
    client.get(order.get_absolute_url())
    return order


def test_the_cart_says_what_an_unpaid_order_holds_until_it_is_paid_or_let_go(
    client: Client, ordered: Order
) -> None:
    until = timezone.localtime(ordered.reserved_until)
    page = client.get(CART).text
    assert f"{ordered.number}</a> still holds 2 prints for you" in page
    assert f">{until:%H:%M}</time> (UTC)" in page  # right without JavaScript
    assert reverse("storefront:pay", args=[ordered.public_id]) in page
    assert reverse("storefront:order_cancel", args=[ordered.public_id]) in page
    assert f'data-stream="{ordered.stream}"' in page
    assert ordered.number not in Client().get(CART).text

    payment = ordered.payments.create(amount=ordered.total, status="processing")
    assert ordered.number not in client.get(CART).text  # the bank is thinking
    payment.delete()
    cancel_order(ordered)
    assert ordered.number not in client.get(CART).text


def test_the_cart_says_what_became_of_an_order_that_ran_out_and_offers_to_put_it_back(
    client: Client, ordered: Order
) -> None:
    ago = timezone.now() - timedelta(minutes=1)
    Order.objects.update(reserved_until=ago)
    assert expire_orders() == 1
    said = f"{ordered.number}</a> was not paid by {timezone.localtime(ago):%H:%M}, so its 2 prints went back"
    assert said in client.get(CART).text
    assert "and then put them back on the wall" in client.get(ordered.get_absolute_url()).text

    client.post(reverse("storefront:order_refill", args=[ordered.public_id]))
    assert said not in client.get(CART).text
    Cart.objects.all().delete()
    assert said in client.get(CART).text
    Order.objects.update(reserved_until=timezone.now() - timedelta(minutes=31))
    assert said not in client.get(CART).text


def test_an_account_sees_what_its_own_orders_hold_and_pays_no_more_queries_for_many(
    client: Client,
    customer: User,
    place: Callable[..., Order],
    make_cart: Callable[..., Cart],
    make_variant: Callable[..., Variant],
) -> None:
    variant = make_variant(stock=20)
    cart = make_cart(variant, user=customer)

    def order() -> Order:
        add_to_cart(cart, variant)
        cart.refresh_from_db()
        return place(cart)

    theirs = place(make_cart(variant))
    client.force_login(customer)
    mine = order()
    client.get(CART)  # fills the cache of the sections
    with CaptureQueriesContext(connection) as few:
        page = client.get(CART).text
    assert mine.number in page
    assert theirs.number not in page
    others = [order() for _ in range(4)]
    with CaptureQueriesContext(connection) as many:
        page = client.get(CART).text
    assert all(one.number in page for one in others)
    assert len(many) == len(few) <= 12
