"""What a checkout writes, in the order in which the shop takes its locks: cart, order, log, offers, stock."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from lab.servers.tornado_shop.database import Connection, Record
from lab.servers.tornado_shop.reading import ahead, cart_changed, each_customer
from lab.servers.tornado_shop.refusals import Refused
from notifications import protocol
from notifications.protocol import Entry
from shop.inventory.models import LOW
from shop.pricing.offers import Terms
from shop.pricing.services import PricedLine

Row = Mapping[str, Any]

# One statement moves the top of a stream, made if it is new, and writes the event there.
SAY = """
    WITH here AS (
      INSERT INTO notifications_stream AS stream (name, epoch, top, updated_at) VALUES ($1, $2, 1, $6)
      ON CONFLICT (name) DO UPDATE SET top = stream.top + 1, updated_at = excluded.updated_at
      RETURNING id, epoch, top
    ), event AS (
      INSERT INTO notifications_event (uid, kind, payload, created_at, stream_id, "offset")
      SELECT $3, $4, $5::jsonb, $6, id, top FROM here
    )
    SELECT epoch, top FROM here
"""
LEAVE_TO_RELAY = """
    INSERT INTO notifications_pending (uid, kind, payload, created_at, stream_name)
    SELECT gen_random_uuid(), kind, payload::jsonb, $4, stream
    FROM unnest($1::text[], $2::text[], $3::text[]) AS said(stream, kind, payload)
"""
LINES = """
    INSERT INTO orders_orderline (order_id, variant_id, sku, title, options, unit_price_currency, unit_price, quantity,
      shipped, cancelled, refunded, returned, ahead, lead_days, discount_currency, discount, tax_added_currency,
      tax_added, tax_percent, tax_currency, tax, total_currency, total)
    SELECT $1, variant, sku, title, options, $2, unit_price, quantity, 0, 0, 0, 0, 0, 0, $2, discount, $2, tax_added,
      tax_percent, $2, tax, $2, total
    FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::int[], $9::numeric[],
      $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[])
      AS line(variant, sku, title, options, unit_price, quantity, discount, tax_added, tax_percent, tax, total)
    RETURNING *
"""
TAKE = """
    UPDATE inventory_stock SET reserved = reserved + $2
    WHERE variant_id = $1 AND on_hand >= reserved + $2 - backorder_limit
    RETURNING on_hand, reserved, backorder_limit, lead_days
"""
RESERVE = """
    INSERT INTO inventory_reservation (reference, variant_id, quantity, state, expires_at, created_at)
    SELECT $1, variant, quantity, 'held', $4, $5 FROM unnest($2::bigint[], $3::int[]) AS held(variant, quantity)
"""
PROMISE = "UPDATE orders_orderline SET ahead = $2, lead_days = $3 WHERE id = $1 RETURNING *"
LEFT = """
    SELECT v.sku, coalesce(s.on_hand + s.backorder_limit - s.reserved, 0)
    FROM catalog_variant v LEFT JOIN inventory_stock s ON s.variant_id = v.id WHERE v.id = ANY($1)
"""
TAKE_OFFER = """
    UPDATE promotions_offer SET used = used + 1 WHERE id = $1 AND ("limit" IS NULL OR used < "limit") RETURNING id
"""
TAKE_CUSTOMER = """
    INSERT INTO promotions_customeruse AS use (offer_id, customer, used) VALUES ($1, $2, 1)
    ON CONFLICT (offer_id, customer) DO UPDATE SET used = use.used + 1 WHERE use.used < $3 RETURNING id
"""
REDEEMED = """
    INSERT INTO promotions_redemption (reference, offer_id, customer, made_at) VALUES ($1, $2, $3, $4)
