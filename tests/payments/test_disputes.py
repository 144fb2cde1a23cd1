"""A buyer asks the bank for the money back: recorded once, told to staff, and never given back a second time."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe
from djmoney.money import Money

from accounts.models import User
from shop.orders.models import Order
from shop.payments import stripe_gateway as gateway
from shop.payments.books import audit
from shop.payments.disputes import apply_dispute
from shop.payments.models import Dispute, LedgerEntry
from shop.payments.refunds import NothingToRefund, refund_order
from shop.payments.unheard import hear_unheard
from tests.payments.steps import log, refresh, start, work_off_tasks
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
Kind = LedgerEntry.Kind
WINNING = {"evidence": {"uncategorized_text": "winning_evidence"}}


@pytest.fixture
def treasurer(db: None) -> User:
    return User.objects.create_superuser("ada@example.com", "a-long-passphrase")


@pytest.fixture
def disputed(
    order: Order, pay_with: Callable[..., Any], provider: stripe.StripeClient, treasurer: User
) -> Callable[..., Dispute]:
    def dispute(card: str = "pm_card_createDispute") -> Dispute:
        intent_id = start(order).intent_id
        pay_with(intent_id, card)
        refresh(order)
        eventually(lambda: provider.v1.disputes.list({"payment_intent": intent_id}).data)
        hear_unheard()
        return Dispute.objects.get()

    return dispute


def told(dispute: Dispute) -> gateway.GatewayDispute:
    return gateway.ask(gateway.retrieve_dispute(dispute.dispute_id))


def entries() -> list[tuple[str, Money]]:
    rows = LedgerEntry.objects.exclude(kind=Kind.FEE).order_by("pk")
    return [(row.kind, row.amount) for row in rows]


def test_a_dispute_is_told_to_staff_with_its_deadline_and_takes_the_money(
    order: Order, disputed: Callable[..., Dispute], mailoutbox: list
) -> None:
    dispute = disputed()
    apply_dispute(told(dispute))
    work_off_tasks()
    assert log(order) == ["placed", "paid", "dispute_opened"]
    assert entries() == [(Kind.CHARGE, order.total), (Kind.DISPUTE, -order.total)]
    assert audit().differences == []
    letter = next(mail for mail in mailoutbox if "disputed" in mail.subject)
    assert letter.to == ["ada@example.com"]
    assert f"{dispute.evidence_due_at:%Y}" in letter.body
    assert dispute.evidence_url in letter.body


def test_what_the_bank_has_taken_is_not_given_back_again(
    order: Order, disputed: Callable[..., Dispute]
) -> None:
    dispute = disputed()
    with pytest.raises(NothingToRefund):
        refund_order(order, Money("0.01", "EUR"))
    assert audit().ours.amount == 0
    Dispute.objects.filter(pk=dispute.pk).update(amount=Money("5.00", "EUR"), status=Dispute.Status.LOST)
    with pytest.raises(NothingToRefund):
        refund_order(order, order.total)
    assert refund_order(order).amount == order.total - Money("5.00", "EUR")


def test_a_dispute_that_is_won_brings_the_money_back(
    order: Order, disputed: Callable[..., Dispute], provider: stripe.StripeClient, mailoutbox: list
) -> None:
    dispute = disputed()
    before = told(dispute)
    provider.v1.disputes.update(dispute.dispute_id, WINNING)
    eventually(lambda: told(dispute).status == "won")
    for _ in range(2):
        hear_unheard()
    apply_dispute(before)  # Old news, arriving late.
    dispute.refresh_from_db()
    assert (dispute.status, dispute.closed_at is not None) == (Dispute.Status.WON, True)
    assert log(order)[2:] == ["dispute_opened", "dispute_won"]
    assert entries()[1:] == [(Kind.DISPUTE, -order.total), (Kind.DISPUTE_REVERSED, order.total)]
    assert order.payments.get().refundable == order.total
    assert audit().differences == []
    work_off_tasks()
    assert "A dispute has ended" in [mail.subject.partition(":")[0] for mail in mailoutbox]


def test_a_dispute_that_is_lost_stays_lost(
    order: Order, disputed: Callable[..., Dispute], provider: stripe.StripeClient
) -> None:
    dispute = disputed("pm_card_createDisputeProductNotReceived")
    provider.v1.disputes.close(dispute.dispute_id)
    hear_unheard()
    assert log(order)[2:] == ["dispute_opened", "dispute_lost"]
    assert order.payments.get().refundable.amount == 0
    assert audit().differences == []


def test_an_inquiry_holds_nothing(order: Order, disputed: Callable[..., Dispute]) -> None:
    assert disputed("pm_card_createDisputeInquiry").status == Dispute.Status.INQUIRY
    assert order.payments.get().refundable == order.total
    refund_order(order)
    work_off_tasks()
    assert audit().differences == []
