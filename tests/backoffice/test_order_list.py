from collections.abc import Callable

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.urls import reverse

from notifications.log import position
from notifications.services import relay
from shop.orders.models import Order
from shop.orders.services import pack_order, ship_order

pytestmark = pytest.mark.django_db
LIST = "/admin/orders/order/"


def numbers(client: Client, query: str = "") -> list[str]:
    return [order.number for order in client.get(f"{LIST}{query}").context["cl"].result_list]


def test_a_row_says_number_customer_status_items_and_total(owner: Client, paid_order: Order) -> None:
    shown = owner.get(LIST).content.decode()
    row = shown.partition("<tbody")[2].partition("</tbody>")[0]
    for part in (paid_order.number, "Nora Byrne", "nora@example.com", "Paid", "€52.90", ">2<"):
        assert part in row, part


@pytest.mark.parametrize("term", ["number", "bare number", "email", "name", "sku", "tracking", "public id"])
def test_an_order_is_found_by_what_people_have_at_hand(
    term: str, owner: Client, make_orders: Callable[[int], list[Order]], paid_order: Order
) -> None:
    make_orders(2)
    Order.objects.filter(pk=paid_order.pk).update(email="sea@example.org", name="Ada Quill")
    pack_order(paid_order)
    ship_order(paid_order, "Gannet", "GN-4711")
    terms = {
        "number": paid_order.number.lower(),
        "bare number": paid_order.number[3:],
        "email": "sea@exa",
        "name": "quill",
        "sku": paid_order.lines.get().sku,
        "tracking": "gn-4711",
        "public id": paid_order.public_id,
    }
    assert numbers(owner, f"?q={terms[term]}") == [paid_order.number]
    assert numbers(owner, "?q=BW-999999999999999999999") == []


def test_the_list_narrows_to_a_status(owner: Client, make_orders: Callable[[int], list[Order]]) -> None:
    first, second = make_orders(2)
    pack_order(first)
    assert numbers(owner, "?status__exact=packed") == [first.number]
    assert numbers(owner, "?status__exact=paid") == [second.number]
    assert set(numbers(owner, "?status__exact=paid&status__exact=packed")) == {first.number, second.number}


def test_many_are_packed_at_once_and_who_cannot_be_is_named(
    packer: Client, make_orders: Callable[[int], list[Order]]
) -> None:
    orders = make_orders(3)
    pack_order(orders[0])
    ship_order(orders[0], "Gannet", "GN 1")
    data = {"action": "pack_selected", ACTION_CHECKBOX_NAME: [order.pk for order in orders]}
    response = packer.post(LIST, data, follow=True)
    said = [str(message) for message in response.context["messages"]]
    assert said == [f"{orders[0].number}: {orders[0].number} is shipped.", "2 orders packed."]
    assert {order.status for order in Order.objects.filter(pk__in=[o.pk for o in orders[1:]])} == {"packed"}


def test_support_cannot_pack_from_the_list(helper: Client, paid_order: Order) -> None:
    assert "pack_selected" not in helper.get(LIST).content.decode()
    helper.post(LIST, {"action": "pack_selected", ACTION_CHECKBOX_NAME: [paid_order.pk]})
    paid_order.refresh_from_db()
    assert paid_order.status == "paid"


def test_the_list_follows_the_stream_from_before_its_rows(owner: Client, paid_order: Order) -> None:
    relay()
    here = position("staff:orders")
    shown = owner.get(LIST).content.decode()
    assert here.offset == 2  # placed, paid
    assert f'data-stream="staff:orders staff:desk" data-epoch="{here.epoch} -" data-offset="2 0"' in shown


def test_the_orders_link_of_a_page_leads_to_an_order(owner: Client, paid_order: Order) -> None:
    assert reverse("admin:orders_order_change", args=[paid_order.pk]) in owner.get(LIST).content.decode()
