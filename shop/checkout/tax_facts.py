"""What an order keeps of how it was taxed, and of why there: an auditor asks years later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils import timezone

from shop.places import Destination
from shop.pricing.services import Totals


def known_of_buyer(headers: Mapping[str, str], vies: Mapping[str, str] | None) -> dict[str, Any]:
    """What is known of where the buyer is, beside the address: what VIES said, and what our proxy says."""
    known: dict[str, Any] = {"vies": vies}
    if settings.COUNTRY_HEADER:
        known["request_country"] = headers.get(settings.COUNTRY_HEADER, "")[:2].upper()
    return {name: value for name, value in known.items() if value}


def tax_facts(destination: Destination, totals: Totals, known: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of an order. `known` is what a face knows beyond the address: where the request came from, VIES' answer.

    For goods the place that decides is where the parcel ends; the rest only has to agree with it.
    """
    parcel = {"country": destination.country, "region": destination.region, "code": destination.postal_code}
    evidence = {
        "parcel": parcel,
        "sent_from": settings.SHOP_COUNTRY,
        "decided_on": timezone.localdate().isoformat(),
        **known,
    }
    return {
        "tax_treatment": totals.taxation.treatment,
        "tax_note": totals.taxation.note,
        "shipping_tax_percent": totals.sent.percent,
        "vat_id": destination.vat_id,
        "tax_evidence": evidence,
    }
