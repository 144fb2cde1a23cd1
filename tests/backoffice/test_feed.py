"""What is happening: the staff's logs in words, to each what they may read."""

from collections.abc import Callable

import pytest
from django.test import Client

from notifications.log import position
from notifications.services import relay
from shop.catalog.models import Variant
from shop.inventory.services import receive
from shop.orders.models import Order
from tests.backoffice.conftest import queries, staff

pytestmark = pytest.mark.django_db
FEED = "/admin/feed/"


def lines(client: Client) -> list[str]:
    shown = client.get(FEED).context["happenings"]
    return [f"{one.about} {one.words}. {one.detail}".strip() for one in shown]


@pytest.fixture
def variant(make_variant: Callable[..., Variant]) -> Variant:
    variant = make_variant(stock=5, title="Bell buoy")
    receive(variant, -3, "adjusted")
    receive(variant, -2, "adjusted")
    return variant


def test_orders_and_stock_stand_in_one_list_with_links_the_newest_first(
    owner: Client, variant: Variant, paid_order: Order
) -> None:
    relay()
    number, ordered = paid_order.number, paid_order.lines.get()
    assert lines(owner) == [
        f"{number} was paid.",
        f"{number} was placed. €52.90",
        f"{ordered.title} can be had again. {ordered.sku}, 10 left",
        f"Bell buoy is sold out. {variant.sku}",
        f"Bell buoy runs low. {variant.sku}, 2 left",
        f"Bell buoy can be had again. {variant.sku}, 5 left",
    ]
    shown = owner.get(FEED).text
    assert f'href="/admin/orders/order/{paid_order.pk}/change/">{number}</a> was paid.' in shown
    assert f'href="/admin/inventory/stock/{variant.pk}/change/">Bell buoy</a> is sold out.' in shown
    places = [position("staff:orders"), position("staff:stock")]
    assert f'data-offset="{places[0].offset} {places[1].offset}"' in shown


def test_each_reads_what_is_theirs(
    packer: Client, helper: Client, variant: Variant, paid_order: Order
) -> None:
    relay()
    assert {line.partition(" ")[0] for line in lines(helper)} == {paid_order.number}
    assert 'data-stream="staff:orders"' in helper.get(FEED).text
    stock_keeper = staff("stock@example.com", "view_stock")
    assert not any(paid_order.number in line for line in lines(stock_keeper))
    assert len(lines(packer)) == len(lines(helper)) + len(lines(stock_keeper))


def test_who_may_read_neither_finds_no_feed_and_no_link(client: Client, customer: object) -> None:
    other = staff("catalogue@example.com", "view_product")
    assert other.get(FEED).status_code == 403
    assert FEED not in other.get("/admin/").text
    client.force_login(customer)
    assert client.get(FEED).status_code == 302


def test_a_long_history_costs_as_many_queries_as_a_short_one(
    owner: Client, make_orders: Callable[[int], list[Order]]
) -> None:
    make_orders(2)
    relay()
    few = queries(owner, FEED)
    make_orders(30)
    relay()
    assert queries(owner, FEED) == few <= 8
    assert len(lines(owner)) == 60
