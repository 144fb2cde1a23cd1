"""What a checkout looks at before it writes: the cart's lines as they are today, offers, taxes, the way of delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from djmoney.money import Money

from lab.servers.tornado_shop.database import Connection, Record
from lab.servers.tornado_shop.refusals import Refused, not_served
from shop.places import Destination, compact
from shop.pricing.assessment import EXPORT
from shop.pricing.offers import AmountOff, Benefit, BuyGet, FreeShipping, PercentOff, Terms
from shop.pricing.services import Item
from shop.pricing.taxation import Taxation, Treatment
from shop.pricing.vat_ids import MEMBERS

LINES = """
    SELECT l.id, l.quantity, l.seen_price, l.seen_lead_days, v.id AS variant_id, v.sku, v.price, v.full_price,
      v.weight_g, p.id AS product_id, p.title, p.slug, p.tax_class, c.path AS category,
      p.visible_from <= now() AND (p.visible_until IS NULL OR p.visible_until > now()) AS is_visible,
      coalesce(s.on_hand, 0) AS on_hand, coalesce(s.reserved, 0) AS reserved,
      coalesce(s.backorder_limit, 0) AS backorder_limit, coalesce(s.lead_days, 0) AS lead_days,
      (SELECT string_agg(x.label, ', ' ORDER BY o.position, x.position, x.id)
       FROM catalog_variant_values has JOIN catalog_optionvalue x ON x.id = has.optionvalue_id
       JOIN catalog_option o ON o.id = x.option_id WHERE has.variant_id = v.id) AS label,
      EXISTS (SELECT FROM drops_drop d JOIN drops_drop_products guards ON guards.drop_id = d.id
              WHERE guards.product_id = p.id AND (d.closes_at IS NULL OR d.closes_at > now())) AS is_guarded
    FROM cart_cartline l
    JOIN catalog_variant v ON v.id = l.variant_id
    JOIN catalog_product p ON p.id = v.product_id
    JOIN catalog_category c ON c.id = p.category_id
    LEFT JOIN inventory_stock s ON s.variant_id = v.id
    WHERE l.cart_id = $1 ORDER BY l.id
"""
OFFERS = """
    SELECT o.*, coalesce(u.used, 0) AS used_by_customer,
      ARRAY(SELECT product_id FROM promotions_offer_products WHERE offer_id = o.id) AS products,
      ARRAY(SELECT c.path FROM promotions_offer_categories has JOIN catalog_category c ON c.id = has.category_id
            WHERE has.offer_id = o.id ORDER BY c.path) AS categories
    FROM promotions_offer o
    LEFT JOIN promotions_customeruse u ON u.offer_id = o.id AND u.customer = $1
    WHERE NOT o.needs_code AND o.starts_at <= now() AND (o.ends_at IS NULL OR o.ends_at > now())
    ORDER BY o.priority DESC, o.id
"""
HAS_ORDERED = """
    SELECT EXISTS (SELECT FROM orders_order WHERE status <> 'cancelled'
      AND CASE WHEN $1::bigint IS NULL THEN user_id IS NULL AND upper(email) = upper($2) ELSE user_id = $1 END)
"""
TAX_ZONES = """
    SELECT z.*, (SELECT array_agg(ARRAY[r.tax_class, r.percent::text] ORDER BY r.valid_from) FROM pricing_taxrate r
                 WHERE r.zone_id = z.id AND r.valid_from <= $3
                   AND (r.valid_until IS NULL OR r.valid_until >= $3)) AS rates
    FROM pricing_taxzone z
    WHERE z.country IN ($1, '') AND (z.region = '' OR upper(z.region) = upper($2))
    ORDER BY z.country, z.region, z.postal_prefix
"""
SHIPPING_ZONES = """
    SELECT zone_id, country, region, postal_prefix FROM shipping_shippingplace
    WHERE country IN ($1, '') AND (region = '' OR upper(region) = upper($2))
    ORDER BY country, region, postal_prefix
"""
METHOD = """
    SELECT m.*, ARRAY(SELECT ROW(r.max_weight_g, r.goods_from, r.price) FROM shipping_shippingrate r
                      WHERE r.method_id = m.id AND r.zone_id = $2) AS rates
    FROM shipping_shippingmethod m
    WHERE m.code = $1 AND m.active AND (m.everywhere OR EXISTS (
      SELECT FROM shipping_shippingmethod_zones z WHERE z.shippingmethod_id = m.id AND z.shippingzone_id = $2))
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    name: str
    days_min: int
    days_max: int
    price: Money


def money(amount: Decimal) -> Money:
    return Money(amount, settings.DEFAULT_CURRENCY)


