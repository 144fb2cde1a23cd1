"""Where a parcel goes, and which of several overlapping places it lies in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django_countries.fields import CountryField


def compact(postal_code: str) -> str:
    """`BT1 5GS` and `bt15gs` are one code."""
    return "".join(postal_code.upper().split()).replace("-", "")


@dataclass(frozen=True, slots=True)
class Destination:
    """`region` is the code that addresses of the country use, such as CA; `vat_id` is the buyer's, if it has one."""

    country: str
    region: str = ""
    postal_code: str = ""
    vat_id: str = ""

    @classmethod
    def of(cls, address: Mapping[str, Any], vat_id: str = "") -> Self:
        country, region, code = (
            str(address.get(name) or "") for name in ("country", "region", "postal_code")
        )
        return cls(country, region, code, vat_id)


class PlaceQuerySet[Model: Place](models.QuerySet[Model]):
    def closest(self, destination: Destination) -> Model | None:
        """The narrowest place around it: postal codes before a region, a region before its country."""
        places = self.filter(
            Q(region="") | Q(region__iexact=destination.region), country__in=[destination.country, ""]
        )
        code = compact(destination.postal_code)
        around = [place for place in places if code.startswith(compact(place.postal_prefix))]
        return max(around, key=Place.narrowness, default=None)


class Place(models.Model):
    """A country or a part of it. Narrower places win over wider ones, so exceptions need no list of what is left."""

    country = CountryField()
    region = models.CharField(
        max_length=40, blank=True, help_text="The code that addresses use, such as CA. Empty means all."
    )
    postal_prefix = models.CharField(
        "postal codes from",
        max_length=10,
        blank=True,
        help_text="How they begin, such as BT. Empty means all.",
    )

    class Meta:
        abstract = True

    def narrowness(self) -> tuple[int, bool, bool]:
        return len(compact(self.postal_prefix)), bool(self.region), bool(self.country)

    @property
    def place(self) -> str:
        return " ".join(part for part in (str(self.country), self.region, self.postal_prefix) if part)
