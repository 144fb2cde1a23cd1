"""From a cart to an order: one transaction, before the provider is asked for anything."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from accounts.models import PostalAddress
from accounts.postal import AddressInvalid, parcel_address
from lab.servers.tornado_shop import reading, writing
from lab.servers.tornado_shop.database import Connection, Record, UniqueViolationError
from lab.servers.tornado_shop.handlers import Handler
from lab.servers.tornado_shop.orders import in_full
from lab.servers.tornado_shop.people import Account
from lab.servers.tornado_shop.refusals import Refused, invalid, not_served
from lab.servers.tornado_shop.writing import News
from notifications.wake import wake
from shop.cart.models import new_token
from shop.checkout.tax_facts import known_of_buyer, tax_facts
from shop.money import in_words
from shop.orders.models import FIRST_NUMBER, new_public_id
from shop.payments.stripe_gateway import least_charge
from shop.places import Destination
from shop.pricing.offers import Buyer
from shop.pricing.services import Totals, price
from shop.pricing.steps import steps_as_json
from shop.promotions.services import customer_key

AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?")
FIELDS = {"checkout_key": 64, "shipping": 80}
KNOWN = {*FIELDS, "email", "address", "expected_total"}
OPEN_CART = """
    UPDATE cart_cart SET checkout_key = $2 WHERE checkout_key = $1
      AND CASE WHEN $3::bigint IS NULL THEN user_id IS NULL AND token = $4 ELSE user_id = $3 END
    RETURNING id, coupon_id, gift_card_id
"""
PLACED = "SELECT * FROM orders_order WHERE checkout_key = $1 AND user_id IS NOT DISTINCT FROM $2"
EVENT = """
    INSERT INTO orders_orderevent (order_id, kind, actor_id, why, data, created_at)
    VALUES ($1, 'placed', $2, '', '{}', $3) RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    key: str
    email: str
    address: Mapping[str, str]
    shipping: str
    total: Decimal
    cart_token: str
    account: Account | None
    evidence: Mapping[str, Any]

    @property
    def user_id(self) -> int | None:
        return self.account.id if self.account else None


class OrdersHandler(Handler):
    limit = "checkout"

    async def post(self) -> None:
        wanted = self._wanted()
        async with self.shop.pool.acquire() as db:
            order, lines = await _once(db, wanted)
            told = await in_full(db, order, lines, self.base_url)
        self.set_status(201)
        self.finish(told)

    def _wanted(self) -> Wanted:
        sent = self.sent()
        if unknown := sent.keys() - KNOWN:
            raise not_served(", ".join(sorted(unknown)))
        for name, most in FIELDS.items():
            if not isinstance(value := sent.get(name), str) or not 0 < len(value) <= most:
                raise invalid(f"{name}: up to {most} characters.")
        email = sent.get("email") or (self.account.email if self.account else "")
        try:
            validate_email(email)
        except ValidationError:
            raise invalid("email: this does not look like an e-mail address.", 422) from None
        return Wanted(
            sent["checkout_key"],
            email,
            _address(sent.get("address")),
            sent["shipping"],
            _shown(sent.get("expected_total")),
            self.request.headers.get("Cart-Token", ""),
            self.account,
            known_of_buyer(self.request.headers, None),
        )


def _address(sent: Any) -> dict[str, str]:
    known = PostalAddress.FIELDS
    if not isinstance(sent, dict) or sent.keys() - set(known):
        raise invalid("address: an address written out.")
    if not all(isinstance(value, str) and len(value) <= 160 for value in sent.values()):
        raise invalid("address: texts.")
    try:
        return parcel_address({name: sent.get(name, "") for name in known})
    except AddressInvalid as wrong:
        raise Refused(422, "invalid", str(wrong)) from None


def _shown(sent: Any) -> Decimal:
    if not isinstance(sent, dict) or not AMOUNT.fullmatch(str(sent.get("amount"))):
        raise invalid("expected_total: an amount as it was shown.")
    if sent.get("currency") != settings.DEFAULT_CURRENCY:
        raise invalid("expected_total: in the shop's currency.", 422)
    return Decimal(sent["amount"])


async def _once(db: Connection, wanted: Wanted) -> tuple[Record, Sequence[Record] | None]:
    """The same key gives the same order, however often and however simultaneously it is sent."""
    if placed := await db.fetchrow(PLACED, wanted.key, wanted.user_id):
        return placed, None
    news = News(db, datetime.now(UTC))
    try:
        async with db.transaction():
            order, lines = await _place(db, wanted, news)
    except (UniqueViolationError, Refused) as fault:
        if isinstance(fault, Refused) and fault.code != "empty_cart":
            raise
        placed = await db.fetchrow(PLACED, wanted.key, wanted.user_id)  # another request was faster
        if placed is None:
            raise
        return placed, None
    wake(news.entries)
    return order, lines


