"""Which columns there are, how each is read, and an example for whoever got it wrong."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shop.catalog.catalogue_file import cells
from shop.catalog.models import Attribute, Product, TaxClass


@dataclass(frozen=True)
class Column:
    name: str
    read: Callable[[str], Any]
    example: str = ""
    of_product: bool = True
    required: bool = False
    code: str = ""  # Of an attribute or an option.
    kind: str = ""  # Of an attribute.
    unit: str = ""


FIXED = (
    Column("product", cells.read_slug(120), "swell-first-light", required=True),
    Column("title", cells.read_text(120), "First light", required=True),
    Column("subtitle", cells.read_text(160), "Six inks on cotton"),
    Column("artist", cells.read_text(80), "Maeve Rowan"),
    Column("category", cells.read_path, "Sea > Swell", required=True),
    Column("orientation", cells.read_one_of(Product.Orientation.values), "portrait"),
    Column("tax_class", cells.read_one_of(TaxClass.values), "standard"),
    Column("visible_from", cells.read_moment, "2026-03-01 or 2026-03-01 09:00:00+00:00"),
    Column("visible_until", cells.read_moment, "2026-12-31"),
    Column("position", cells.read_count, "10"),
    Column("story", cells.read_text(20_000)),
    Column("images", cells.read_list, "first-light.webp; first-light-detail.webp"),
    Column("alts", cells.read_list, "Waves under a low sun; The sun, close up"),
    Column("sku", cells.read_text(40), "BW-SWELL-01-A3", of_product=False, required=True),
    Column("price", cells.read_amount, "48.00", of_product=False, required=True),
    Column("currency", cells.read_currency, "EUR", of_product=False),
    Column("weight_g", cells.read_positive_count, "450", of_product=False, required=True),
    Column("stock", cells.read_count, "12", of_product=False),
)
BY_NAME = {column.name: column for column in FIXED}
FACTS: dict[str, Callable[[str], Any]] = {
    Attribute.Kind.TEXT: cells.read_text(200),
    Attribute.Kind.NUMBER: cells.read_fact,
    Attribute.Kind.BOOLEAN: cells.read_boolean,
}
FACT_EXAMPLES = {Attribute.Kind.TEXT: "linocut", Attribute.Kind.NUMBER: "4", Attribute.Kind.BOOLEAN: "yes"}

ATTRIBUTE = re.compile(r"attr:(?:([a-z]+):)?([-a-zA-Z0-9_]{1,40})(?:\s*\[(.{1,20})\])?")
OPTION = re.compile(r"option:([-a-zA-Z0-9_]{1,40})")


def column_named(name: str) -> Column:
    """The column that a header names. Raises ValueError."""
    if name in BY_NAME:
        return BY_NAME[name]
    if match := ATTRIBUTE.fullmatch(name):
        kind, code, unit = match[1] or Attribute.Kind.TEXT.value, match[2], match[3] or ""
        if kind not in FACTS:
            raise ValueError(f'"{kind}" is no kind of attribute; there are {", ".join(sorted(FACTS))}')
        return Column(
            f"attr:{code}", FACTS[kind], FACT_EXAMPLES[Attribute.Kind(kind)], code=code, kind=kind, unit=unit
        )
    if match := OPTION.fullmatch(name):
        return Column(name, cells.read_choice, "Oak #b08a5a", of_product=False, code=match[1])
    near = difflib.get_close_matches(name, BY_NAME, n=1)
    raise ValueError(f"unknown column{f'; did you mean {near[0]}?' if near else ''}")


def attribute_header(code: str, kind: str, unit: str) -> str:
    return f"attr:{kind}:{code} [{unit}]" if unit else f"attr:{kind}:{code}"
