"""The only file that speaks Stripe: its objects come in, ours go out, minor units stay here.

Without keys of a real account the same code talks to the sandbox that ships with the shop.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import aiohttp
import certifi
import stripe
from asgiref.sync import AsyncToSync
from django.conf import settings
from djmoney.money import Money

from shop.errors import ShopError
from shop.waiting import holding_nothing

TIMEOUT = aiohttp.ClientTimeout(total=25, connect=5)
# https://docs.stripe.com/currencies#special-cases: treated as two-decimal, whatever ISO 4217 says.
TWO_DECIMALS = {"ISK", "UGX"}


class GatewayUnavailable(ShopError):
    code = "payment_provider_unavailable"
    message = "Our payment provider does not answer at the moment. Your order is kept; please try again."


class GatewayRefused(ShopError):
    code = "payment_refused"
    message = "The payment provider refused this."


class ForgedMessage(Exception):
    """A webhook whose signature is missing, wrong or too old."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A PaymentIntent as far as we use it. `status` is Stripe's; `error` is the decline in Stripe's words.

    `key` is our payment's idempotency key, which went along as metadata: it finds the row of an intent whose id we
    have not heard yet, and no other shop on the same account has it.
    """

    id: str
    status: str
    received: Money
    client_secret: str
    key: UUID | None
    charge: str
    method: str
    error: str


@dataclass(frozen=True, slots=True)
class GatewayRefund:
    """As above; `id` is empty for one that was refused and never made."""

    id: str
    status: str
    key: UUID | None
    failure: str


@dataclass(frozen=True, slots=True)
class Charge:
    """How an intent was paid, such as `Visa ···· 4242`."""

    intent_id: str
    method: str


@dataclass(frozen=True, slots=True)
class Message:
    """A webhook's event, and what of ours it is about; None for what we do not follow."""

    id: str
    kind: str
    payload: dict[str, Any]
    about: Intent | Charge | GatewayRefund | None


# --- Asking -------------------------------------------------------------------------------------

type Loop = asyncio.AbstractEventLoop
_clients: dict[Loop, tuple[stripe.StripeClient, aiohttp.ClientSession]] = {}


def _new_client() -> tuple[stripe.StripeClient, aiohttp.ClientSession]:
    # Stripe's own session would open 100 connections at most: the 101st buyer would wait for the others.
    connector = aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context(cafile=certifi.where()))
    session = aiohttp.ClientSession(connector=connector)
    client = stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        http_client=stripe.AIOHTTPClient(timeout=TIMEOUT, session=session),
        base_addresses={"api": settings.STRIPE_API_BASE},
        max_network_retries=2,
    )
    return client, session


@contextlib.asynccontextmanager
async def _talking() -> AsyncIterator[stripe.StripeClient]:
    """The server's loop keeps one client, and so its connections; a loop made for one call must not."""
    loop = asyncio.get_running_loop()
    if loop in AsyncToSync.loop_thread_executors:
        client, session = _new_client()
        async with session:
            yield client
        return
    if loop not in _clients:
        _clients[loop] = _new_client()
    yield _clients[loop][0]


async def close() -> None:
    """Closes this loop's connections."""
    _, session = _clients.pop(asyncio.get_running_loop(), (None, None))
    if session:
        await session.close()


def ask[Answer](call: Coroutine[Any, Any, Answer]) -> Answer:
    """For workers and commands, which have no loop: asks, waits, and closes."""

    async def asked() -> Answer:
        try:
            return await call
        finally:
            await close()

    return asyncio.run(asked())


async def _answer(
    question: Callable[[stripe.StripeClient], Awaitable[stripe.StripeObject]],
) -> dict[str, Any]:
    async with _talking() as client:
        try:
            return (await holding_nothing(question(client))).to_dict()
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            raise GatewayRefused(error.user_message or str(error), stripe_code=error.code) from error
        except (stripe.StripeError, TimeoutError) as error:
            # A 500, a key that another request is using or a wrong API key says nothing about what was asked.
            raise GatewayUnavailable from error


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
    return _intent(await _answer(lambda client: client.v1.payment_intents.create_async(wanted, once)))


async def retrieve_intent(intent_id: str) -> Intent:
    more: Any = {"expand": ["latest_charge"]}
    return _intent(await _answer(lambda client: client.v1.payment_intents.retrieve_async(intent_id, more)))


async def cancel_intent(intent_id: str) -> Intent:
    """Raises GatewayRefused when it is too late to cancel."""
    return _intent(await _answer(lambda client: client.v1.payment_intents.cancel_async(intent_id)))


async def create_refund(key: UUID, intent_id: str, amount: Money) -> GatewayRefund:
    wanted: Any = {"payment_intent": intent_id, "amount": to_minor(amount), "metadata": {"refund": str(key)}}
    once: Any = {"idempotency_key": str(key)}
    return _refund(await _answer(lambda client: client.v1.refunds.create_async(wanted, once)))


async def retrieve_refund(refund_id: str) -> GatewayRefund:
    return _refund(await _answer(lambda client: client.v1.refunds.retrieve_async(refund_id)))


# --- Being told ---------------------------------------------------------------------------------


def read_event(body: bytes, signature: str | None) -> Message:
    """A webhook's body, if Stripe signed it within the last five minutes. Raises ForgedMessage otherwise."""
    try:
        event = stripe.Webhook.construct_event(body, signature, settings.STRIPE_WEBHOOK_SECRET)  # type: ignore[arg-type]
    except (ValueError, stripe.SignatureVerificationError) as error:
        raise ForgedMessage(str(error)) from error
    payload = event.to_dict()
    thing = payload["data"]["object"]
    return Message(payload["id"], payload["type"], payload, _about(thing))


# --- Translating --------------------------------------------------------------------------------


def to_minor(amount: Money) -> int:
    """Stripe's smallest unit. Raises ValueError for an amount that it cannot say."""
    minor = amount.amount * _units(str(amount.currency))
    if minor != int(minor):
        raise ValueError(f"{amount} has more decimals than its currency")
    return int(minor)


def from_minor(minor: int, currency: str) -> Money:
    currency = currency.upper()
    return Money(Decimal(minor) / _units(currency), currency)


def _units(currency: str) -> int:
    return 100 if currency in TWO_DECIMALS else Money(0, currency).currency.sub_unit


def _intent(data: dict[str, Any]) -> Intent:
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
    )


def _about(thing: dict[str, Any]) -> Intent | Charge | GatewayRefund | None:
    match thing["object"]:
        case "payment_intent":
            return _intent(thing)
        case "charge":
            return _charge(thing)
        case "refund":
            return _refund(thing)
    return None


def _charge(data: dict[str, Any]) -> Charge:
    return Charge(data.get("payment_intent") or "", _method(data))


def _method(charge: dict[str, Any]) -> str:
    """What was paid with; a card that was declined is not."""
    details = charge.get("payment_method_details") or {}
    if charge["status"] == "failed":
        return ""
    card = details.get("card")
    return f"{card['brand'].title()} ···· {card['last4']}" if card else details.get("type", "")


def _key(data: dict[str, Any], name: str) -> UUID | None:
    try:
        return UUID((data.get("metadata") or {}).get(name, ""))
    except ValueError:
        return None


def _refund(data: dict[str, Any]) -> GatewayRefund:
    return GatewayRefund(
        id=data["id"],
        status=data["status"],
        key=_key(data, "refund"),
        failure=data.get("failure_reason") or "",
    )
