"""What we ask of Stripe. All of it raises GatewayUnavailable or GatewayRefused."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from djmoney.money import Money

from shop.payments.stripe_gateway.client import answer, answers
from shop.payments.stripe_gateway.minor import to_minor
from shop.payments.stripe_gateway.words import (
    Booking,
    GatewayDispute,
    GatewayRefund,
    Intent,
    Message,
    SavedCard,
    booking_from,
    card_from,
    dispute_from,
    intent_from,
    message_from,
    refund_from,
)

# What we follow of the provider's events; the rest of an account's is of no use to a shop.
EVENTS = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.canceled",
    "payment_intent.amount_capturable_updated",
    "charge.succeeded",
    "charge.captured",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
]


async def create_intent(
    key: UUID, amount: Money, email: str, description: str, customer_id: str = ""
) -> Intent:
    """The same key gives the same intent. Whether a buyer's confirmation takes the money is PAYMENT_CAPTURE's."""
    wanted: Any = {
        "amount": to_minor(amount),
        "currency": str(amount.currency).lower(),
        "automatic_payment_methods": {"enabled": True},
        "description": description,
        "receipt_email": email,
        "metadata": {"payment": str(key)},
        "capture_method": "manual" if settings.PAYMENT_CAPTURE == "at_shipping" else "automatic",
    }
    if customer_id:
        wanted["customer"] = customer_id
    # With another customer, where the first is gone there, it is another question.
    once: Any = {"idempotency_key": f"{key}-{customer_id}" if customer_id else str(key)}
    return intent_from(await answer(lambda client: client.v1.payment_intents.create_async(wanted, once)))


async def confirm_intent(intent_id: str, card_id: str, return_url: str) -> Intent:
    """Pays with a card that the intent's customer keeps. Raises GatewayRefused for a decline."""
    wanted: Any = {"payment_method": card_id, "return_url": return_url, "expand": ["latest_charge"]}
    return intent_from(
        await answer(lambda client: client.v1.payment_intents.confirm_async(intent_id, wanted))
    )


async def retrieve_intent(intent_id: str) -> Intent:
    more: Any = {"expand": ["latest_charge"]}
    return intent_from(await answer(lambda client: client.v1.payment_intents.retrieve_async(intent_id, more)))


async def capture_intent(key: UUID, intent_id: str, amount: Money, attempt: str = "") -> Intent:
    """Takes `amount` of what is authorised; what is left of it is released, for it can be captured once only.

    For a day the same `attempt` gets the same answer, also where that was a refusal.
    """
    wanted: Any = {"amount_to_capture": to_minor(amount), "expand": ["latest_charge"]}
    once: Any = {"idempotency_key": f"{key}-capture{attempt}"}
    return intent_from(
        await answer(lambda client: client.v1.payment_intents.capture_async(intent_id, wanted, once))
    )


async def cancel_intent(intent_id: str) -> Intent:
    """Raises GatewayRefused when it is too late to cancel."""
    return intent_from(await answer(lambda client: client.v1.payment_intents.cancel_async(intent_id)))


async def create_refund(key: UUID, intent_id: str, amount: Money) -> GatewayRefund:
    wanted: Any = {"payment_intent": intent_id, "amount": to_minor(amount), "metadata": {"refund": str(key)}}
    once: Any = {"idempotency_key": str(key)}
    return refund_from(await answer(lambda client: client.v1.refunds.create_async(wanted, once)))


async def retrieve_refund(refund_id: str) -> GatewayRefund:
    return refund_from(await answer(lambda client: client.v1.refunds.retrieve_async(refund_id)))


async def create_customer(key: UUID, email: str) -> str:
    """The new customer's id."""
    once: Any = {"idempotency_key": f"{key}-customer"}
    wanted: Any = {"email": email, "metadata": {"account": str(key)}}
    return (await answer(lambda client: client.v1.customers.create_async(wanted, once)))["id"]


async def create_customer_session(customer_id: str) -> str:
    """The secret that lets a telephone's payment sheet show this customer's cards, for half an hour."""
    features = {
        "payment_method_save": "enabled",
        "payment_method_redisplay": "enabled",
        "payment_method_remove": "enabled",
        # Also those that were kept by way of our own pages.
        "payment_method_allow_redisplay_filters": ["always", "limited", "unspecified"],
    }
    sheet = {"mobile_payment_element": {"enabled": True, "features": features}}
    wanted: Any = {"customer": customer_id, "components": sheet}
    return (await answer(lambda client: client.v1.customer_sessions.create_async(wanted)))["client_secret"]


async def delete_customer(customer_id: str) -> None:
    """With the cards that it keeps. What it paid stays paid."""
    await answer(lambda client: client.v1.customers.delete_async(customer_id))


async def create_setup(customer_id: str) -> str:
    """The secret that lets the provider's form keep a card for this customer."""
    wanted: Any = {
        "customer": customer_id,
        "automatic_payment_methods": {"enabled": True},
        "usage": "on_session",
    }
    return (await answer(lambda client: client.v1.setup_intents.create_async(wanted)))["client_secret"]


async def list_cards(customer_id: str) -> list[SavedCard]:
    wanted: Any = {"type": "card", "limit": 100}
    rows = await answers(lambda client: client.v1.customers.payment_methods.list_async(customer_id, wanted))
    return [card_from(row) for row in rows]


async def detach_card(card_id: str) -> None:
    await answer(lambda client: client.v1.payment_methods.detach_async(card_id))


async def retrieve_dispute(dispute_id: str) -> GatewayDispute:
    return dispute_from(await answer(lambda client: client.v1.disputes.retrieve_async(dispute_id)))


async def list_events(since: datetime) -> list[Message]:
    """Everything that happened since, the oldest first, whether we were told or not."""
    wanted: Any = {"created": {"gte": int(since.timestamp())}, "types": EVENTS, "limit": 100}
    events = await answers(lambda client: client.v1.events.list_async(wanted))
    return [message_from(event) for event in reversed(events)]


async def list_bookings(since: datetime | None = None, source: str = "") -> list[Booking]:
    """The provider's books, the oldest line first: all of them, or since a moment, or about one source.

    Payouts and the account's own costs are left out: they belong to no payment.
    """
    wanted: Any = {"limit": 100, "expand": ["data.source"]}
    if since:
        wanted["created"] = {"gte": int(since.timestamp())}
    if source:
        wanted["source"] = source
    rows = await answers(lambda client: client.v1.balance_transactions.list_async(wanted))
    return [booking for row in reversed(rows) if (booking := booking_from(row)).intent_id]
