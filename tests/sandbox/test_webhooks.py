import time
from collections import Counter

import requests

from tests.sandbox.servers import Till, wait_for

PAYMENT = {
    "amount": 2000,
    "currency": "eur",
    "payment_method": "pm_card_visa",
    "confirm": True,
    "return_url": "https://shop.example/back",
}


def test_every_event_arrives_signed_and_once(own_till, receiver):
    client = own_till.client()
    client.v1.customers.create({"email": "ann@example.com"})
    client.v1.payment_intents.create(PAYMENT)
    receiver.wait_for(
        "customer.created", "payment_intent.created", "charge.succeeded", "payment_intent.succeeded"
    )
    wait_for(lambda: not [e for e in client.v1.events.list({"limit": 100}).data if e.pending_webhooks])
    time.sleep(1.5)
    assert receiver.counts() == Counter([event.id for event in client.v1.events.list({"limit": 100}).data])


def test_a_refused_webhook_is_sent_again_until_it_is_taken(own_till, receiver):
    receiver.answer_with = 500
    own_till.client().v1.customers.create()
    wait_for(lambda: receiver.refusals >= 2)
    receiver.answer_with = 200
    receiver.wait_for("customer.created")
    time.sleep(1.5)
    assert receiver.types() == ["customer.created"]
    page = requests.get(f"{own_till.url}/sandbox/", timeout=5).text
    assert "delivered, 3 attempts (200)" in page


def test_webhooks_come_twice_when_told_to(own_till, receiver):
    own_till.knobs(webhook_duplicates=2)
    own_till.client().v1.customers.create()
    wait_for(lambda: len(receiver.events) == 3)
    assert list(receiver.counts().values()) == [3]


def test_webhooks_are_delayed_when_told_to(own_till, receiver):
    own_till.knobs(webhook_delay_ms=1200)
    own_till.client().v1.customers.create()
    time.sleep(0.6)
    assert receiver.events == []
    receiver.wait_for("customer.created")


def test_webhooks_are_lost_when_told_to_but_the_events_stay(own_till, receiver):
    own_till.knobs(webhook_loss=1)
    client = own_till.client()
    client.v1.customers.create()
    own_till.knobs(webhook_loss=0)
    client.v1.payment_intents.create({"amount": 900, "currency": "eur"})
    receiver.wait_for("payment_intent.created")
    time.sleep(1.2)
    assert receiver.types() == ["payment_intent.created"]
    assert [event.type for event in client.v1.events.list({"type": "customer.created"}).data] == [
        "customer.created"
    ]


def test_webhooks_change_places_when_told_to(own_till, receiver):
    own_till.knobs(webhook_reorder=True)
    client = own_till.client()
    made = [client.v1.customers.create({"name": str(n)}).id for n in range(12)]
    wait_for(lambda: len(receiver.events) == 12)
    arrived = [event.data.object.id for event in receiver.events]
    assert sorted(arrived) == sorted(made)
    assert arrived != made


def test_a_kill_loses_no_payment_and_no_webhook(own_till, receiver):
    receiver.answer_with = 503
    client = own_till.client()
    paid = [client.v1.payment_intents.create(PAYMENT).id for _ in range(5)]
    wait_for(lambda: receiver.refusals)
    own_till.kill()
    receiver.answer_with = 200
    own_till.start()
    wait_for(lambda: len(receiver.about("payment_intent.succeeded")) == 5, seconds=40)
    assert {event.data.object.id for event in receiver.about("payment_intent.succeeded")} == set(paid)
    assert {client.v1.payment_intents.retrieve(id).status for id in paid} == {"succeeded"}
    events = {event.id for event in client.v1.events.list({"limit": 100}).auto_paging_iter()}
    wait_for(lambda: {event.id for event in receiver.events} == events, seconds=40)


def test_what_a_killed_process_was_sending_is_sent_again(own_till, receiver):
    receiver.delay = 30
    own_till.client().v1.customers.create()
    time.sleep(1.0)
    own_till.kill()
    receiver.delay = 0
    own_till.start()
    receiver.wait_for("customer.created", seconds=30)


def test_a_delayed_payment_settles_after_a_restart(own_till, receiver):
    own_till.knobs(processing_ms=2500)
    intent = own_till.client().v1.payment_intents.create(
        {**PAYMENT, "payment_method": "pm_card_delayedSuccess"}
    )
    own_till.kill()
    own_till.start()
    receiver.wait_for("payment_intent.succeeded", seconds=30)
    assert own_till.client().v1.payment_intents.retrieve(intent.id).status == "succeeded"
    assert len(own_till.client().v1.balance_transactions.list().data) == 1


def test_two_processes_on_one_file_deliver_each_event_once(tmp_path, receiver):
    tills = [Till(tmp_path / "shared.sqlite3", receiver.url) for _ in range(2)]
    try:
        for till in tills:
            till.start()
        clients = [till.client() for till in tills]
        made = [clients[n % 2].v1.customers.create().id for n in range(30)]
        wait_for(lambda: len(receiver.events) >= 30)
        time.sleep(1.5)
        assert sorted(event.data.object.id for event in receiver.events) == sorted(made)
        assert clients[0].v1.customers.retrieve(made[1]).id == clients[1].v1.customers.retrieve(made[1]).id
    finally:
        for till in tills:
            till.stop()
