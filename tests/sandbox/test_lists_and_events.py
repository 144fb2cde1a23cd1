import time

import pytest
import stripe


def test_lists_are_cut_into_pages_both_ways(client):
    customer = client.v1.customers.create()
    made = [
        client.v1.payment_intents.create({"amount": 900 + n, "currency": "eur", "customer": customer.id}).id
        for n in range(7)
    ]
    newest_first = made[::-1]
    page = client.v1.payment_intents.list({"customer": customer.id, "limit": 3})
    assert ([i.id for i in page.data], page.has_more) == (newest_first[:3], True)
    everything = client.v1.payment_intents.list({"customer": customer.id, "limit": 3}).auto_paging_iter()
    assert [intent.id for intent in everything] == newest_first
    before = {"customer": customer.id, "limit": 2, "ending_before": newest_first[4]}
    page = client.v1.payment_intents.list(before)
    assert ([i.id for i in page.data], page.has_more) == (newest_first[2:4], True)


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"starting_after": "pi_nothing"}, "starting_after"),
    ],
)
def test_a_wrong_page_is_refused(client, params, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.list(params)
    assert refused.value.param == param


def test_every_step_of_a_payment_leaves_its_event(client, pay):
    intent = pay(capture_method="manual", metadata={"order": "7"})
    client.v1.payment_intents.capture(intent.id)
    client.v1.refunds.create({"payment_intent": intent.id})
    about = [
        event
        for event in client.v1.events.list({"limit": 100}).auto_paging_iter()
        if intent.id in event.data.object.to_dict().values()
    ]
    assert sorted(event.type for event in about) == sorted(
        [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.amount_capturable_updated",
            "charge.captured",
            "payment_intent.succeeded",
            "refund.created",
            "charge.refunded",
        ]
    )
    captured = next(event for event in about if event.type == "charge.captured")
    assert captured.data.previous_attributes["captured"] is False
    assert captured.request.id.startswith("req_")
    assert client.v1.events.retrieve(captured.id).data.object.payment_intent == intent.id


def test_an_event_shows_the_object_as_it_was(client):
    intent = client.v1.payment_intents.create({"amount": 900, "currency": "eur"})
    client.v1.payment_intents.cancel(intent.id)
    events = client.v1.events.list({"type": "payment_intent.created", "limit": 100}).data
    created = next(event for event in events if event.data.object.id == intent.id)
    assert created.data.object.status == "requires_payment_method"


def test_events_are_found_by_type_and_time(client, pay):
    pay()
    now = int(time.time())
    recent = client.v1.events.list({"type": "charge.succeeded", "created": {"gte": now - 5}})
    assert recent.data
    assert {event.type for event in recent.data} == {"charge.succeeded"}
    assert client.v1.events.list({"created": {"gte": now + 100}}).data == []
    assert client.v1.events.list({"created": {"lt": now - 3600}}).data == []
    both = client.v1.events.list({"types": ["charge.succeeded", "payment_intent.created"], "limit": 100})
    assert {event.type for event in both.data} == {"charge.succeeded", "payment_intent.created"}
    family = client.v1.events.list({"type": "charge.*", "limit": 100})
    assert {event.type.split(".")[0] for event in family.data} == {"charge"}


def test_ids_are_expanded_when_asked_for_and_only_then(client, pay):
    customer = client.v1.customers.create({"email": "ann@example.com"})
    pay(customer=customer.id)
    plain = client.v1.payment_intents.list({"customer": customer.id}).data[0]
    assert isinstance(plain.latest_charge, str)
    params = {"expand": ["data.latest_charge.customer", "data.payment_method"], "customer": customer.id}
    whole = client.v1.payment_intents.list(params).data[0]
    assert whole.latest_charge.customer.email == "ann@example.com"
    assert whole.payment_method.card.last4 == "4242"
    for wrong in ("amount", "nothing", "latest_charge.nothing", "a.b.c.d.e"):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.payment_intents.retrieve(plain.id, {"expand": [wrong]})


def test_the_balance_is_the_sum_of_its_lines(own_till):
    client = own_till.client()
    method = {"payment_method": "pm_card_visa", "confirm": True, "return_url": "https://shop.example/back"}
    intent = client.v1.payment_intents.create({"amount": 2000, "currency": "eur", **method})
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 300})
    lines = client.v1.balance_transactions.list().data
    assert sorted(line.amount for line in lines) == [-300, 2000]
    balance = client.v1.balance.retrieve()
    total = sum(money.amount for money in [*balance.available, *balance.pending])
    assert total == sum(line.net for line in lines)
    assert client.v1.accounts.retrieve_current().charges_enabled
