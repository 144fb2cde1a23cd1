"""The ledger beside the provider's books: each effect once, the same sums, and words for what differs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.utils import timezone
from djmoney.money import Money

from accounts.models import User
from notifications.models import Event
from notifications.services import relay
from shop.orders.models import Order
from shop.payments import books
from shop.payments import stripe_gateway as gateway
from shop.payments.books import audit, compare_books, ledger_total
from shop.payments.models import Discrepancy, LedgerEntry, Payment, Refund
from shop.payments.reconciliation import reconcile
from shop.payments.refunds import refund_order
from shop.payments.services import apply_intent
from tests.payments.steps import now, refresh, start, work_off_tasks
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
Kind = LedgerEntry.Kind


def lines() -> list[tuple[str, Money]]:
    rows = LedgerEntry.objects.exclude(kind=Kind.FEE).order_by("pk")
    return [(row.kind, row.amount) for row in rows]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else brings the news in these tests, so what is seconds old counts as late."""
    monkeypatch.setattr(books, "UNDER_WAY", timedelta(seconds=-5))


@pytest.fixture
def treasurer(db: None) -> User:
    return User.objects.create_superuser("ada@example.com", "a-long-passphrase")


def test_each_effect_is_one_line_however_often_it_is_told(paid: Order) -> None:
    payment = paid.payments.get()
    for _ in range(2):
        apply_intent(gateway.ask(gateway.retrieve_intent(payment.intent_id)))
    refund = refund_order(paid, Money("10.00", "EUR"))
    work_off_tasks()
    for _ in range(2):
        Refund.objects.update(updated_at=timezone.now() - timedelta(hours=2), status=Refund.Status.PENDING)
        reconcile()
    assert lines() == [(Kind.CHARGE, paid.total), (Kind.REFUND, -refund.amount)]
    assert audit().differences == []
    assert audit().ours == audit().theirs == paid.total - refund.amount


def test_a_refund_that_comes_home_is_a_line_of_its_own(
    order: Order,
    pay_with: Callable[..., Any],
    provider: stripe.StripeClient,
    treasurer: User,
    mailoutbox: list,
) -> None:
    pay_with(start(order).intent_id, "pm_card_refundFail")
    refresh(order)
    refund = refund_order(order)
    work_off_tasks()
    refund.refresh_from_db()
    eventually(lambda: provider.v1.refunds.retrieve(refund.refund_id).status == "failed")
    assert compare_books() == 0  # younger than what may be on its way
    Refund.objects.update(updated_at=timezone.now() - timedelta(hours=2), status=Refund.Status.PENDING)
    reconcile()
    work_off_tasks()
    assert lines() == [
        (Kind.CHARGE, order.total),
        (Kind.REFUND, -order.total),
        (Kind.REFUND_FAILED, order.total),
    ]
    assert audit().differences == []
    assert "A refund failed" in [mail.subject.partition(":")[0] for mail in mailoutbox]


def test_the_check_says_that_all_agree_and_what_the_provider_kept(paid: Order, capsys: Any) -> None:
    call_command("check_money")
    assert capsys.readouterr().out == f"1 payments, {paid.total}, as the provider's books say.\n"
    fee = LedgerEntry.objects.get(kind=Kind.FEE)
    assert fee.source.startswith("txn_")
    assert fee.amount.amount < 0


def test_the_check_names_each_line_that_differs(paid: Order, provider: stripe.StripeClient) -> None:
    payment = paid.payments.get()
    charge = LedgerEntry.objects.get(kind=Kind.CHARGE)
    LedgerEntry.objects.filter(pk=charge.pk).update(source="ch_invented")
    with pytest.raises(CommandError) as fault:
        call_command("check_money")
    assert str(fault.value).splitlines() == [
        f"{paid.number}: charge {charge.source} of {paid.total} is in the provider's books and not in ours",
        f"{paid.number}: charge ch_invented of {paid.total} is in our books and not in the provider's",
        f"In all: {paid.total} by our ledger, {paid.total} at the provider.",
    ]
    LedgerEntry.objects.filter(pk=charge.pk).update(source=charge.source, amount=Money("1.00", "EUR"))
    with pytest.raises(CommandError) as fault:
        call_command("check_money")
    assert str(fault.value).splitlines() == [
        f"{paid.number}: charge {charge.source} is {paid.total} with the provider, €1.00 with us",
        f"{paid.number}: charge is €1.00 in our ledger, {paid.total} by our own rows",
        f"In all: €1.00 by our ledger, {paid.total} at the provider.",
    ]
    assert payment.ledger.count() == 2  # with the fee, which the check itself notes


def test_news_that_never_came_is_applied_by_comparing(
    order: Order, pay_with: Callable[..., Any], at_once: None
) -> None:
    pay_with(start(order).intent_id)
    assert compare_books() == 0
    assert now(order).status == Order.Status.PAID
    assert lines() == [(Kind.CHARGE, order.total)]


def test_a_refund_made_on_the_provider_s_pages_is_taken_over(
    paid: Order, provider: stripe.StripeClient, at_once: None
) -> None:
    made = provider.v1.refunds.create({"payment_intent": paid.payments.get().intent_id, "amount": 300})
    assert compare_books() == 0
    refund = Refund.objects.get()
    assert (refund.refund_id, refund.amount, refund.status) == (made.id, Money("3.00", "EUR"), "succeeded")
    assert paid.payments.get().refundable == paid.total - refund.amount
    assert "refund_paid" in [event.kind for event in paid.events.all()]


def test_a_difference_is_told_once_and_forgotten_when_it_is_gone(
    paid: Order, treasurer: User, mailoutbox: list
) -> None:
    LedgerEntry.objects.filter(kind=Kind.CHARGE).update(amount=Money("1.00", "EUR"))
    Payment.objects.update(amount=Money("1.00", "EUR"))
    for _ in range(2):
        with pytest.raises(CommandError):
            call_command("check_money")
    work_off_tasks()
    told = [mail for mail in mailoutbox if "books" in mail.subject]
    assert [mail.to for mail in told] == [["ada@example.com"]]
    relay()
    assert Event.objects.on("staff:orders").filter(kind="money.differs").count() == 1
    assert Discrepancy.objects.get().order == paid
    LedgerEntry.objects.filter(kind=Kind.CHARGE).update(amount=paid.total)
    Payment.objects.update(amount=paid.total)
    call_command("check_money")
    assert not Discrepancy.objects.exists()


def test_another_shop_s_money_on_the_same_account_is_none_of_ours(
    paid: Order, provider: stripe.StripeClient
) -> None:
    theirs = {"amount": 700, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True}
    provider.v1.payment_intents.create(
        {**theirs, "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )
    assert (audit().differences, audit().theirs) == ([], paid.total)


def test_a_line_is_never_changed_nor_written_twice(paid: Order) -> None:
    line = LedgerEntry.objects.get()
    with pytest.raises(TypeError, match="never changed"):
        line.save()
    line.payment.book(Kind.CHARGE, line.source, Money("9.00", "EUR"))
    assert ledger_total() == paid.total
    with pytest.raises(IntegrityError):
        LedgerEntry.objects.create(
            payment=line.payment, kind=Kind.REFUND, source="re_1", amount=Money("9.00", "EUR")
        )
