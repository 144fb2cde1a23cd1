"""Two parcel carriers that never were. Tideway is dear and quick, Gannet cheap and slow.

Prices follow from zone and weight alone, so the same parcel costs the same tomorrow. Each can be slow or
broken on demand: an error, no answer at all, or an answer that is not one.
"""

import asyncio
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from shop.sandbox.asgi import Request, Response, as_json
from shop.sandbox.knobs import Knobs
from shop.sandbox.words import words

HANG_SECONDS = 60.0
MAX_PARCELS = 20
VOLUMETRIC = 5000  # cubic centimetres that count as a kilogram

EU = words("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK")
NEAR_EU = words("AD AL BA CH GB GG GI IM IS JE LI MC MD ME MK NO RS SM UA VA XK")
NORTH_AMERICA = words("US CA MX")
STEPS = ((500, 0.8), (1000, 1.0), (2000, 1.25), (5000, 1.7), (10_000, 2.4), (20_000, 3.6), (31_500, 5.0))


@dataclass(frozen=True)
class Service:
    code: str
    name: str
    prices: tuple[
        int, int, int, int
    ]  # cents for one kilogram: home, EU, near, world; 0 where it is not offered
    days: tuple[tuple[int, int], ...]


CARRIERS = {
    "tideway": (
        Service(
            "tideway_standard", "Tideway Standard", (690, 1490, 1990, 3490), ((1, 2), (3, 5), (4, 6), (6, 11))
        ),
        Service(
            "tideway_express", "Tideway Express", (1390, 2690, 3490, 5990), ((1, 1), (1, 2), (2, 3), (3, 5))
        ),
    ),
    "gannet": (
        Service(
            "gannet_parcel", "Gannet Parcel", (490, 1190, 1690, 2790), ((2, 3), (4, 7), (6, 10), (10, 18))
        ),
        Service(
            "gannet_tracked", "Gannet Tracked", (620, 1390, 1890, 3090), ((2, 3), (4, 6), (5, 8), (8, 14))
        ),
        Service("gannet_point", "Gannet Pick-up Point", (390, 890, 0, 0), ((2, 4), (4, 7), (0, 0), (0, 0))),
    ),
}
STAGES = ("announced", "collected", "in_transit", "out_for_delivery", "delivered")


class BadRequest(ValueError):
    pass


async def handle(request: Request, path: str, knobs: Knobs) -> Response:
    carrier, _, action = path.partition("/")
    if carrier not in CARRIERS:
        return _error(404, f"There is no carrier {carrier[:40]!r}.")
    await asyncio.sleep(getattr(knobs, f"{carrier}_latency_ms") / 1000)
    if broken := await _fault(getattr(knobs, f"{carrier}_fault")):
        return broken
    if action == "rates":
        return _rates(request, carrier)
    if match := re.fullmatch(r"track/([A-Za-z0-9-]{4,40})", action):
        return as_json(track(carrier, match[1]))
    return _error(404, "Unknown address.")


async def _fault(fault: str) -> Response | None:
    if fault == "hang":
        await asyncio.sleep(HANG_SECONDS)
    if fault in ("error", "hang"):
        return _error(500, "The rating engine is down.")
    if fault == "garbage":
        return Response(200, b'<html><body>{"rates": [{"service": ]', "application/json")
    return None


def _rates(request: Request, carrier: str) -> Response:
    if request.method != "POST":
        return _error(405, "Ask for rates with POST.")
    try:
        asked = json.loads(request.body)
        return as_json({"carrier": carrier, "rates": rates(carrier, asked)})
    except BadRequest as error:
        return _error(400, str(error))
    except (ValueError, RecursionError):
        return _error(400, "The body is not JSON.")


def rates(carrier: str, asked: Any) -> list[dict[str, Any]]:
    origin, destination = _country(asked, "origin"), _country(asked, "destination")
    _postal_code(asked["destination"])
    weights = [_weight(parcel) for parcel in _parcels(asked)]
    zone = _zone(origin, destination)
    return [
        {
            "service": service.code,
            "name": service.name,
            "amount_minor": sum(_price(service.prices[zone], weight) for weight in weights),
            "currency": "EUR",
            "delivery_days": list(service.days[zone]),
        }
        for service in CARRIERS[carrier]
        if service.prices[zone]
    ]


def _country(asked: Any, side: str) -> str:
    place = asked.get(side) if isinstance(asked, dict) else None
    country = place.get("country") if isinstance(place, dict) else None
    if not isinstance(country, str) or not re.fullmatch("[A-Z]{2}", country):
        raise BadRequest(f"{side}.country is an ISO 3166 code of two letters.")
    return country


def _postal_code(destination: dict[str, Any]) -> None:
    code = destination.get("postal_code", "")
    if not isinstance(code, str) or len(code) > 20:
        raise BadRequest("destination.postal_code is a text of up to 20 characters.")


def _parcels(asked: dict[str, Any]) -> list[Any]:
    parcels = asked.get("parcels")
    if not isinstance(parcels, list) or not 1 <= len(parcels) <= MAX_PARCELS:
        raise BadRequest(f"parcels is a list of 1 to {MAX_PARCELS}.")
    return parcels


def _weight(parcel: Any) -> int:
    """Grams to be paid for: by scale or by size, whichever is more."""
    if not isinstance(parcel, dict):
        raise BadRequest("A parcel is an object.")
    grams = _measure(parcel, "weight_g", 31_500)
    length, width, height = (_measure(parcel, name, 2000) for name in ("length_mm", "width_mm", "height_mm"))
    return min(max(grams, length * width * height // VOLUMETRIC), 31_500)


def _measure(parcel: dict[str, Any], name: str, top: int) -> int:
    value = parcel.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= top:
        raise BadRequest(f"{name} is a whole number from 1 to {top}.")
    return value


def _price(for_a_kilogram: int, grams: int) -> int:
    factor = next(factor for limit, factor in STEPS if grams <= limit)
    return round(for_a_kilogram * factor / 10) * 10


def _zone(origin: str, destination: str) -> int:
    if origin == destination:
        return 0
    if {origin, destination} <= EU or {origin, destination} <= NORTH_AMERICA:
        return 1
    return 2 if {origin, destination} <= EU | NEAR_EU else 3


def track(carrier: str, number: str) -> dict[str, Any]:
    """Where a parcel is, decided by its number."""
    stage = hashlib.sha256(f"{carrier}:{number}".encode()).digest()[0] % len(STAGES)
    return {
        "carrier": carrier,
        "number": number,
        "status": STAGES[stage],
        "history": list(STAGES[: stage + 1]),
    }


def _error(status: int, message: str) -> Response:
    return as_json({"error": {"message": message}}, status)
