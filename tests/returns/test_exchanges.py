"""Another print instead of the one that came back, and what becomes of its worth when that does not leave."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from shop.catalog.models import TaxClass, Variant
from shop.inventory.audit import stock_faults
from shop.inventory.models import Stock
from shop.inventory.services import OutOfStock
from shop.orders.models import Order
from shop.orders.services import mark_paid
from shop.payments.cancellations import cancel_order, expire_orders
from shop.payments.line_refunds import refund_lines
from shop.payments.models import Refund
from shop.payments.refunds import NothingToRefund, refund_order, refundable_of
from shop.pricing.models import TaxRate, TaxZone
from shop.returns.exchanges import exchange_return, reopen_exchanges
from shop.returns.models import Return, WrongReturnStatus
from shop.returns.services import receive_return, refund_return, suggested_refund
from tests.returns.steps import ask, eur, log

pytestmark = pytest.mark.django_db
Status = Return.Status


@pytest.mark.parametrize(
    ("price", "total", "back"),
    # 17 cents are less than the provider takes, and not asked for.
    [("33.33", "0.00", None), ("40.00", "6.67", None), ("30.00", "0.00", "3.33"), ("33.50", "0.00", None)],
)
def test_another_print_costs_or_gives_the_difference(
    received: Return, make_variant: Callable[..., Variant], price: str, total: str, back: str | None
) -> None:
    other = make_variant(price=price, stock=1)
    new = exchange_return(received, other)
    new.refresh_from_db()
    assert new.total == eur(total)
    assert new.status == (Order.Status.PENDING if new.total.amount else Order.Status.PAID)
    assert new.lines.get().total == new.total
    assert Stock.objects.get(variant=other).reserved == 1
    in_money = Refund.objects.exclude(status=Refund.Status.EXCHANGED)
    assert [refund.amount for refund in in_money] == ([eur(back)] if back else [])
    received.refresh_from_db()
    assert (received.status, received.replacement) == (Status.EXCHANGED, new)
    assert exchange_return(received, other) == new
    assert stock_faults() == []


def test_the_other_print_is_taxed_in_its_own_class(
    received: Return, make_variant: Callable[..., Variant]
) -> None:
    zone = TaxZone.objects.get(country="IE")
    TaxRate.objects.create(zone=zone, tax_class=TaxClass.REDUCED, percent="13.5")
    new = exchange_return(received, make_variant(price="66.66", tax_class=TaxClass.REDUCED))
    line = new.lines.get()
    assert (line.total, line.tax_percent, line.tax) == (eur("33.33"), 13.5, eur("3.96"))
    assert new.tax == line.tax


def test_what_is_sold_out_is_not_promised(received: Return, make_variant: Callable[..., Variant]) -> None:
    with pytest.raises(OutOfStock):
        exchange_return(received, make_variant(stock=0))
    assert Return.objects.get().status == Status.RECEIVED


# --- What it was worth --------------------------------------------------------------------------


def paid_back() -> str:
    given = Refund.objects.exclude(status__in=[*Refund.NOTHING, Refund.Status.EXCHANGED])
    return str(sum((one.amount for one in given), eur("0")).amount)


@pytest.mark.parametrize("price", ["33.33", "40.00", "30.00"])
def test_what_was_exchanged_cannot_be_refunded_as_well(
    received: Return, make_variant: Callable[..., Variant], price: str
) -> None:
    order, three = received.order, received.order.lines.first()
    exchange_return(received, make_variant(price=price))
    assert [refund_lines(order, {three.pk: 1}).amount for _ in range(2)] == [eur("33.33"), eur("33.33")]
    with pytest.raises(NothingToRefund):
        refund_lines(order, {three.pk: 1})
    refund_order(order)
    gave = min(eur("33.33"), eur(price))
    assert paid_back() == str((order.total - gave).amount)
    assert refundable_of(order) == eur("0.00")


def test_after_all_was_refunded_an_exchange_is_worth_nothing(
    received: Return, make_variant: Callable[..., Variant]
) -> None:
    refund_order(received.order, received.order.total - eur("10.00"))
    assert exchange_return(received, make_variant(price="33.33")).total == eur("23.33")
    assert refundable_of(received.order) == eur("0.00")


# --- The other print does not leave --------------------------------------------------------------


def call_off(new: Order, how: str) -> None:
    if how == "unpaid":
        Order.objects.filter(pk=new.pk).update(reserved_until=timezone.now() - timedelta(minutes=1))
        assert expire_orders() == 1
    elif how == "paid":
        new.payments.create(amount=new.total, status="succeeded", intent_id="pi_2")
        mark_paid(new)
        cancel_order(new)
    else:
        cancel_order(new)


@pytest.mark.parametrize(
    ("price", "how", "again"),
    [
        ("33.33", "free", "33.33"),
        ("40.00", "unpaid", "33.33"),
        ("40.00", "paid", "33.33"),
        ("30.00", "free", "30.00"),
    ],
)
def test_what_came_back_can_be_refunded_once_the_other_print_is_called_off(
    received: Return, make_variant: Callable[..., Variant], price: str, how: str, again: str
) -> None:
    User.objects.create_superuser("ada@example.com", "a-long-passphrase")
    new = exchange_return(received, make_variant(price=price))
    assert reopen_exchanges() == 0
    call_off(new, how)
    assert (reopen_exchanges(), reopen_exchanges()) == (1, 0)
    received.refresh_from_db()
    assert (received.status, received.replacement) == (Status.RECEIVED, None)
    assert suggested_refund(received) == eur(again)
    refund_return(received)
    of_the_first = Refund.objects.filter(payment__order=received.order).exclude(status__in=Refund.NOTHING)
    assert sum((one.amount for one in of_the_first), eur("0")) == eur("33.33")
    assert "return_reopened" in log(received.order)
    assert received.order.lines.first().refunded == 1
    assert stock_faults() == []
    alarms = [
        task.args_kwargs["args"][1] for task in DBTaskResult.objects.filter(task_path__endswith="send_alarm")
    ]
    assert alarms == ["An exchange was called off"]


def test_it_can_be_exchanged_again_and_counts_once(
    received: Return, make_variant: Callable[..., Variant]
) -> None:
    cancel_order(exchange_return(received, make_variant(price="30.00")))
    reopen_exchanges()
    received.refresh_from_db()
    assert exchange_return(received, make_variant(price="33.33")).total == eur("3.33")
    rows = received.order.lines.first().refund_lines.exclude(refund__status="failed")
    assert [(row.quantity, row.amount, row.refund.status) for row in rows] == [(1, eur("33.33"), "exchanged")]


def test_only_a_print_that_was_called_off_opens_a_return_again(
    received: Return, make_variant: Callable[..., Variant]
) -> None:
    exchange_return(received, make_variant())
    with pytest.raises(WrongReturnStatus):
        receive_return(Return.objects.get(), {})
    refunded = ask(received.order, 1)
    Return.objects.filter(pk=refunded.pk).update(status=Status.REFUNDED)
    assert not Return.objects.get(pk=refunded.pk).reopen("No.")
    assert reopen_exchanges() == 0
