import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import stripe
from django.test import Client

from shop.orders.models import Order
from shop.payments.models import GatewayEvent, Payment

pytestmark = pytest.mark.django_db(transaction=True)


def deliver(client: Client, body: bytes, secret: str, age: int = 0) -> Any:
    """As Stripe signs: HMAC-SHA256 over the time and the body (docs.stripe.com/webhooks#verify-manually)."""
    sent = int(time.time()) - age
    signature = hmac.new(secret.encode(), f"{sent}.".encode() + body, hashlib.sha256).hexdigest()
    return client.post(
        "/webhooks/stripe/",
        data=body,
        content_type="application/json",
        headers={"stripe-signature": f"t={sent},v1={signature}"},
    )


@pytest.fixture
def paid_event(order: Order, provider: stripe.StripeClient, pay_with: Callable[..., Any]) -> bytes:
    """The event that the provider would send once the order's payment succeeded."""
    payment = Payment.objects.create(order=order, amount=order.total)
    intent = provider.v1.payment_intents.create(
        {
            "amount": int(order.total.amount * 100),
            "currency": "eur",
            "automatic_payment_methods": {"enabled": True},
            "metadata": {"payment": str(payment.idempotency_key)},
        }
    )
    pay_with(intent.id)
    thing = provider.v1.payment_intents.retrieve(intent.id).to_dict()
    event = {
        "id": f"evt_{order.pk}",
        "object": "event",
        "api_version": stripe.api_version,
        "created": int(time.time()),
        "type": "payment_intent.succeeded",
        "data": {"object": thing},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
    }
    return json.dumps(event).encode()


def test_a_signed_message_pays_the_order_once(
    client: Client, settings: Any, order: Order, paid_event: bytes
) -> None:
    first = deliver(client, paid_event, settings.STRIPE_WEBHOOK_SECRET)
    second = deliver(client, paid_event, settings.STRIPE_WEBHOOK_SECRET)
    assert (first.status_code, first.json()["repeated"]) == (200, False)
    assert (second.status_code, second.json()["repeated"]) == (200, True)
    assert Order.objects.get().status == Order.Status.PAID
    assert [event.kind for event in order.events.all()] == ["placed", "paid"]
    assert GatewayEvent.objects.count() == 1


@pytest.mark.parametrize("fault", ["forged", "stale", "changed", "unsigned"])
def test_what_stripe_did_not_sign_is_refused_and_writes_nothing(
    client: Client, settings: Any, paid_event: bytes, fault: str
) -> None:
    secret = settings.STRIPE_WEBHOOK_SECRET
    if fault == "unsigned":
        answer = client.post("/webhooks/stripe/", data=paid_event, content_type="application/json")
    else:
        answer = deliver(
            client,
            paid_event,
            "whsec_wrong" if fault == "forged" else secret,
            age=400 if fault == "stale" else 0,
        )
        if fault == "changed":
            answer = client.post(
                "/webhooks/stripe/",
                data=paid_event.replace(b"evt_", b"evt_x"),
                content_type="application/json",
                headers={"stripe-signature": answer.wsgi_request.headers["stripe-signature"]},
            )
            GatewayEvent.objects.filter(event_id__startswith="evt_1").delete()
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_signature"
    assert not GatewayEvent.objects.filter(event_id__startswith="evt_x").exists()
    if fault != "changed":
        assert not GatewayEvent.objects.exists()
        assert Order.objects.get().status == Order.Status.PENDING


def test_a_message_about_somebody_else_s_payment_is_taken_and_left_alone(
    client: Client, settings: Any, order: Order, paid_event: bytes
) -> None:
    event = json.loads(paid_event)
    event["data"]["object"]["id"] = "pi_of_another_shop"
    event["data"]["object"]["metadata"] = {}
    assert deliver(client, json.dumps(event).encode(), settings.STRIPE_WEBHOOK_SECRET).status_code == 200
    assert Order.objects.get().status == Order.Status.PENDING
