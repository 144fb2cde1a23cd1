"""A snapshot, in one page or in several, and the events after its position make the same as a fresh snapshot, whatever
is committed in between.
"""

import json
import threading
import uuid
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from notifications.log import entries_after
from shop.cart.models import Cart
from shop.catalog.models import Variant
from shop.orders.models import Order
from shop.orders.services import deliver_order, mark_paid, pack_order, ship_order

ORDERS = 2
STEPS = {
    "pending": mark_paid,
    "paid": pack_order,
    "packed": lambda order: ship_order(order, "Gannet", f"GN-{order.pk}"),
}
RUNS = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


def move_on(pk: int) -> None:
    """The order's next step, committed by another thread, as another process would."""

    def work() -> None:
        order = Order.objects.get(pk=pk)
        STEPS.get(order.status, deliver_order)(order)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


class Between:
    """Lets something happen just before the n-th query of a request."""

    def __init__(self, happens: Callable[[], None], before: int) -> None:
        self.happens, self.left = happens, before

    def __call__(self, execute: Callable, sql: str, params: object, many: bool, context: dict) -> object:
        self.left -= 1
        if self.left == 0:
            self.happens()
        return execute(sql, params, many, context)


def statuses(browser: Client, limit: int = 100) -> tuple[dict[str, str], dict]:
    """Read page by page; where to follow on from, each page says."""
    rows, streams, url = {}, [], f"/api/v1/orders/?limit={limit}"
    while url:
        answer = browser.get(url).json()
        rows |= {order["public_id"]: order["status"] for order in answer["results"]}
        streams.append(answer["stream"])
        url = answer["next"]
    return rows, streams[-1]


@pytest.mark.django_db(transaction=True)
def test_snapshot_and_events_are_a_fresh_snapshot(
    make_variant: Callable[..., Variant], make_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    variant = make_variant(stock=500)
    landed = set()

    @RUNS
    @given(
        before=st.lists(st.integers(0, ORDERS - 1), max_size=3),
        during=st.integers(0, ORDERS - 1),
        limit=st.sampled_from([1, 100]),
        query=st.integers(1, 12),
        after=st.lists(st.integers(0, ORDERS - 1), max_size=3),
    )
    def holds(before: list[int], during: int, limit: int, query: int, after: list[int]) -> None:
        user = User.objects.create_user(f"{uuid.uuid4().hex}@example.com", "x")
        browser = Client()
        browser.force_login(user, "django.contrib.auth.backends.ModelBackend")
        pks = [place(make_cart(variant), user=user).pk for _ in range(ORDERS)]
        for which in before:
            move_on(pks[which])
        with connection.execute_wrapper(Between(lambda: move_on(pks[during]), query)):
            rows, stream = statuses(browser, limit)
        for which in after:
            move_on(pks[which])
        fresh, _ = statuses(browser)
        events = entries_after(stream["name"], stream["offset"], 100)
        for told in (json.loads(entry.frame)["d"] for entry in events):
            rows[told["order"]] = told["status"]
        assert rows == fresh
        landed.add(len(events) - len(after))

    holds()
    # Some changes fell before the position was read, some after it: the test has seen both sides.
    assert {0, 1} <= landed
