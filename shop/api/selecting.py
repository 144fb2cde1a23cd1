"""Which products a request asks for: the parameters that a list and its facets share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from shop.api.refusals import Unfit
from shop.api.shapes import Query, Several, Words
from shop.catalog.facets import BANDS, Facets, Selection
from shop.catalog.models import Category, Product
from shop.catalog.search import search

MOST_CHOICES = 20
LONGEST_QUERY = 100
AMOUNT = r"^[0-9]{1,9}(\.[0-9]{1,3})?$"


def bound(help_text: str) -> serializers.RegexField:
    return serializers.RegexField(
        AMOUNT,
        required=False,
        help_text=help_text,
        error_messages={"invalid": "An amount, such as 24.50."},
    )


class SelectionQuery(Query):
    q = Words(
        required=False,
        allow_blank=True,
        max_length=LONGEST_QUERY,
        help_text="Words that somebody typed; beginnings are enough, and misspelt ones are understood.",
    )
    category = Several(
        child=serializers.SlugField(max_length=80),
        required=False,
        min_length=1,
        max_length=MOST_CHOICES,
        help_text="Slugs of categories with the same parent; each includes what lies below it.",
    )
    options = Several(
        child=serializers.RegexField(
            r"^[-a-zA-Z0-9_]{1,40}:[-a-zA-Z0-9_]{1,60}$",
            error_messages={"invalid": "A value as `facets/` names it, such as size:30x40."},
        ),
        required=False,
        min_length=1,
        max_length=MOST_CHOICES,
        help_text="`size:30x40,frame:oak`: values of one option widen, those of two narrow. One variant has them all.",
    )
    price = Several(
        child=serializers.ChoiceField([band.code for band in BANDS]),
        required=False,
        min_length=1,
        max_length=MOST_CHOICES,
        help_text="Bands of prices, as the facet `price` names them.",
    )
    price_min = bound("What a variant costs at least, in the shop's currency, itself included.")
    price_max = bound("What a variant costs at most, itself included.")
    stock = serializers.ChoiceField(["in"], required=False, help_text="`in`: what can leave today.")


@dataclass(frozen=True)
class Asked:
    facets: Facets
    selection: Selection
    ranked: bool  # in an order of its own: the best match first


def select(query: Mapping[str, Any]) -> Asked:
    """Raises Unfit for what is not known."""
    products = Product.objects.visible()
    ranked = bool(query.get("q"))
    if ranked:
        products = search(query["q"], products)
    chosen, choices, above = _categories(query.get("category", []))
    if above is not None:
        products = products.in_category(above)
    facets = Facets(products, choices)
    pairs = query.get("options", [])
    selection = Selection(
        categories=frozenset(chosen),
        options=_options(facets, pairs) if pairs else {},
        bands=frozenset(query.get("price", [])),
        in_stock=query.get("stock") == "in",
        low=_amount(query, "price_min"),
        high=_amount(query, "price_max"),
    )
    return Asked(facets, selection, ranked)


def _amount(query: Mapping[str, Any], name: str) -> Decimal | None:
    return Decimal(query[name]) if name in query else None


def _categories(
    slugs: Sequence[str],
) -> tuple[set[str], list[Category] | QuerySet[Category], Category | None]:
    """The chosen ones, those to choose from, and the one that is the whole. Of one with others below it, these
    are the choices, as on its page.
    """
    if not slugs:
        return set(), Category.objects.filter(depth=1), None
    tree = list(Category.objects.all())
    known = {one.slug: one for one in tree}
    if unknown := sorted(set(slugs) - known.keys()):
        raise Unfit({"category": [f"There is no category {slug}." for slug in unknown]}, "unknown", "query")
    chosen = [known[slug] for slug in dict.fromkeys(slugs)]
    first = chosen[0]
    if len(chosen) == 1 and (below := [one for one in tree if one.is_child_of(first)]):
        return set(), below, first
    beside = [one for one in tree if one.is_sibling_of(first)]
    if not all(one in beside for one in chosen):
        raise Unfit({"category": ["Those given together have the same parent."]}, "not_siblings", "query")
    return {one.slug for one in chosen}, beside, None


def _options(facets: Facets, pairs: Sequence[str]) -> dict[str, frozenset[str]]:
    known = {f"{value.option.code}:{value.code}" for value in facets.values}
    if unknown := sorted(set(pairs) - known):
        raise Unfit({"options": [f"There is no {pair}." for pair in unknown]}, "unknown", "query")
    found: dict[str, set[str]] = {}
    for pair in pairs:
        code, _, value = pair.partition(":")
        found.setdefault(code, set()).add(value)
    return {code: frozenset(values) for code, values in found.items()}
