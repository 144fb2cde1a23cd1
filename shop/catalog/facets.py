"""Narrowing a list of products by what their variants are, and counting what each further choice would leave.

A facet's counts ignore what is chosen in that facet itself, so that its other choices stay open. All counts of a
page come in one query, however many facets there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property, reduce
from operator import or_
from typing import Any

from django.db.models import Case, CharField, Count, F, Q, QuerySet, Value, When
from django.db.models.functions import Substr
from django.utils.datastructures import MultiValueDict

from shop.catalog.models import Category, OptionValue, ProductQuerySet, Variant


@dataclass(frozen=True)
class Band:
    code: str
    low: Decimal | None
    high: Decimal | None

    @property
    def condition(self) -> Q:
        above = Q(price__gte=self.low) if self.low is not None else Q()
        return above & Q(price__lt=self.high) if self.high is not None else above


BANDS = (
    Band("to-50", None, Decimal(50)),
    Band("50-90", Decimal(50), Decimal(90)),
    Band("90-150", Decimal(90), Decimal(150)),
    Band("from-150", Decimal(150), None),
)


@dataclass(frozen=True)
class Selection:
    """What somebody chose. Codes that do not exist never get in here."""

    categories: frozenset[str] = frozenset()
    options: dict[str, frozenset[str]] = field(default_factory=dict)
    bands: frozenset[str] = frozenset()
    in_stock: bool = False
    low: Decimal | None = None  # what one costs at least and at most, both included
    high: Decimal | None = None

    def __bool__(self) -> bool:
        bounded = self.low is not None or self.high is not None
        return bool(self.categories or any(self.options.values()) or self.bands or self.in_stock or bounded)

    def without(self, facet: str) -> Selection:
        if facet == "category":
            return replace(self, categories=frozenset())
        if facet == "price":
            return replace(self, bands=frozenset(), low=None, high=None)
        if facet == "stock":
            return replace(self, in_stock=False)
        return replace(self, options={code: chosen for code, chosen in self.options.items() if code != facet})


@dataclass(frozen=True)
class Choice:
    code: str
    label: str
    count: int
    chosen: bool
    swatch: str = ""
    band: Band | None = None


@dataclass(frozen=True)
class Facet:
    code: str
    name: str
    choices: list[Choice]


class Facets:
    """The facets of some products: read a selection, narrow by it, count."""

    def __init__(
        self, products: ProductQuerySet, categories: Sequence[Category] | QuerySet[Category]
    ) -> None:
        self.products = products
        self.categories = categories

    @cached_property
    def values(self) -> list[OptionValue]:
        return list(OptionValue.objects.select_related("option"))

    def read(self, params: MultiValueDict[str, str]) -> Selection:
        options: dict[str, set[str]] = {}
        for value in self.values:
            if value.code in params.getlist(value.option.code):
                options.setdefault(value.option.code, set()).add(value.code)
        return Selection(
            categories=_known(params.getlist("category"), (category.slug for category in self.categories)),
            options={code: frozenset(chosen) for code, chosen in options.items()},
            bands=_known(params.getlist("price"), (band.code for band in BANDS)),
            in_stock=params.get("stock") == "in",
        )

    def narrow(self, selection: Selection) -> ProductQuerySet:
        """Products with a variant that is everything chosen at once."""
        return self._in_categories(selection).filter(pk__in=_variants(selection).values("product"))

    def count(self, selection: Selection) -> tuple[int, list[Facet]]:
        """How many products are left, and the facets with how many each choice would leave."""
        left, *branches = [self._branch("", selection, Value("")), *self._branches(selection)]
        counts = {(facet, code): n for facet, code, n in left.union(*branches, all=True).order_by()}
        facets = [
            Facet("category", "Series", self._category_choices(selection, counts)),
            *self._option_facets(selection, counts),
            Facet("price", "Price", self._band_choices(selection, counts)),
            Facet(
                "stock",
                "Stock",
                [Choice("in", "In stock", counts.get(("stock", "in"), 0), selection.in_stock)],
            ),
        ]
        return counts.get(("", ""), 0), [facet for facet in facets if facet.choices]

    def _in_categories(self, selection: Selection) -> ProductQuerySet:
        if not selection.categories:
            return self.products
        chosen = [category for category in self.categories if category.slug in selection.categories]
        below = [Q(category__path__startswith=category.path) for category in chosen]
        return self.products.filter(reduce(or_, below)) if below else self.products

    def _branches(self, selection: Selection) -> Iterable[QuerySet[Any, Any]]:
        if self.categories:
            # Siblings' paths have one length: a product belongs to the one its own path begins with.
            path = Substr("product__category__path", 1, len(self.categories[0].path))
            yield self._branch("category", selection, path)
        for code in {value.option.code for value in self.values}:
            yield self._branch(code, selection, F("values__code"), Q(values__option__code=code))
        bands = [When(band.condition, then=Value(band.code)) for band in BANDS]
        yield self._branch("price", selection, Case(*bands, output_field=CharField()))
        yield self._branch("stock", selection, Value("in"), IN_STOCK)

    def _branch(
        self, facet: str, selection: Selection, code: Any, only: Q | None = None
    ) -> QuerySet[Any, Any]:
        others = selection.without(facet)
        found = Variant.objects.filter(product__in=self._in_categories(others).order_by().values("pk"))
        found = found.filter(pk__in=_variants(others).values("pk"))
        if only is not None:
            found = found.filter(only)
        named = found.order_by().annotate(facet=Value(facet), choice=code)
        return named.values_list("facet", "choice").annotate(n=Count("product", distinct=True))

    def _category_choices(self, selection: Selection, counts: dict[tuple[str, str], int]) -> list[Choice]:
        return [
            Choice(
                one.slug, one.name, counts.get(("category", one.path), 0), one.slug in selection.categories
            )
            for one in self.categories
        ]

    def _option_facets(self, selection: Selection, counts: dict[tuple[str, str], int]) -> list[Facet]:
        facets: dict[str, Facet] = {}
        for value in self.values:
            code = value.option.code
            chosen = value.code in selection.options.get(code, ())
            choice = Choice(value.code, value.label, counts.get((code, value.code), 0), chosen, value.swatch)
            facets.setdefault(code, Facet(code, value.option.name, [])).choices.append(choice)
        return list(facets.values())

    def _band_choices(self, selection: Selection, counts: dict[tuple[str, str], int]) -> list[Choice]:
        return [
            Choice(
                band.code, "", counts.get(("price", band.code), 0), band.code in selection.bands, band=band
            )
            for band in BANDS
        ]


IN_STOCK = Q(stock__on_hand__gt=F("stock__reserved"))


def _variants(selection: Selection) -> QuerySet[Variant]:
    found = Variant.objects.order_by()
    for code, chosen in selection.options.items():
        found = found.filter(values__option__code=code, values__code__in=chosen)
    if selection.bands:
        found = found.filter(reduce(or_, (band.condition for band in BANDS if band.code in selection.bands)))
    if selection.low is not None:
        found = found.filter(price__gte=selection.low)
    if selection.high is not None:
        found = found.filter(price__lte=selection.high)
    return found.filter(IN_STOCK) if selection.in_stock else found


def _known(given: Iterable[str], known: Iterable[str]) -> frozenset[str]:
    return frozenset(given) & frozenset(known)
