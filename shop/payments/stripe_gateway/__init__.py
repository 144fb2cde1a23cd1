"""The only room that speaks Stripe: its objects come in, ours go out, minor units stay here.

Without keys of a real account the same code talks to the sandbox that ships with the shop.
"""

from shop.payments.stripe_gateway.asking import (
    cancel_intent,
    capture_intent,
    confirm_intent,
    create_customer,
    create_customer_session,
    create_intent,
    create_refund,
    create_setup,
    delete_customer,
    detach_card,
    list_bookings,
    list_cards,
    list_events,
    retrieve_dispute,
    retrieve_intent,
    retrieve_refund,
)
from shop.payments.stripe_gateway.client import GatewayRefused, GatewayUnavailable, ask, close
from shop.payments.stripe_gateway.minor import from_minor, least_charge, to_minor
from shop.payments.stripe_gateway.telling import ForgedMessage, read_event
from shop.payments.stripe_gateway.words import (
    Booking,
    Charge,
    GatewayDispute,
    GatewayRefund,
    Intent,
    Message,
    SavedCard,
    intent_from,
)

__all__ = [
    "Booking",
    "Charge",
    "ForgedMessage",
    "GatewayDispute",
    "GatewayRefund",
    "GatewayRefused",
    "GatewayUnavailable",
    "Intent",
    "Message",
    "SavedCard",
    "ask",
    "cancel_intent",
    "capture_intent",
    "close",
    "confirm_intent",
    "create_customer",
    "create_customer_session",
    "create_intent",
    "create_refund",
    "create_setup",
    "delete_customer",
    "detach_card",
    "from_minor",
    "intent_from",
    "least_charge",
    "list_bookings",
    "list_cards",
    "list_events",
    "read_event",
    "retrieve_dispute",
    "retrieve_intent",
    "retrieve_refund",
    "to_minor",
]
