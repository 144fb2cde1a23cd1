from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from djmoney.money import Money

from shop.catalog.models import Variant
from shop.inventory.services import reserve
from shop.orders.models import Order
from shop.orders.services import pack_order
from shop.payments.models import Discrepancy, Payment, Refund
from tests.backoffice.conftest import staff

pytestmark = pytest.mark.django_db
TODAY = "/admin/"


def test_today_counts_what_was_placed_and_what_was_paid_for_it(
    owner: Client, make_orders: Callable[[int], list[Order]], order: Order
) -> None:
    paid, packed, earlier = make_orders(3)
    pack_order(packed)
    Order.objects.filter(pk=earlier.pk).update(placed_at=timezone.now() - timedelta(days=2))
    shown = owner.get(TODAY).context
    assert (shown["placed"], shown["to_pack"], shown["to_ship"]) == (3, 2, 1)
    assert shown["earned"] == paid.total + packed.total  # `order` is not paid
    assert [one.number for one, _ in shown["newest"]][:2] == [earlier.number, packed.number]


def test_stock_that_runs_low_comes_with_the_least_first(
    owner: Client, make_variant: Callable[..., Variant]
) -> None:
    make_variant(stock=9)
    few, none = make_variant(stock=3), make_variant(stock=4)
    reserve("somebody", {none.pk: 4}, None)
    shown = [(stock.pk, colour) for stock, colour in owner.get(TODAY).context["low_stock"]]
    assert shown == [(none.pk, "danger"), (few.pk, "warning")]


def test_money_that_is_stuck_is_named(owner: Client, paid_order: Order, order: Order) -> None:
    assert "Every payment and refund went through" in owner.get(TODAY).content.decode()
    paid = Payment.objects.get()
    refund = paid.refunds.create(amount=Money("5", "EUR"), status="failed")
    paid.refunds.create(amount=Money("6", "EUR"), status="succeeded")
    declined = Payment.objects.create(
        order=order, amount=order.total, status="waiting", last_error="Declined."
    )
    troubles = owner.get(TODAY).context["troubles"]
    assert (troubles["refunds"], troubles["payments"]) == ([Refund.objects.get(pk=refund.pk)], [declined])
    dispute = paid.disputes.create(dispute_id="du_1", amount=Money("5", "EUR"), status="needs_response")
    differs = Discrepancy.objects.create(order=order, words="The books differ.")
    troubles = owner.get(TODAY).context["troubles"]
    assert (troubles["disputes"], troubles["differences"]) == ([dispute], [differs])


def test_each_sees_the_panels_of_their_job(packer: Client, helper: Client, paid_order: Order) -> None:
    packers, helpers = packer.get(TODAY).content.decode(), helper.get(TODAY).content.decode()
    assert "Newest orders" in packers
    assert "Newest orders" in helpers
    assert ("Low stock" in packers, "Money that is stuck" in packers) == (True, False)
    assert ("Low stock" in helpers, "Money that is stuck" in helpers) == (False, True)


def test_staff_without_any_job_are_told_so(db: None) -> None:

    shown = staff("new@example.com").get(TODAY).content.decode()
    assert "There is nothing here for you yet" in shown
    assert "data-stream" not in shown


def test_the_policy_for_scripts_is_loosened_for_the_back_office_alone(owner: Client, client: Client) -> None:
    policy = owner.get(TODAY).headers["Content-Security-Policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert scripts == "script-src 'self' 'unsafe-eval'"
    assert "unsafe" not in owner.get("/").headers["Content-Security-Policy"]
    assert "unsafe" not in client.get("/accounts/login/").headers["Content-Security-Policy"]


def test_staff_sign_in_where_buyers_do(client: Client) -> None:
    response = client.get(TODAY, follow=True)
    assert response.redirect_chain[-1][0].startswith("/accounts/login/?next=")
