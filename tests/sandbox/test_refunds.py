from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.sandbox.servers import wait_for


def test_a_payment_is_given_back_in_parts_but_never_more_than_was_captured(client, pay):
    intent = pay()
    first = client.v1.refunds.create(
        {"payment_intent": intent.id, "amount": 500, "reason": "requested_by_customer"}
    )
    assert (first.status, first.amount, first.reason) == ("succeeded", 500, "requested_by_customer")
    with pytest.raises(
        stripe.InvalidRequestError, match=r"greater than unrefunded amount on charge \(€15.00 eur\)"
    ):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 1501})
    second = client.v1.refunds.create({"charge": intent.latest_charge})
    assert second.amount == 1500
    charge = client.v1.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded) == (2000, True)
    assert {refund.id for refund in charge.refunds.data} == {first.id, second.id}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_already_refunded"
    assert [r.id for r in client.v1.refunds.list({"payment_intent": intent.id}).data] == [second.id, first.id]


def test_a_partly_captured_payment_gives_back_what_was_captured(client, pay):
    intent = pay(capture_method="manual")
    client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1200})
    with pytest.raises(stripe.InvalidRequestError, match="greater than"):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 1201})
    assert client.v1.refunds.create({"payment_intent": intent.id}).amount == 1200


def test_twenty_refunds_at_once_give_back_no_more_than_was_paid(client, pay):
    intent = pay()

    def refund(_):
        try:
            return client.v1.refunds.create({"payment_intent": intent.id, "amount": 300}).amount
        except stripe.InvalidRequestError:
            return 0

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(refund, range(20))) == 1800


def test_nothing_is_given_back_of_what_was_never_captured(client, pay):
    for intent in (
        pay(capture_method="manual"),
        client.v1.payment_intents.create({"amount": 900, "currency": "eur"}),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.refunds.create({"payment_intent": intent.id})
        assert refused.value.code == "payment_intent_unexpected_state"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"amount": 500})
    assert refused.value.code == "parameter_missing"


def test_a_refund_reaches_the_bank_waits_or_comes_back_by_card(own_till, receiver):
    client = own_till.client()
    refunds = {}
    for name in ("visa", "pendingRefund", "refundFail"):
        intent = client.v1.payment_intents.create(
            {
                "amount": 900,
                "currency": "eur",
                "payment_method": f"pm_card_{name}",
                "confirm": True,
                "return_url": "https://shop.example/back",
            }
        )
        refunds[name] = client.v1.refunds.create({"payment_intent": intent.id})
    assert [refund.status for refund in refunds.values()] == ["succeeded", "pending", "succeeded"]
    receiver.wait_for("refund.created", "charge.refunded", "refund.updated", "refund.failed")
    wait_for(lambda: receiver.types().count("refund.updated") == 3)
    now = {name: client.v1.refunds.retrieve(refund.id) for name, refund in refunds.items()}
    assert [refund.status for refund in now.values()] == ["succeeded", "succeeded", "failed"]
    assert now["visa"].destination_details.card.reference_status == "available"
    charge = client.v1.charges.retrieve(now["refundFail"].charge)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
