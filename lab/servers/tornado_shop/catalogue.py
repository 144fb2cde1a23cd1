"""Products: a page of the list, and one in full. Each is read in one statement, whatever it shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.core.signing import BadSignature, Signer

from lab.servers.tornado_shop import shapes
from lab.servers.tornado_shop.cursors import Cursor, Page
from lab.servers.tornado_shop.database import Connection, Record
from lab.servers.tornado_shop.handlers import Handler
from lab.servers.tornado_shop.refusals import Refused, invalid, not_found, not_served
from notifications.models import new_epoch

PAGE, LARGEST_PAGE = 24, 100
PARAMETERS = {"limit", "cursor", "as_of"}

# A place in the log of changes (shop/catalog/changes.py), read before the rows that it stands for.
PLACE = """
    SELECT (SELECT epoch FROM notifications_stream WHERE name = 'catalogue:changes') AS epoch,
      least(pg_snapshot_xmin(pg_current_snapshot())::text::bigint, coalesce(max(xid), 0) + 1) AS number,
      (SELECT at FROM catalog_change ORDER BY xid DESC, id DESC LIMIT 1) AS at
    FROM catalog_change
"""
BEGIN_LOG = """
    INSERT INTO notifications_stream (name, epoch, top, updated_at) VALUES ('catalogue:changes', $1, 0, now())
    ON CONFLICT (name) DO NOTHING
"""
VISIBLE = "p.visible_from <= now() AND (p.visible_until IS NULL OR p.visible_until > now())"
# The page first: what it shows is added up for its rows alone.
LIST = f"""
    WITH page AS MATERIALIZED (
      SELECT p.id AS product_id, p.position, p.slug, p.title, p.subtitle, p.artist, p.orientation,
        category.slug AS category
      FROM catalog_product p JOIN catalog_category category ON category.id = p.category_id
      WHERE {VISIBLE} AND ($1::int IS NULL OR p.position {{beyond}} $1)
        AND EXISTS (SELECT FROM catalog_variant v WHERE v.product_id = p.id)
      ORDER BY p.position {{way}}, p.id {{way}} OFFSET $2 LIMIT $3
    ), variants AS (
      SELECT v.product_id, min(v.price) AS price_from,
        (array_agg(CASE WHEN v.prior_price > v.price THEN v.prior_price END
                   ORDER BY v.price, v.position, v.id))[1] AS prior_price_from,
        sum(coalesce(s.on_hand - s.reserved + s.backorder_limit, 0)) AS available,
        sum(greatest(0, coalesce(s.on_hand - s.reserved, 0))) AS in_stock
      FROM catalog_variant v LEFT JOIN inventory_stock s ON s.variant_id = v.id
      WHERE v.product_id IN (SELECT product_id FROM page) GROUP BY v.product_id
    ), covers AS (
      SELECT DISTINCT ON (i.product_id) i.product_id, i.id, i.alt, i.tone, i.width, i.height, i.picture
      FROM catalog_productimage i
      WHERE i.position = 0 AND i.product_id IN (SELECT product_id FROM page) ORDER BY i.product_id, i.id
    )
    SELECT * FROM page JOIN variants USING (product_id) LEFT JOIN covers USING (product_id)
    ORDER BY position {{way}}, product_id {{way}}
"""
FORWARDS, BACKWARDS = LIST.format(beyond=">", way="ASC"), LIST.format(beyond="<", way="DESC")

PRODUCT = f"""
    SELECT p.slug, p.title, p.subtitle, p.artist, p.orientation, p.story, category.slug AS category,
      stream.epoch, stream.top,
      (SELECT json_agg(one ORDER BY position, id) FROM (
        SELECT id, alt, tone, width, height, picture, position FROM catalog_productimage WHERE product_id = p.id
      ) one) AS images,
      (SELECT json_agg(one ORDER BY position, id) FROM (
        SELECT a.code, a.name, a.unit, a.position, f.id, f.text, f.number, f.boolean
        FROM catalog_productattribute f JOIN catalog_attribute a ON a.id = f.attribute_id WHERE f.product_id = p.id
      ) one) AS facts,
      (SELECT json_agg(one ORDER BY position, id) FROM (
        SELECT v.id, v.position, v.sku, v.price, v.full_price, v.prior_price, v.weight_g, v.image_id,
          coalesce(s.on_hand, 0) AS on_hand, coalesce(s.reserved, 0) AS reserved,
          coalesce(s.backorder_limit, 0) AS backorder_limit, s.lead_days,
          (SELECT json_agg(json_build_object('option', o.code, 'name', o.name, 'value', x.code,
                                             'label', x.label, 'swatch', x.swatch)
                           ORDER BY o.position, x.position, x.id)
           FROM catalog_variant_values has JOIN catalog_optionvalue x ON x.id = has.optionvalue_id
           JOIN catalog_option o ON o.id = x.option_id WHERE has.variant_id = v.id) AS options
        FROM catalog_variant v LEFT JOIN inventory_stock s ON s.variant_id = v.id WHERE v.product_id = p.id
      ) one) AS variants,
      (SELECT json_agg(one ORDER BY opens_at DESC, id DESC) FROM (
        SELECT d.id, d.slug, d.title, d.opens_at, d.closes_at
        FROM drops_drop d JOIN drops_drop_products guards ON guards.drop_id = d.id
        WHERE guards.product_id = p.id AND (d.closes_at IS NULL OR d.closes_at > now())
      ) one) AS drops
    FROM catalog_product p
    JOIN catalog_category category ON category.id = p.category_id
    LEFT JOIN notifications_stream stream ON stream.name = 'product:' || p.slug
    WHERE {VISIBLE} AND p.slug = $1