async def lines_of(db: Connection, cart_id: int) -> list[Record]:
    """Raises Refused where they are not what the buyer was shown."""
    lines = await db.fetch(LINES, cart_id)
    if not lines:
        raise Refused(409, "empty_cart", "Your cart is empty.")
    short = {line["sku"]: available for line in lines if line["quantity"] > (available := _available(line))}
    if short:
        words = "Some of it sold out while you were looking. Your cart shows what is left."
        raise Refused(409, "out_of_stock", words, short=short)
    if any(map(_has_changed, lines)):
        raise cart_changed()
    if any(line["is_guarded"] for line in lines):
        raise Refused(409, "waiting_room", "This is sold through a waiting room.")
    return lines


def cart_changed(
    words: str = "Something in your cart changed. Please look it over before you pay.",
) -> Refused:
    return Refused(409, "cart_changed", words)


def ahead(line: Mapping[str, Any]) -> int:
    """How many of the line would have to be made."""
    return max(0, line["quantity"] - max(0, line["on_hand"] - line["reserved"]))


def item_of(line: Mapping[str, Any]) -> Item:
    return Item(
        key=line["sku"],
        unit_price=money(line["price"]),
        quantity=line["quantity"],
        tax_class=line["tax_class"],
        name=line["title"],
        product=line["product_id"],
        category=line["category"],
        full_price=None if line["full_price"] is None else money(line["full_price"]),
    )


async def offers_for(db: Connection, customer: str) -> list[Terms]:
    return [_terms(row) for row in await db.fetch(OFFERS, customer)]


async def taxation_for(db: Connection, to: Destination, today: Any) -> Taxation:
    zone = _closest(await db.fetch(TAX_ZONES, to.country, to.region, today), to)
    percents = {name: Decimal(percent) for name, percent in (zone["rates"] if zone else None) or ()}
    if zone is None or not any(percents.values()):
        leaves = to.country not in MEMBERS if zone is None else not zone["in_vat_union"]
        return Taxation(note=EXPORT if settings.SHOP_COUNTRY in MEMBERS and leaves else "")
    return Taxation(percents, Treatment(zone["prices"]), "", zone["taxes_shipping"])


async def delivery_by(db: Connection, code: str, to: Destination, weight_g: int, goods: Money) -> Delivery:
    """Raises Refused."""
    kind, _, name = code.partition(":")
    if kind == "quote":
        raise not_served("carriers' quotes")
    zone = _closest(await db.fetch(SHIPPING_ZONES, to.country, to.region), to)
    method = await db.fetchrow(METHOD, name if kind == "method" else "", zone["zone_id"] if zone else None)
    price = _price(method, weight_g, goods.amount) if method else None
    if method is None or price is None:
        words = "This way of delivery is no longer offered for your parcel. Please choose again."
        raise Refused(409, "shipping_gone", words)
    return Delivery(method["name"], method["days_min"], method["days_max"], money(price))


def _available(line: Mapping[str, Any]) -> int:
    return line["on_hand"] + line["backorder_limit"] - line["reserved"]


def _has_changed(line: Mapping[str, Any]) -> bool:
    waits = line["lead_days"] if ahead(line) else 0
    return not line["is_visible"] or line["seen_price"] != line["price"] or waits > line["seen_lead_days"]


def _closest(places: Sequence[Record], to: Destination) -> Record | None:
    """The narrowest place around it, of equals the first."""
    code = compact(to.postal_code)
    around = [place for place in places if code.startswith(compact(place["postal_prefix"]))]

    def narrowness(place: Record) -> tuple[int, bool, bool]:
        return len(compact(place["postal_prefix"])), bool(place["region"]), bool(place["country"])

    return max(around, key=narrowness, default=None)


def _price(method: Record, weight_g: int, goods: Decimal) -> Decimal | None:
    if method["max_weight_g"] is not None and weight_g > method["max_weight_g"]:
        return None
    if not method["rates"]:
        is_free = method["free_from"] is not None and goods >= method["free_from"]
        return Decimal(0) if is_free else method["price"]
    step = min((most for most, _, _ in method["rates"] if most >= weight_g), default=None)
    reached = [(start, price) for most, start, price in method["rates"] if most == step and start <= goods]
    return max(reached)[1] if reached else None


def _terms(row: Record) -> Terms:
    limit, each = row["limit"], each_customer(row)
    return Terms(
        key=row["id"],
        name=row["name"],
        benefit=_benefit(row),
        products=frozenset(row["products"]),
        categories=tuple(row["categories"]),
        minimum=None if row["minimum"] is None else money(row["minimum"]),
        first_order=row["first_order"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        left=None if limit is None else limit - row["used"],
        left_for_buyer=None if each is None else each - row["used_by_customer"],
        priority=row["priority"],
        exclusive=row["exclusive"],
    )


def each_customer(row: Mapping[str, Any]) -> int | None:
    return 1 if row["first_order"] else row["limit_per_customer"]


def _benefit(row: Record) -> Benefit:
    match row["kind"]:
        case "percent":
            return PercentOff(row["percent"])
        case "amount":
            return AmountOff(money(row["amount"]))
        case "buy_get":
            return BuyGet(row["buy"], row["get"], row["percent"])
        case _:
            return FreeShipping()
