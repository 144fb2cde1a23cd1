"""The form of an address in each country: its fields in their order, what they are called, what they take."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import PostalAddress
from accounts.postal import AddressRules, rules_for

PERSON_FIELDS = ("name", "country", "company", "line1", "line2")
LABELS = {
    "name": "Full name",
    "country": "Country",
    "company": "Company",
    "line1": "Street and house number",
    "line2": "Flat, floor, building",
    "phone": "Phone",
}


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    label: str
    required: bool
    max_length: int
    example: str
    choices: list[dict[str, str]]


def field_order(rules: AddressRules) -> list[str]:
    used = [name for name in rules.town_order if name in rules.used]
    return [*PERSON_FIELDS, *used, "phone"]


def form_of(country: str) -> list[Field]:
    """Raises ValueError for a country that the address data does not know."""
    rules = rules_for(country)
    return [_field(name, rules) for name in field_order(rules)]


def _field(name: str, rules: AddressRules) -> Field:
    return Field(
        name=name,
        label=rules.labels.get(name) or LABELS[name],
        required=name in ("name", "country") or name in rules.required,
        max_length=getattr(PostalAddress._meta.get_field(name), "max_length", 2),
        example=rules.example if name == "postal_code" else "",
        choices=[{"value": value, "label": label} for value, label in rules.regions]
        if name == "region"
        else [],
    )
