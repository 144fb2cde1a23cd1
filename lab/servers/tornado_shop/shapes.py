"""Rows as JSON, in the shapes of `shop/api/product_shapes.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from django.conf import settings

_pictures: dict[str, Any] = settings.PICTURES
_widest, _columns = _pictures["CONTAINER_WIDTH"], _pictures["GRID_COLUMNS"]
WIDTHS = [_widest * (column + 1) // _columns for column in range(_columns)]
Row = Mapping[str, Any]


def amount(figure: Decimal, currency: str = settings.DEFAULT_CURRENCY) -> dict[str, str]:
    plain = f"{figure:.2f}" if figure == round(figure, 2) else f"{figure.normalize():f}"
    return {"amount": plain, "currency": currency}


def optional_amount(figure: Decimal | None) -> dict[str, str] | None:
    return None if figure is None else amount(figure)


def moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def image(row: Row, base: str) -> dict[str, Any]:
    """`id`, `alt`, `tone`, `width`, `height` and `picture`, the name of its file."""
    width, height = row["width"], row["height"]
    folder = str(PurePosixPath(row["picture"]).with_suffix(""))
    files = [
        {
            "type": "image/avif",
            "width": w,
            "height": max(1, round(height * w / width)),
            "url": _media(base, f"{folder}/{w}w.avif"),
        }
        for w in WIDTHS
        if w <= width and w * height <= height * width
    ]
    told = {name: row[name] for name in ("id", "alt", "tone", "width", "height")}
    return {**told, "url": _media(base, row["picture"]), "files": files}


def card(row: Row, base: str) -> dict[str, Any]:
    """A product in a list; its `cover` is the row of a picture, or None."""
    cover = row["cover"]
    return {
        "url": f"{base}/api/v1/products/{row['slug']}/",
        **{name: row[name] for name in ("slug", "title", "subtitle", "artist", "category", "orientation")},
        "price_from": amount(row["price_from"]),
        "prior_price_from": optional_amount(row["prior_price_from"]),
        "available": row["available"],
        "in_stock": row["in_stock"],
        "cover": image(cover, base) if cover else None,
    }


def variant(row: Row) -> dict[str, Any]:
    here = max(0, row["on_hand"] - row["reserved"])
    return {
        "sku": row["sku"],
        "price": amount(row["price"]),
        "full_price": optional_amount(row["full_price"]),
        "prior_price": optional_amount(row["prior_price"]),
        "weight_g": row["weight_g"],
        "options": row["options"] or [],
        "image": row["image_id"],
        "available": row["on_hand"] + row["backorder_limit"] - row["reserved"],
        "in_stock": here,
        "lead_days": row["lead_days"] if row["backorder_limit"] else None,
    }


def fact(row: Row) -> dict[str, str]:
    if row["number"] is not None:
        value = f"{Decimal(row['number']).normalize():f} {row['unit']}".strip()
    elif row["boolean"] is not None:
        value = "Yes" if row["boolean"] else "No"
    else:
        value = row["text"]
    return {"code": row["code"], "name": row["name"], "value": value}


def cheapest(variants: Iterable[Row]) -> dict[str, Any]:
    """What a product's card tells of its variants: the price of the cheapest, and how many there are of all."""
    rows = list(variants)
    least = min(rows, key=lambda row: row["price"])
    prior = least["prior_price"]
    return {
        "price_from": least["price"],
        "prior_price_from": prior if prior is not None and prior > least["price"] else None,
        "available": sum(row["on_hand"] + row["backorder_limit"] - row["reserved"] for row in rows),
        "in_stock": sum(max(0, row["on_hand"] - row["reserved"]) for row in rows),
    }


def _media(base: str, name: str) -> str:
    return f"{base}{settings.MEDIA_URL}{quote(name)}"
