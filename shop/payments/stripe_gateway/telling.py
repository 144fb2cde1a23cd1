"""What Stripe tells us: its signed messages."""

from __future__ import annotations

import stripe
from django.conf import settings

from shop.payments.stripe_gateway.words import Message, message_from


class ForgedMessage(Exception):
    """A webhook whose signature is missing, wrong or too old."""


def read_event(body: bytes, signature: str | None) -> Message:
    """A webhook's body, if Stripe signed it within the last five minutes. Raises ForgedMessage otherwise."""
    try:
        event = stripe.Webhook.construct_event(body, signature, settings.STRIPE_WEBHOOK_SECRET)  # type: ignore[arg-type]
    except (ValueError, stripe.SignatureVerificationError) as error:
        raise ForgedMessage(str(error)) from error
    return message_from(event.to_dict())