"""
COVER = ("id", "alt", "tone", "width", "height", "picture")
_signer = Signer(salt="shop.api.sync")


class ProductsHandler(Handler):
    public = True

    async def get(self) -> None:
        await self.answer_public(self.request.uri or "", self._render)

    async def _render(self) -> dict[str, Any]:
        query = {name: self.get_query_argument(name) for name in self.request.query_arguments}
        if unknown := query.keys() - PARAMETERS:
            raise not_served(", ".join(sorted(unknown)))
        size = _size(query.get("limit", str(PAGE)))
        cursor = Cursor.read(query["cursor"]) if "cursor" in query else Cursor()
        statement = BACKWARDS if cursor.backwards else FORWARDS
        async with self.shop.pool.acquire() as db:
            token = await _token(db, query.get("as_of"))
            rows = await db.fetch(statement, cursor.position, cursor.skip, size + 1)
        behind = rows[size]["position"] if len(rows) > size else None
        shown = rows[:size][::-1] if cursor.backwards else rows[:size]
        page = Page(cursor, size, [row["position"] for row in shown], behind)
        return {
            "next": self._link(query, token, page.next),
            "previous": self._link(query, token, page.previous),
            "results": [shapes.card({**row, "cover": _cover(row)}, self.base_url) for row in shown],
            "sync": token,
            "gone": [],
        }

    def _link(self, query: dict[str, str], token: str, cursor: Cursor | None) -> str | None:
        if cursor is None:
            return None
        asked = sorted({**query, "as_of": token, "cursor": str(cursor)}.items())
        return f"{self.base_url}{self.request.path}?{urlencode(asked)}"


class ProductHandler(Handler):
    public = True

    async def get(self, slug: str) -> None:
        await self.answer_public(self.request.path, lambda: self._render(slug))

    async def _render(self, slug: str) -> dict[str, Any]:
        row = await self.shop.pool.fetchrow(PRODUCT, slug)
        variants = _rows(row["variants"]) if row else []
        if not variants:
            raise not_found()
        images = _rows(row["images"])
        cover = next((one for one in images if one["position"] == 0), None)
        return {
            **shapes.card({**row, **shapes.cheapest(variants), "cover": cover}, self.base_url),
            "story": row["story"],
            "attributes": [shapes.fact(one) for one in _rows(row["facts"])],
            "variants": [shapes.variant(one) for one in variants],
            "images": [shapes.image(one, self.base_url) for one in images],
            "drops": [_drop(one) for one in _rows(row["drops"])],
            "stream": {
                "name": f"product:{slug}",
                "epoch": row["epoch"] or "",
                "offset": row["top"] or 0,
            },
        }


def _rows(text: str | None) -> list[dict[str, Any]]:
    return json.loads(text, parse_float=Decimal) if text else []


def _cover(row: Record) -> dict[str, Any] | None:
    return {name: row[name] for name in COVER} if row["id"] is not None else None


def _drop(row: dict[str, Any]) -> dict[str, Any]:
    opens, closes = (
        row[name] and shapes.moment(datetime.fromisoformat(row[name])) for name in ("opens_at", "closes_at")
    )
    return {"slug": row["slug"], "title": row["title"], "opens_at": opens, "closes_at": closes}


def _size(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:5]) <= LARGEST_PAGE):
        raise invalid(f"limit: a number from 1 to {LARGEST_PAGE}.")
    return int(text)


async def _token(db: Connection, as_of: str | None) -> str:
    """Where the log of changes stands, or stood when the first page was read: as the shop signs it."""
    place = await db.fetchrow(PLACE)
    if place["epoch"] is None:
        await db.execute(BEGIN_LOG, new_epoch())
        place = await db.fetchrow(PLACE)
    if as_of is not None:
        try:
            if _signer.unsign_object(as_of)[2] != place["epoch"]:
                raise BadSignature
        except (BadSignature, ValueError):
            raise Refused(422, "invalid", "as_of: take it from `next` or `previous` of a page.") from None
        return as_of
    at: datetime | None = place["at"]
    return _signer.sign_object([place["number"], at.astimezone(UTC).timestamp() if at else 0, place["epoch"]])
