"""What came back pays for the other print, and goes back with it: from where it was paid, and once."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any

import pytest
import stripe
from django.apps import apps
from django.test import Client
from djmoney.money import Money

from shop.cart.models import Cart
from shop.catalog.models import Variant
from shop.giftcards.services import gift_card_faults, issue_card, spend
from shop.inventory.audit import stock_faults
from shop.invoices.services import balance_of
from shop.orders.models import Order
from shop.orders.services import deliver_parcel, mark_paid, pack_order, ship_order
from shop.payments.books import audit
from shop.payments.cancellations import cancel_order
from shop.payments.differences import inner_faults
from shop.payments.edits import NotEditable, edit_order
from shop.payments.gift_cards import movement_faults
from shop.payments.line_cancellations import cancel_lines
from shop.payments.models import Dispute, LedgerEntry, Payment, Refund
from shop.payments.refunds import (
    NothingToRefund,
    apply_refund,
    close_order,
    refund_order,
    refundable_of,
    send_refund,
)
from shop.payments.stripe_gateway import GatewayRefund
from shop.returns.exchanges import exchange_return, reopen_exchanges
from shop.returns.models import Return
from shop.returns.services import approve_return, receive_return, refund_return, suggested_refund
from tests.payments.steps import refresh, start, work_off_tasks
from tests.racing import at_once
from tests.returns.steps import ask, eur, now

pytestmark = pytest.mark.django_db
Make = Callable[..., Variant]
Status = Order.Status


def come_back(order: Order, count: int = 1) -> Return:
    asked = ask(order, count)
    approve_return(asked)
    receive_return(asked, {order.lines.first().pk: count})
    return asked


def pay(order: Order) -> Order:
    order.refresh_from_db()
    if order.status == Status.PENDING:
        order.payments.create(amount=order.due, status="succeeded", intent_id=f"pi_of_{order.pk}")
        mark_paid(order)
    return order


def send(order: Order) -> Order:
    pack_order(pay(order))
    deliver_parcel(ship_order(order, "Gannet", f"GN {order.pk}"))
    return now(order)


def arrive(*statuses: str) -> None:
    """The bank pays what was asked of it, or says otherwise; then the tasks run that this left."""
    for refund in Refund.objects.filter(status="requested"):
        if refund.payment.gift_card_id:
            send_refund.call(refund.pk)
            continue
        for status in statuses or ("succeeded",):
            answer = GatewayRefund(f"re_{refund.pk}", status, refund.idempotency_key, "Closed account.")
            apply_refund(replace(answer, booked=True, returned=status == "failed"))
        for order in Order.objects.order_by("-pk"):
            close_order.call(order.pk, refund.pk)


def kept() -> Money:
    """What was paid less what went back; that nothing goes below zero, and that every paper and book says the same."""
    held = eur("0")
    for payment in Payment.objects.filter(status="succeeded"):
        if not payment.gift_card_id and not payment.ledger.filter(kind="charge").exists():
            payment.book(LedgerEntry.Kind.CHARGE, f"ch_{payment.pk}", payment.amount)
        assert payment.sent_back <= payment.amount
        assert payment.refunded <= payment.amount
        held += payment.amount - payment.sent_back
    assert sum((balance_of(one.public_id, "EUR") for one in Order.objects.all()), eur("0")) == held
    assert inner_faults() == []
    assert [*movement_faults(), *gift_card_faults()] == []
    assert stock_faults() == []
    return held


def statuses() -> list[str]:
    return list(Order.objects.order_by("pk").values_list("status", flat=True))


@pytest.mark.parametrize(("price", "difference"), [("33.33", "0.00"), ("40.00", "6.67"), ("30.00", "0.00")])
def test_the_replacement_goes_back_at_what_it_was_paid_at(
    received: Return, make_variant: Make, price: str, difference: str
) -> None:
    order = received.order
    new = send(exchange_return(received, make_variant(price=price)))
    arrive()
    asked = come_back(new)
    assert suggested_refund(asked) == refundable_of(new) == eur(price)
    refund_return(asked)
    assert refundable_of(new) == eur("0")
    with pytest.raises(NothingToRefund):
        refund_order(new, eur("0.01"))
    arrive()
    assert statuses() == [Status.DELIVERED, Status.REFUNDED]
    assert kept() == order.total - eur("33.33")
    refund_order(order)
    arrive()
    assert statuses() == [Status.REFUNDED, Status.REFUNDED]
    assert kept() == eur("0")
    assert reopen_exchanges() == 0
    assert now(new).total == eur(difference)


def test_it_is_not_refunded_while_what_it_carries_is_held(received: Return, make_variant: Make) -> None:
    new = send(exchange_return(received, make_variant(price="40.00")))
    refund_order(new, eur("6.67"))
    arrive()
    assert refundable_of(new) == eur("33.33")
    assert statuses() == [Status.DELIVERED, Status.DELIVERED]
    assert kept() == received.order.total
    refund_order(received.order)
    arrive()
    assert statuses() == [Status.DELIVERED, Status.DELIVERED]
    refund_order(new)
    arrive()
    assert statuses() == [Status.REFUNDED, Status.REFUNDED]
    assert kept() == eur("0")


def test_a_part_that_is_cancelled_is_worth_its_share(delivered: Order, make_variant: Make) -> None:
    back = come_back(delivered, 3)
    new = pay(exchange_return(back, make_variant(price="40.00")))
    line = new.lines.get()
    cancel_lines(new, {line.pk: 1})
    arrive()
    assert kept() == delivered.total + eur("20.01") - eur("40.00")
    assert now(new).status == Status.PAID
    cancel_order(now(new))
    arrive()
    assert reopen_exchanges() == 1
    back.refresh_from_db()
    assert suggested_refund(back) == eur("59.99")
    refund_return(back)
    arrive()
    assert kept() == delivered.total - eur("99.99")
    refund_order(delivered)
    arrive()
    assert kept() == eur("0")
    assert statuses()[0] == Status.REFUNDED


@pytest.mark.parametrize("off", [False, True])
def test_a_replacement_of_a_replacement(delivered: Order, make_variant: Make, off: bool) -> None:
    second = send(exchange_return(come_back(delivered, 2), make_variant(price="40.00")))
    back = come_back(second, 2)
    third = pay(exchange_return(back, make_variant(price="38.00")))
    arrive()
    assert kept() == delivered.total + eur("13.34") - eur("4.00")
    assert refundable_of(third) == eur("76.00")
    assert refundable_of(second) == eur("0")
    cancel_lines(third, {third.lines.get().pk: 1})
    arrive()
    if off:
        cancel_order(now(third))
        assert reopen_exchanges() == 1
        back.refresh_from_db()
        assert suggested_refund(back) == refundable_of(second) == eur("38.00")
        refund_return(back)
    else:
        refund_return(come_back(send(third)))
    arrive()
    assert kept() == delivered.total - eur("66.66")
    assert statuses() == [Status.DELIVERED, Status.REFUNDED, Status.CANCELLED if off else Status.REFUNDED]
    refund_order(delivered)
    arrive()
    assert kept() == eur("0")


def test_what_did_not_reach_the_buyer_can_be_given_again_and_once(
    received: Return, make_variant: Make
) -> None:
    new = send(exchange_return(received, make_variant(price="33.33")))
    refund_return(come_back(new))
    arrive("succeeded", "failed")
    assert refundable_of(received.order) == received.order.total - eur("33.33")
    assert refundable_of(new) == eur("33.33")
    refund_order(new)
    arrive()
    assert kept() == refundable_of(received.order) == received.order.total - eur("33.33")


def test_what_the_bank_took_back_is_not_given_as_well(received: Return, make_variant: Make) -> None:
    new = send(exchange_return(received, make_variant(price="33.33")))
    payment = received.order.payments.get()
    Dispute.objects.create(
        payment=payment, dispute_id="dp_1", amount=payment.amount - eur("10"), status="lost"
    )
    assert refundable_of(received.order) == eur("0")
    assert refundable_of(new) == eur("10")
    refund_order(new)
    assert refundable_of(new) == eur("0")


def test_a_gift_cards_share_goes_back_on_the_card(delivered: Order, make_variant: Make) -> None:
    card, _ = issue_card(eur("100.00"))
    delivered.payments.update(amount=delivered.total - eur("100.00"))
    spend(card, eur("100.00"), delivered.public_id)
    delivered.payments.create(amount=eur("100.00"), status="succeeded", gift_card=card)
    new = send(exchange_return(come_back(delivered, 3), make_variant(price="33.33")))
    refund_return(come_back(new, 3))
    arrive()
    assert kept() == delivered.total - eur("99.99")
    refund_order(delivered)
    arrive()
    assert kept() == eur("0")
    card.refresh_from_db()
    assert card.balance == eur("100.00")


@pytest.mark.django_db(transaction=True)
def test_the_providers_books_agree(
    place: Callable[..., Order],
    make_cart: Callable[..., Cart],
    make_variant: Make,
    sandbox_url: str,
    settings: Any,
) -> None:
    settings.STRIPE_API_BASE = f"{sandbox_url}/stripe"
    provider = stripe.StripeClient("sk_test_sandbox", base_addresses={"api": settings.STRIPE_API_BASE})

    def buy(order: Order) -> Order:
        card = {"payment_method": "pm_card_visa", "return_url": "http://testserver/"}
        provider.v1.payment_intents.confirm(start(order).intent_id or "", card)  # type: ignore[arg-type]
        refresh(order)
        return send(order)

    first = buy(place(make_cart(make_variant(price="33.33"), 2)))
    second = buy(exchange_return(come_back(first), make_variant(price="40.00")))
    refund_return(come_back(second))
    work_off_tasks()
    books = audit()
    assert books.differences == []
    assert books.ours == books.theirs == kept() == first.total - eur("33.33")
    assert statuses() == [Status.DELIVERED, Status.REFUNDED]


def test_the_pages_say_what_it_is(
    client: Client, admin_client: Client, delivered: Order, make_variant: Make
) -> None:
    new = pay(exchange_return(come_back(delivered), make_variant(price="33.33")))
    shown = client.get(delivered.get_absolute_url()).text
    assert "1 exchanged" in shown
    assert "1 refunded" not in shown
    staff = admin_client.get(f"/admin/orders/order/{new.pk}/change/").text
    assert "€33.33 can be given back" in staff
    assert "goes back to the buyer" not in staff
    refund_order(new, eur("10"))
    arrive()
    assert "€10.00" in client.get(new.get_absolute_url()).text


def test_exchanges_from_before_it_was_kept_for_which_print(received: Return, make_variant: Make) -> None:
    new = exchange_return(received, make_variant(price="33.33"))
    Refund.objects.update(became=None)
    assert refundable_of(new) == eur("0")
    import_module("shop.returns.migrations.0003_what_it_became").fill(apps, None)
    assert refundable_of(now(new)) == eur("33.33")


def test_it_cannot_be_changed_to_other_prints(received: Return, make_variant: Make) -> None:
    new = pay(exchange_return(received, make_variant(price="33.33")))
    with pytest.raises(NotEditable):
        edit_order(new, {}, {make_variant().pk: 1})


# --- Side by side ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_refunds_at_once_and_a_call_off_give_it_once(received: Return, make_variant: Make) -> None:
    new = pay(exchange_return(received, make_variant(price="33.33")))
    works = [partial(refund_order, now(new)) for _ in range(3)]
    raised = at_once(*works, lambda: cancel_order(now(new)), reopen_exchanges, lambda: refund_order(now(new)))
    assert all(isinstance(error, NothingToRefund) for error in raised), raised
    reopen_exchanges()
    received.refresh_from_db()
    again = suggested_refund(received)
    given = sum((one.amount for one in Refund.objects.filter(status="requested")), eur("0"))
    assert given + again == eur("33.33")
    assert received.order.payments.get().refunded == given


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_it_is_given_twice(received: Return, make_variant: Make) -> None:
    """The control: what is left is looked at first, and the row written after."""
    exchange_return(received, make_variant(price="33.33"))
    aside = Refund.objects.get()

    def refund() -> None:
        if aside.left >= aside.amount:
            time.sleep(0.05)
            aside.payment.refunds.create(amount=aside.amount, aside=aside)

    at_once(*[refund] * 3)
    assert sum((part.amount for part in aside.parts.all()), eur("0")) > aside.amount