async def _place(db: Connection, wanted: Wanted, news: News) -> tuple[Record, list[Record]]:
    now = news.now
    cart = await db.fetchrow(OPEN_CART, wanted.key, new_token(), wanted.user_id, wanted.cart_token)
    if cart is None:
        raise Refused(409, "empty_cart", "Your cart is empty.")
    if cart["coupon_id"] or cart["gift_card_id"]:
        raise not_served("coupons and gift cards")
    seen = await reading.lines_of(db, cart["id"])
    to, customer = Destination.of(wanted.address), customer_key(wanted.user_id, wanted.email)
    totals, delivery = await _price(db, wanted, seen, to, customer)
    order = await writing.write_order(db, _columns(wanted, seen, totals, delivery, to, now))
    lines = await writing.write_lines(db, order, seen, totals.lines)
    await db.execute("DELETE FROM cart_cartline WHERE cart_id = $1", cart["id"])
    await news.say(f"cart:{cart['id']}", "cart.changed", {"count": 0})
    await _record(db, news, order, wanted.user_id, totals)
    await writing.redeem(db, order["public_id"], [one.terms for one in totals.applied], customer, now)
    stocks = await writing.reserve(db, news, order, seen, now)
    await news.leave_to_relay()
    return order, await writing.promise(db, lines, seen, stocks)


async def _price(
    db: Connection,
    wanted: Wanted,
    seen: Sequence[Record],
    to: Destination,
    customer: str,
) -> tuple[Totals, reading.Delivery]:
    """Raises Refused where it is not what was shown."""
    has_ordered = await db.fetchval(reading.HAS_ORDERED, wanted.user_id, wanted.email)
    known: dict[str, Any] = {
        "currency": settings.DEFAULT_CURRENCY,
        "offers": await reading.offers_for(db, customer),
        "taxation": await reading.taxation_for(db, to, timezone.localdate()),
        "buyer": Buyer(timezone.now(), has_ordered),
    }
    items = [reading.item_of(line) for line in seen]
    goods = price(items, **known).goods
    weight = sum(line["weight_g"] * line["quantity"] for line in seen)
    delivery = await reading.delivery_by(db, wanted.shipping, to, weight, goods)
    totals = price(items, shipping=delivery.price, **known)
    if totals.total.amount != wanted.total:
        words = f"The total is now {in_words(totals.total)}. Please look it over before you pay."
        raise reading.cart_changed(words)
    if totals.total < least_charge(totals.total.currency):
        raise not_served("orders for next to nothing")
    return totals, delivery


def _columns(
    wanted: Wanted,
    seen: Sequence[Record],
    totals: Totals,
    delivery: reading.Delivery,
    to: Destination,
    now: datetime,
) -> dict[str, Any]:
    amounts = ("subtotal", "discount", "shipping", "tax_added", "tax", "total")
    taxed = tax_facts(to, totals, wanted.evidence)
    return {
        **{name: wanted.address.get(name, "") for name in PostalAddress.FIELDS},
        "public_id": new_public_id(),
        "checkout_key": wanted.key,
        "user_id": wanted.user_id,
        "email": wanted.email,
        "status": "pending",
        "reserved_until": now + timedelta(minutes=settings.RESERVATION_MINUTES),
        "placed_at": now,
        "shipping_name": delivery.name,
        "shipping_days_min": delivery.days_min,
        "shipping_days_max": delivery.days_max,
        "coupon_code": "",
        **{name: getattr(totals, name).amount for name in amounts},
        **{f"{name}_currency": settings.DEFAULT_CURRENCY for name in amounts},
        **taxed,
        "tax_treatment": str(taxed["tax_treatment"]),
        "tax_evidence": json.dumps(taxed["tax_evidence"]),
        "steps_kept": json.dumps(steps_as_json(totals.steps, {line["sku"]: line["sku"] for line in seen})),
    }


async def _record(db: Connection, news: News, order: Record, user_id: int | None, totals: Totals) -> None:
    """The first line of the order's log, said to whoever follows it."""
    event = await db.fetchval(EVENT, order["id"], user_id, news.now)
    number = f"BW-{FIRST_NUMBER + order['id']}"
    told = {"order": order["public_id"], "number": number, "status": order["status"], "event": event}
    await news.say(f"order:{order['public_id']}", "order.placed", told)
    if user_id is not None:
        await news.tell(user_id, "order.placed", told)
    news.say_shared("staff:orders", "order.placed", {**told, "total": str(totals.total.amount)})
