"""Stripe's objects come in, ours go out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from djmoney.money import Money

from shop.payments.stripe_gateway.minor import from_minor


@dataclass(frozen=True, slots=True)
class Intent:
    """A PaymentIntent as far as we use it. `status` is Stripe's; `error` is the decline in Stripe's words.

    `asks_at` is the bank's page where the buyer has to say yes first. `key` is our payment's idempotency key, which
    went along as metadata: it finds the row of an intent whose id we have not heard yet, and no other shop on the
    same account has it.
    """

    id: str
    status: str
    received: Money
    client_secret: str
    key: UUID | None
    charge: str
    method: str
    error: str
    held_until: datetime | None = None
    asks_at: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class GatewayRefund:
    """As above; `id` is empty for one that was refused and never made.

    `booked`: the provider took it from what it holds for us. `returned`: it came home, because it failed.
    """

    id: str
    status: str
    key: UUID | None
    failure: str
    intent_id: str = ""
    amount: Money | None = None
    booked: bool = False
    returned: bool = False


@dataclass(frozen=True, slots=True)
class Charge:
    """How an intent was paid, such as `Visa ···· 4242`, and the country of the card, if it was one."""

    intent_id: str
    method: str
    country: str = ""


@dataclass(frozen=True, slots=True)
class SavedCard:
    """A card as its owner knows it, such as `Visa ···· 4242` until 12/2030."""

    id: str
    name: str
    expires: str


@dataclass(frozen=True, slots=True)
class Message:
    """A webhook's event, and what of ours it is about; None for what we do not follow."""

    id: str
    kind: str
    payload: dict[str, Any]
    about: Intent | Charge | GatewayRefund | GatewayDispute | None


@dataclass(frozen=True, slots=True)
class GatewayDispute:
    """A buyer's bank wants the money back. `status` is Stripe's; `until` is when our evidence is due.

    `withdrawn` and `reinstated` are what the provider took for it and gave back so far; None where it did not.
    """

    id: str
    status: str
    intent_id: str
    amount: Money
    reason: str
    until: datetime | None
    withdrawn: Money | None
    reinstated: Money | None


@dataclass(frozen=True, slots=True)
class Booking:
    """A line of the provider's books, about something that a payment's buyer paid, got back or disputed.

    `kind` is Stripe's reporting category, and `source` the id of the charge, refund or dispute.
    """

    id: str
    kind: str
    source: str
    intent_id: str
    amount: Money
    fee: Money
    at: datetime


def message_from(event: dict[str, Any]) -> Message:
    return Message(event["id"], event["type"], event, _about(event["data"]["object"]))


def intent_from(data: dict[str, Any]) -> Intent:
    charge = data.get("latest_charge") or ""
    error = data.get("last_payment_error") or {}
    return Intent(
        id=data["id"],
        status=data["status"],
        received=from_minor(data.get("amount_received") or 0, data["currency"]),
        client_secret=data.get("client_secret") or "",
        key=_key(data, "payment"),
        charge=charge["id"] if isinstance(charge, dict) else charge,
        method=_method(charge) if isinstance(charge, dict) else "",
        error=error.get("message") or "",
        held_until=_held_until(charge) if isinstance(charge, dict) else None,
        country=_country(charge) if isinstance(charge, dict) else "",
        asks_at=((data.get("next_action") or {}).get("redirect_to_url") or {}).get("url") or "",
    )


def _about(thing: dict[str, Any]) -> Intent | Charge | GatewayRefund | GatewayDispute | None:
    match thing["object"]:
        case "payment_intent":
            return intent_from(thing)
        case "charge":
            return _charge(thing)
        case "refund":
            return refund_from(thing)
        case "dispute":
            return dispute_from(thing)
    return None


def _charge(data: dict[str, Any]) -> Charge:
    return Charge(data.get("payment_intent") or "", _method(data), _country(data))


def _method(charge: dict[str, Any]) -> str:
    """What was paid with; a card that was declined is not."""
    details = charge.get("payment_method_details") or {}
    if charge["status"] == "failed":
        return ""
    card = details.get("card")
    return f"{card['brand'].title()} ···· {card['last4']}" if card else details.get("type", "")


def _country(charge: dict[str, Any]) -> str:
    """Of the bank that issued the card."""
    return ((charge.get("payment_method_details") or {}).get("card") or {}).get("country") or ""


def _held_until(charge: dict[str, Any]) -> datetime | None:
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    return _moment(card["capture_before"]) if card.get("capture_before") else None


def card_from(data: dict[str, Any]) -> SavedCard:
    card = data["card"]
    name = f"{card['brand'].title()} ···· {card['last4']}"
    return SavedCard(data["id"], name, f"{card['exp_month']:02}/{card['exp_year']}")


def _key(data: dict[str, Any], name: str) -> UUID | None:
    try:
        return UUID((data.get("metadata") or {}).get(name, ""))
    except ValueError:
        return None


def refund_from(data: dict[str, Any]) -> GatewayRefund:
    return GatewayRefund(
        id=data["id"],
        status=data["status"],
        intent_id=data.get("payment_intent") or "",
        amount=from_minor(data["amount"], data["currency"]),
        key=_key(data, "refund"),
        failure=data.get("failure_reason") or "",
        booked=bool(data.get("balance_transaction")),
        returned=bool(data.get("failure_balance_transaction")),
    )


def dispute_from(data: dict[str, Any]) -> GatewayDispute:
    booked = [one["amount"] for one in data.get("balance_transactions") or []]
    taken, given = [one for one in booked if one < 0], [one for one in booked if one > 0]
    due = (data.get("evidence_details") or {}).get("due_by")
    return GatewayDispute(
        id=data["id"],
        # An appeal goes through the same steps once more.
        status=data["status"].removeprefix("appeal_"),
        intent_id=data.get("payment_intent") or "",
        amount=from_minor(data["amount"], data["currency"]),
        reason=data.get("reason") or "",
        until=_moment(due) if due else None,
        withdrawn=from_minor(-sum(taken), data["currency"]) if taken else None,
        reinstated=from_minor(sum(given), data["currency"]) if given else None,
    )


def booking_from(data: dict[str, Any]) -> Booking:
    """Of a balance transaction with its source."""
    source = data.get("source") or {}
    return Booking(
        id=data["id"],
        kind=data["reporting_category"],
        source=source.get("id") or "",
        intent_id=source.get("payment_intent") or "",
        amount=from_minor(data["amount"], data["currency"]),
        fee=from_minor(data["fee"], data["currency"]),
        at=_moment(data["created"]),
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
