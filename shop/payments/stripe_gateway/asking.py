"""What we ask of Stripe. All of it raises GatewayUnavailable or GatewayRefused."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from djmoney.money import Money

from shop.payments.stripe_gateway.client import answer, answers
from shop.payments.stripe_gateway.minor import to_minor
from shop.payments.stripe_gateway.words import (
    Booking,
    GatewayDispute,
    GatewayRefund,
    Intent,
    Message,
    booking_from,
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


async def create_intent(key: UUID, amount: Money, email: str, description: str) -> Intent:
    """Raises GatewayUnavailable or GatewayRefused, as all that ask do. The same key gives the same intent."""
    wanted: Any = {
        "amount": to_minor(amount),
        "currency": str(amount.currency).lower(),
        "automatic_payment_methods": {"enabled": True},
        "description": description,
        "receipt_email": email,
        "metadata": {"payment": str(key)},
    }
    once: Any = {"idempotency_key": str(key)}
    return intent_from(await answer(lambda client: client.v1.payment_intents.create_async(wanted, once)))


async def retrieve_intent(intent_id: str) -> Intent:
    more: Any = {"expand": ["latest_charge"]}
    return intent_from(await answer(lambda client: client.v1.payment_intents.retrieve_async(intent_id, more)))


async def cancel_intent(intent_id: str) -> Intent:
    """Raises GatewayRefused when it is too late to cancel."""
    return intent_from(await answer(lambda client: client.v1.payment_intents.cancel_async(intent_id)))


async def create_refund(key: UUID, intent_id: str, amount: Money) -> GatewayRefund:
    wanted: Any = {"payment_intent": intent_id, "amount": to_minor(amount), "metadata": {"refund": str(key)}}
    once: Any = {"idempotency_key": str(key)}
    return refund_from(await answer(lambda client: client.v1.refunds.create_async(wanted, once)))


async def retrieve_refund(refund_id: str) -> GatewayRefund:
    return refund_from(await answer(lambda client: client.v1.refunds.retrieve_async(refund_id)))


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
