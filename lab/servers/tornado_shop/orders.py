"""An order that waits to be paid, in the shape of `shop/api/order_in_full.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django_countries import countries

from lab.servers.tornado_shop.database import Connection
from lab.servers.tornado_shop.refusals import not_served
from lab.servers.tornado_shop.shapes import amount, moment
from shop.orders.models import FIRST_NUMBER, Order

Row = Mapping[str, Any]
LINES = "SELECT * FROM orders_orderline WHERE order_id = $1 ORDER BY id"
POSITION = "SELECT epoch, top FROM notifications_stream WHERE name = $1"
COUNTS = ("quantity", "shipped", "cancelled", "refunded", "returned")
PARTS = ("name", "company", "line1", "line2", "city", "region", "postal_code", "country", "phone")


async def position(db: Connection, stream: str) -> dict[str, Any]:
    """To be read before the rows that are shown with it."""
    row = await db.fetchrow(POSITION, stream)
    return {"name": stream, "epoch": row["epoch"] if row else "", "offset": row["top"] if row else 0}


async def in_full(db: Connection, order: Row, lines: Sequence[Row] | None, base: str) -> dict[str, Any]:
    """Its lines are read where they are not at hand. Raises Refused for one that was paid or called off."""
    if order["status"] != Order.Status.PENDING:
        raise not_served("what became of an order")
    here = await position(db, f"order:{order['public_id']}")
    lines = lines or await db.fetch(LINES, order["id"])
    nothing = amount(Decimal(0))
    return {
        "url": f"{base}/api/v1/orders/{order['public_id']}/",
        "public_id": order["public_id"],
        "number": f"BW-{FIRST_NUMBER + order['id']}",
        "status": order["status"],
        "status_text": Order.Status(order["status"]).label,
        "placed_at": moment(order["placed_at"]),
        "reserved_until": moment(order["reserved_until"]),
        "total": amount(order["total"]),
        "lines": [_line(line) for line in lines],
        "email": order["email"],
        "address": {**{name: order[name] for name in PARTS}, "lines": _address_lines(order)},
        "delivery": {
            "name": order["shipping_name"],
            "days_min": order["shipping_days_min"],
            "days_max": order["shipping_days_max"],
            "leaves_by": _leaves_by(order, lines),
        },
        **{name: amount(order[name]) for name in ("subtotal", "discount", "shipping", "tax_added", "tax")},
        "refunded": nothing,
        "steps": json.loads(order["steps_kept"]),
        **{name: order[name] for name in ("coupon_code", "tax_treatment", "tax_note", "vat_id")},
        "shipments": [],
        "payments": [],
        "payment_processing": False,
        "ran_out": False,
        "edit": None,
        "documents": [],
        "returns": [],
        "may": {
            "cancel": True,
            "goes_back": nothing,
            "pay": True,
            "to_pay": amount(order["total"]),
            "claim": False,
            "returns": [],
        },
        "stream": here,
    }


def _line(line: Row) -> dict[str, Any]:
    return {
        **{name: line[name] for name in ("id", "sku", "title", "options", *COUNTS)},
        "to_ship": line["quantity"] - line["shipped"] - line["cancelled"],
        **{name: line[name] for name in ("ahead", "lead_days")},
        "tax_percent": f"{line['tax_percent']:.3f}",
        "unit_price": amount(line["unit_price"]),
        "gross": amount(line["unit_price"] * line["quantity"]),
        **{name: amount(line[name]) for name in ("discount", "tax_added", "tax", "total")},
        "exchanged": 0,
    }


def _address_lines(order: Row) -> list[str]:
    town = " ".join(part for part in (order["postal_code"], order["city"]) if part)
    parts = (*(order[name] for name in ("name", "company", "line1", "line2")), town, order["region"])
    return [part for part in (*parts, countries.name(order["country"])) if part]


def _leaves_by(order: Row, lines: Sequence[Row]) -> str | None:
    days = max((line["lead_days"] for line in lines if line["ahead"]), default=0)
    return (timezone.localdate(order["placed_at"]) + timedelta(days=days)).isoformat() if days else None
