"""A card whose owner asks the bank for the money back, and what decides it."""

import pytest
import requests
import stripe

from tests.sandbox.servers import wait_for


@pytest.fixture
def disputed(client, pay):
    def dispute(card="pm_card_createDispute"):
        intent = pay(card)
        return wait_for(lambda: client.v1.disputes.list({"payment_intent": intent.id}).data)[0]

    return dispute


def booked(client, dispute):
    lines = client.v1.balance_transactions.list({"source": dispute.id, "expand": ["data.source"]}).data
    assert {line.source.payment_intent for line in lines} <= {dispute.payment_intent}
    return [(line.reporting_category, line.amount) for line in reversed(lines)]


def test_a_dispute_takes_the_money_at_once_and_gives_it_back_when_won(client, disputed):
    dispute = disputed()
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 2000)
    assert booked(client, dispute) == [("dispute", -2000)]
    assert client.v1.charges.retrieve(dispute.charge).disputed
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": dispute.payment_intent})
    assert refused.value.code == "charge_disputed"
    client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert wait_for(lambda: client.v1.disputes.retrieve(dispute.id).status == "won")
    assert booked(client, dispute) == [("dispute", -2000), ("dispute_reversal", 2000)]
    with pytest.raises(stripe.InvalidRequestError, match="already won"):
        client.v1.disputes.close(dispute.id)


def test_evidence_that_is_not_sent_waits(client, disputed):
    dispute = disputed("pm_card_createDisputeProductNotReceived")
    staged = client.v1.disputes.update(
        dispute.id, {"evidence": {"product_description": "A"}, "submit": False}
    )
    assert (staged.status, staged.reason) == ("needs_response", "product_not_received")
    assert client.v1.disputes.close(dispute.id).status == "lost"
    assert booked(client, dispute) == [("dispute", -2000)]


def test_an_inquiry_takes_nothing_and_can_be_refunded(client, disputed):
    dispute = disputed("pm_card_createDisputeInquiry")
    assert (dispute.status, booked(client, dispute)) == ("warning_needs_response", [])
    assert client.v1.refunds.create({"payment_intent": dispute.payment_intent}).status == "succeeded"


def test_the_page_decides_as_the_bank_would_and_for_no_other_site(till, client, disputed):
    dispute = disputed()
    page = f"{till.url}/sandbox/disputes/{dispute.id}"
    elsewhere = {"sec-fetch-site": "cross-site"}
    assert requests.post(page, data={"ending": "won"}, headers=elsewhere, timeout=5).status_code == 405
    assert dispute.id in requests.get(f"{till.url}/sandbox/", timeout=5).text
    assert requests.post(page, data={"ending": "lost"}, timeout=5).ok
    assert client.v1.disputes.retrieve(dispute.id).status == "lost"


def test_each_step_is_an_event(own_till, receiver):
    client = own_till.client()
    paid = {"amount": 2000, "currency": "eur", "confirm": True, "payment_method": "pm_card_createDispute"}
    paid["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
    client.v1.payment_intents.create(paid)
    receiver.wait_for("charge.dispute.created", "charge.dispute.funds_withdrawn")
    dispute = client.v1.disputes.list().data[0]
    client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    receiver.wait_for("charge.dispute.updated", "charge.dispute.funds_reinstated", "charge.dispute.closed")
