"""The EU's register of VAT ids in miniature. It knows every id but those that end in 9, and can be slow or broken."""

import asyncio
import json
import re
import secrets
from typing import Any

from shop.sandbox.asgi import Request, Response, as_json
from shop.sandbox.knobs import Knobs


async def handle(request: Request, path: str, knobs: Knobs) -> Response:
    if path != "rest-api/check-vat-number" or request.method != "POST":
        return as_json({"error": "Ask by POST rest-api/check-vat-number."}, 404)
    await asyncio.sleep(knobs.vies_latency_ms / 1000)
    if knobs.vies_fault == "error":
        return as_json({"error": "Internal error"}, 500)
    try:
        asked = json.loads(request.body)
        country, number = str(asked["countryCode"]), str(asked["vatNumber"])
    except (ValueError, LookupError, TypeError):
        return as_json(_wrong("INVALID_INPUT"), 400)
    if (
        knobs.vies_fault == "member_down"
    ):  # what VIES says when a member's own register is down, with status 200
        return as_json(_wrong("MS_UNAVAILABLE"))
    known = bool(re.fullmatch("[A-Z]{2}", country)) and not number.endswith("9")
    consultation = f"WAPIAAAA{secrets.token_hex(4).upper()}" if known and asked.get("requesterNumber") else ""
    return as_json(
        {"countryCode": country, "vatNumber": number, "valid": known, "requestIdentifier": consultation}
    )


def _wrong(error: str) -> dict[str, Any]:
    return {"actionSucceed": False, "errorWrappers": [{"error": error}]}