"""
IS_LIVE = "SELECT live FROM notifications_preference WHERE user_id = $1 AND kind = 'order'"


class News:
    """What is said in the transaction; `entries` are for the hubs, after its commit."""

    def __init__(self, db: Connection, now: datetime) -> None:
        self.now, self._db = now, db
        self._shared: list[tuple[str, str, str]] = []
        self.entries: list[Entry] = []

    async def say(self, stream: str, kind: str, payload: Row) -> Entry:
        uid = uuid4()
        row = await self._db.fetchrow(
            SAY, stream, secrets.token_hex(4), uid, kind, json.dumps(payload), self.now
        )
        frame = protocol.event(stream, row["epoch"], row["top"], uid, kind, self.now, payload)
        entry = Entry(stream, row["epoch"], row["top"], frame, self.now.timestamp())
        self.entries.append(entry)
        return entry

    def say_shared(self, stream: str, kind: str, payload: Row) -> None:
        """On a stream that many write to, which a relay numbers after the commit."""
        self._shared.append((stream, kind, json.dumps(payload)))
        self.entries.append(Entry(stream))

    async def leave_to_relay(self) -> None:
        streams, kinds, payloads = zip(*self._shared, strict=True)
        await self._db.execute(LEAVE_TO_RELAY, streams, kinds, payloads, self.now)

    async def tell(self, user_id: int, kind: str, payload: Row) -> None:
        """Of an order, as the user chose: not live means that screens alone take notice."""
        live = await self._db.fetchval(IS_LIVE, user_id)
        await self.say(f"user:{user_id}", kind, {**payload, **({"quiet": True} if live is False else {})})


async def write_order(db: Connection, fields: Row) -> Record:
    """The names of `fields` are ours, and columns."""
    places = ", ".join(f"${n}" for n in range(1, len(fields) + 1))
    columns = ", ".join(fields)
    return await db.fetchrow(
        f"INSERT INTO orders_order ({columns}) VALUES ({places}) RETURNING *",
        *fields.values(),
    )


async def write_lines(
    db: Connection,
    order: Row,
    lines: Sequence[Row],
    priced: Sequence[PricedLine],
) -> list[Record]:
    rows = [
        (
            *(
                line["variant_id"],
                line["sku"],
                line["title"],
                line["label"] or "",
                one.item.unit_price.amount,
            ),
            *(line["quantity"], one.discount.amount, one.tax_added.amount),
            *(one.tax_percent, one.tax.amount, one.total.amount),
        )
        for line, one in zip(lines, priced, strict=True)
    ]
    return await db.fetch(LINES, order["id"], order["total_currency"], *zip(*rows, strict=True))


async def redeem(
    db: Connection, reference: str, applied: Sequence[Terms], customer: str, now: datetime
) -> None:
    """The order takes its part of what is limited. Raises Refused."""
    ids = sorted(terms.key for terms in applied)
    for row in (
        await db.fetch("SELECT * FROM promotions_offer WHERE id = ANY($1) ORDER BY id", ids) if ids else ()
    ):
        limit, each = row["limit"], each_customer(row)
        taken = limit is None or await db.fetchval(TAKE_OFFER, row["id"])
        mine = each is None or await db.fetchval(TAKE_CUSTOMER, row["id"], customer, each)
        if not (taken and mine):
            words = (
                "An offer in your cart was used up a moment ago. Please look over the total before you pay."
            )
            raise Refused(409, "offer_gone", words)
        await db.execute(REDEEMED, reference, row["id"], customer, now)


async def reserve(
    db: Connection, news: News, order: Row, lines: Sequence[Row], now: datetime
) -> dict[int, Record]:
    """Holds the stock of each variant, which says what there is then. Raises Refused."""
    quantities = {line["variant_id"]: line["quantity"] for line in lines}
    stocks, short = {}, []
    for variant_id in sorted(
        quantities
    ):  # always in this order: two orders wait for one another, and never both
        stock = await db.fetchrow(TAKE, variant_id, quantities[variant_id])
        if stock is None:
            short.append(variant_id)
        else:
            stocks[variant_id] = stock
    if short:
        left = await db.fetch(LEFT, short)
        raise Refused(409, "out_of_stock", "There are not that many left.", short=dict(left))
    ids = sorted(quantities)
    held = [quantities[pk] for pk in ids]
    await db.execute(RESERVE, order["public_id"], ids, held, order["reserved_until"], now)
    for line in sorted(lines, key=lambda line: (line["slug"], line["variant_id"])):
        _announce(news, line, stocks[line["variant_id"]])
    return stocks


def _announce(news: News, line: Row, stock: Row) -> None:
    shelf = stock["on_hand"] - stock["reserved"]
    available = shelf + stock["backorder_limit"]
    told = {"sku": line["sku"], "available": available, "reserved": stock["reserved"], "here": max(0, shelf)}
    days = stock["lead_days"] if stock["backorder_limit"] else None
    news.say_shared(f"product:{line['slug']}", "stock", {**told, "lead_days": days})
    if kind := _crossing(available, shelf, line["quantity"]):
        what = {"variant": line["variant_id"], "sku": line["sku"], "title": line["title"]}
        news.say_shared("staff:stock", kind, {**what, "available": available})


def _crossing(available: int, shelf: int, taken: int) -> str:
    """The kind of the event for the mark that was gone past."""
    if available <= 0 < available + taken:
        return "stock.out"
    if shelf <= 0 < shelf + taken and available > 0:
        return "stock.ahead"
    return "stock.low" if available <= LOW < available + taken else ""


async def promise(
    db: Connection, lines: Sequence[Row], seen: Sequence[Row], stocks: Mapping[int, Row]
) -> list[Record]:
    """Keeps what was promised of each line. Raises Refused where the last one there went a moment ago."""
    kept = []
    for line, shown in zip(lines, seen, strict=True):
        stock = stocks[shown["variant_id"]]
        made = min(max(0, stock["reserved"] - stock["on_hand"]), shown["quantity"])
        if made and not ahead(shown):
            raise cart_changed(f"“{shown['title']}” has just become one that is made to order.")
        kept.append(await db.fetchrow(PROMISE, line["id"], made, shown["lead_days"]) if made else line)
    return kept
