"""Which variant a buyer's choices mean, and what else could be had from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from shop.catalog.models import Option, OptionValue, Variant


@dataclass(frozen=True)
class Offered:
    """One value of an option: chosen or not, and whether it can be had with the other choices as they are."""

    value: OptionValue
    chosen: bool
    available: bool


@dataclass(frozen=True)
class OfferedOption:
    option: Option
    values: list[Offered]

    @property
    def chosen(self) -> OptionValue | None:
        return next((offered.value for offered in self.values if offered.chosen), None)


def available(variant: Variant) -> int:
    """How many can be bought; none where nobody counts any."""
    return variant.stock.available if hasattr(variant, "stock") else 0


def codes(variant: Variant) -> dict[str, str]:
    return {value.option.code: value.code for value in variant.option_values}


def url_of(variant: Variant) -> str:
    """Its product's page with this one chosen."""
    return f"{variant.product.get_absolute_url()}?{urlencode(codes(variant))}".removesuffix("?")


def choose(variants: Sequence[Variant], wanted: Mapping[str, str]) -> Variant | None:
    """The one nearest to what is wanted; of equals one in stock, of those the first."""

    def nearness(variant: Variant) -> tuple[int, bool]:
        own = codes(variant)
        return sum(own.get(code) == value for code, value in wanted.items()), available(variant) > 0

    return max(variants, key=nearness, default=None)


def offered(variants: Sequence[Variant], chosen: Variant) -> list[OfferedOption]:
    """Every option with its values, seen from the chosen variant."""
    values = {value.pk: value for variant in variants for value in variant.option_values}
    ordered = sorted(values.values(), key=lambda value: (value.option.position, value.position, value.pk))
    options: dict[str, OfferedOption] = {}
    for value in ordered:
        option = options.setdefault(value.option.code, OfferedOption(value.option, []))
        wanted = codes(chosen) | {value.option.code: value.code}
        there = any(codes(variant) == wanted and available(variant) > 0 for variant in variants)
        option.values.append(Offered(value, codes(chosen).get(value.option.code) == value.code, there))
    return list(options.values())
