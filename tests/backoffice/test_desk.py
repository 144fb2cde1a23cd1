"""Who else has an order open: by name on its page, by initials in the list, for as long as they are there."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from notifications.models import Pending
from notifications.streams import Reader, may_read
from shop.desk.models import Presence
from shop.desk.services import STREAM, clear_desks
from shop.orders.models import Order
from tests.backoffice.conftest import queries, staff

pytestmark = pytest.mark.django_db
LIST = "/admin/orders/order/"
PAGE = "aaaabbbbccccdddd"


def page(order: Order) -> str:
    return f"{LIST}{order.pk}/change/"


def desk(order: Order) -> str:
    return f"{LIST}{order.pk}/desk/"


def told() -> int:
    return Pending.objects.filter(stream_name="staff:desk").count()


@pytest.fixture
def maren(packer: Client) -> Client:
    User.objects.filter(email="packer@example.com").update(first_name="Maren", last_name="Quay")
    return packer


def test_others_see_who_has_the_order_open_and_since_when(
    maren: Client, helper: Client, order: Order
) -> None:
    assert maren.post(desk(order), {"page": PAGE}).status_code == 204
    since = timezone.localtime(Presence.objects.get().since)
    for path in (page(order), desk(order)):
        assert f"Maren is on this order too, since {since:%H:%M}." in helper.get(path).text
        assert "is on this order" not in maren.get(path).text
    assert f'title="Maren is on it, since {since:%H:%M}">MQ<' in helper.get(LIST).text


def test_coming_and_going_is_told_and_staying_is_not(maren: Client, order: Order) -> None:
    for _ in range(3):
        maren.post(desk(order), {"page": PAGE})
    assert told() == 1
    maren.post(desk(order), {"page": PAGE, "leaving": "1"})
    assert told() == 2
    assert not Presence.objects.exists()
    maren.post(desk(order), {"page": PAGE, "leaving": "1"})
    assert told() == 2


def test_two_tabs_of_one_person_are_one_until_the_last_is_closed(
    maren: Client, helper: Client, order: Order
) -> None:
    maren.post(desk(order), {"page": PAGE})
    maren.post(desk(order), {"page": PAGE[::-1]})
    maren.post(desk(order), {"page": PAGE, "leaving": "1"})
    assert helper.get(page(order)).text.count("is on this order too") == 1


def test_a_page_that_died_is_not_shown_and_cleared_away_aloud(
    maren: Client, helper: Client, order: Order
) -> None:
    maren.post(desk(order), {"page": PAGE})
    assert clear_desks() == 0
    left = Presence.objects.get().expires_at - timezone.now()
    assert left < timedelta(seconds=26)  # and five for the job that clears it away
    Presence.objects.update(expires_at=timezone.now())
    assert "is on this order" not in helper.get(page(order)).text
    assert "bo-initials" not in helper.get(LIST).text
    assert clear_desks() == 1
    assert told() == 2
    maren.post(desk(order), {"page": PAGE})  # it only slept
    assert told() == 3
    assert "Maren is on this order" in helper.get(page(order)).text


def test_one_that_ran_out_and_is_not_cleared_away_yet_begins_anew(maren: Client, order: Order) -> None:
    maren.post(desk(order), {"page": PAGE})
    Presence.objects.update(expires_at=timezone.now())
    maren.post(desk(order), {"page": PAGE})
    assert Presence.objects.now().count() == 1
    assert told() == 2


def test_only_who_may_see_orders_is_there_or_sees_who_is(
    order: Order, client: Client, customer: User, packer: Client
) -> None:
    blind = staff("stock@example.com", "view_stock")
    follows = {user.email: may_read(Reader(user, {}), STREAM) for user in User.objects.all()}
    assert follows == {"packer@example.com": True, "stock@example.com": False, customer.email: False}
    client.force_login(customer)
    for other, status in ((blind, 403), (client, 302), (Client(), 302)):
        assert other.get(desk(order)).status_code == status
        assert other.post(desk(order), {"page": PAGE}).status_code == status
    assert not Presence.objects.exists()


@pytest.mark.parametrize("sent", [{}, {"page": "x"}, {"page": "a" * 33}, {"page": "<script>aaaa"}])
def test_a_page_without_a_name_is_refused(maren: Client, order: Order, sent: dict[str, str]) -> None:
    assert maren.post(desk(order), sent).status_code == 400
    assert maren.post(f"{LIST}4711/desk/", {"page": PAGE}).status_code == 404


def test_a_beat_costs_one_write_and_a_crowd_no_more_queries(
    owner: Client, make_orders: Callable[[int], list[Order]], django_assert_num_queries: Callable
) -> None:
    orders = make_orders(6)
    few = queries(owner, LIST), queries(owner, page(orders[0]))
    for number in range(5):
        other = staff(f"s{number}@example.com", "view_order")
        for order in orders:
            other.post(desk(order), {"page": PAGE})
    assert (queries(owner, LIST), queries(owner, page(orders[0]))) == few
    with django_assert_num_queries(6):  # session, user, two for permissions, order, the row
        other.post(desk(orders[0]), {"page": PAGE})
