"""Paying an order: the attempt's row first, then the provider is asked, with no connection to the database held.

What the provider tells by itself (that it was paid, or declined) is the webhook's, which the shop's own process takes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.conf import settings
from djmoney.money import Money

from lab.servers.tornado_shop.database import Connection, Record
from lab.servers.tornado_shop.handlers import Handler
from lab.servers.tornado_shop.orders import position
from lab.servers.tornado_shop.provider import Provider
from lab.servers.tornado_shop.refusals import Refused, not_found, not_served
from lab.servers.tornado_shop.shapes import amount, moment
from shop.money import minor_unit
from shop.orders.models import FIRST_NUMBER

ORDER = """
    SELECT id, public_id, status, email, total, reserved_until, reserved_until > now() AS is_kept,
      EXISTS (SELECT FROM orders_orderedit e WHERE e.order_id = o.id AND e.status = 'open') AS is_edited,
      total - coalesce((SELECT sum(amount) FROM payments_payment p
                        WHERE p.order_id = o.id AND p.gift_card_id IS NOT NULL), 0) AS due
    FROM orders_order o WHERE public_id = $1 AND (user_id IS NULL OR user_id = $2)
"""
OPEN = """
    SELECT id, idempotency_key, intent_id, client_secret, amount FROM payments_payment
    WHERE order_id = $1 AND edit_id IS NULL AND status NOT IN ('succeeded', 'cancelled') ORDER BY id LIMIT 1
"""
# Of two tabs that start paying at once the second finds the first one's row.
START = """
    INSERT INTO payments_payment (order_id, idempotency_key, client_secret, amount_currency, amount, status, method,
      last_error, end_told, created_at, updated_at)
    VALUES ($1, $2, '', $3, $4, 'starting', '', '', false, $5, $5)
    ON CONFLICT (order_id) WHERE status NOT IN ('succeeded', 'cancelled') AND edit_id IS NULL DO NOTHING
    RETURNING id, idempotency_key, intent_id, client_secret, amount
"""
ATTACH = """
    UPDATE payments_payment SET intent_id = $2, client_secret = $3, updated_at = $4,
      status = CASE status WHEN 'starting' THEN 'waiting' ELSE status END
    WHERE id = $1 RETURNING status
"""
# Between the states of an open attempt, and out of them; what is final stays, and what is held but for its end.
MOVE = """
    UPDATE payments_payment SET status = $2, updated_at = $3
    WHERE id = $1 AND status NOT IN ('succeeded', 'cancelled', $2)
      AND ($2 = 'cancelled' OR status NOT IN ('authorised', 'capturing'))
"""
LAST = """
    SELECT status, last_error, method FROM payments_payment
    WHERE order_id = $1 AND gift_card_id IS NULL ORDER BY id DESC LIMIT 1
"""
IS_PROCESSING = """
    SELECT EXISTS (SELECT FROM payments_payment WHERE order_id = $1 AND edit_id IS NULL AND status = 'processing')
"""
MOVES = {"canceled": "cancelled", "processing": "processing"}
TOLD_BY_WEBHOOK = {"succeeded", "requires_capture"}
ASKABLE = {"pending", "paid"}


class PaymentHandler(Handler):
    async def post(self, public_id: str) -> None:
        """The same attempt however often it is asked for."""
        async with self.shop.pool.acquire() as db:
            order, here = await _order(db, public_id, self._account_id)
            payment = await _open_payment(db, order)
        secret = payment["client_secret"]
        if not secret:
            secret = await self._make_known(order, payment)
        async with self.shop.pool.acquire() as db:
            state = await _state(db, order, here)
        sheet = {
            "client_secret": secret,
            "publishable_key": settings.STRIPE_PUBLISHABLE_KEY,
            "amount": amount(payment["amount"]),
            "amount_minor": _minor(payment),
            "merchant_name": settings.SHOP_NAME,
            "merchant_country": settings.SHOP_COUNTRY,
            "customer": None,
        }
        self.finish(state | sheet)

    async def get(self, public_id: str) -> None:
        """How the payment stands, asked of the provider."""
        self.finish(await standing(self.shop.pool, self.shop.provider, public_id, self._account_id))

    @property
    def _account_id(self) -> int | None:
        return self.account.id if self.account else None

    async def _make_known(self, order: Record, payment: Record) -> str:
        description = f"Order BW-{FIRST_NUMBER + order['id']}"
        key = str(payment["idempotency_key"])
        intent = await self.shop.provider.create_intent(key, _minor(payment), order["email"], description)
        status = await self.shop.pool.fetchval(
            ATTACH, payment["id"], intent["id"], intent["client_secret"], datetime.now(UTC)
        )
        if status == "cancelled":
            # The order was called off while the provider was asked: nobody may pay this intent any more.
            await self.shop.provider.cancel_intent(intent["id"])
            raise _closed()
        return intent["client_secret"]


async def standing(pool: Any, provider: Provider, public_id: str, account_id: int | None) -> dict[str, Any]:
    """The answer to who asks how the payment stands. Raises Refused."""
    async with pool.acquire() as db:
        order, _ = await _order(db, public_id, account_id)
        payment = await db.fetchrow(OPEN, order["id"])
    if payment and payment["intent_id"] and order["status"] in ASKABLE:
        intent = await provider.retrieve_intent(payment["intent_id"])
        if intent["status"] not in TOLD_BY_WEBHOOK:
            status = MOVES.get(intent["status"], "waiting")
            await pool.execute(MOVE, payment["id"], status, datetime.now(UTC))
    async with pool.acquire() as db:
        order, here = await _order(db, public_id, account_id)
        return await _state(db, order, here)


async def _order(db: Connection, public_id: str, account_id: int | None) -> tuple[Record, dict[str, Any]]:
    """And where its stream stood before it was read. Raises Refused."""
    here = await position(db, f"order:{public_id}")
    order = await db.fetchrow(ORDER, public_id, account_id)
    if order is None:
        raise not_found()
    if order["is_edited"]:
        raise not_served("changes of a paid order")
    return order, here


async def _open_payment(db: Connection, order: Record) -> Record:
    if order["status"] != "pending" or not order["is_kept"]:
        raise _closed()
    start = (order["id"], uuid4(), settings.DEFAULT_CURRENCY, order["due"], datetime.now(UTC))
    found = (
        await db.fetchrow(OPEN, order["id"])
        or await db.fetchrow(START, *start)
        or await db.fetchrow(OPEN, order["id"])
    )
    if found is None:  # it was paid in this instant
        raise _closed()
    return found


async def _state(db: Connection, order: Record, here: dict[str, Any]) -> dict[str, Any]:
    last = await db.fetchrow(LAST, order["id"])
    is_pending = order["status"] == "pending"
    processing = is_pending and await db.fetchval(IS_PROCESSING, order["id"])
    return {
        "order_status": order["status"],
        "payment_status": last["status"] if last else None,
        "to_pay": amount(order["due"]) if is_pending and not processing else None,
        "processing": processing,
        "last_error": last["last_error"] if last else "",
        "method": last["method"] if last else "",
        "reserved_until": moment(order["reserved_until"]),
        "stream": here,
    }


def _minor(payment: Record) -> int:
    unit = minor_unit(Money(0, settings.DEFAULT_CURRENCY).currency)
    return int(payment["amount"] / unit)


def _closed() -> Refused:
    return Refused(409, "payment_closed", "This order can no longer be paid.")
