"""VIES, the EU's register of VAT ids: whether a member state gave one out. Asked only where VIES_URL is set."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import aiohttp
from django.conf import settings
from django.utils import timezone

from shop.errors import ShopError
from shop.pricing.vat_ids import member_of
from shop.waiting import holding_nothing

logger = logging.getLogger(__name__)


class VatIdUnknown(ShopError):
    code = "vat_id_unknown"
    message = "VIES, the EU's register, does not know this VAT id."


def refuse_unknown(said: Mapping[str, str] | None) -> None:
    """Raises VatIdUnknown where the register was asked and knows no such id."""
    if said and said["answer"] == "unknown":
        raise VatIdUnknown


async def ask_vies(vat_id: str) -> dict[str, str]:
    """`answer` is `known`, `unknown` or `silent`; `reference` is the consultation number, proof of having asked.

    A register that does not answer within VIES_DEADLINE_SECONDS stops nobody from buying. Ids from outside the EU
    are not asked for.
    """
    if not member_of(vat_id):
        return {"answer": "silent"}
    found = await holding_nothing(_ask(vat_id))
    return {"asked_at": timezone.now().isoformat(timespec="seconds"), **found}


async def _ask(vat_id: str) -> dict[str, str]:
    question = {"countryCode": vat_id[:2], "vatNumber": vat_id[2:]}
    if ours := settings.SELLER["vat_id"]:
        question |= {"requesterMemberStateCode": ours[:2], "requesterNumber": ours[2:]}
    timeout = aiohttp.ClientTimeout(total=settings.VIES_DEADLINE_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(f"{settings.VIES_URL}/check-vat-number", json=question) as response,
        ):
            response.raise_for_status()
            return _read(await response.json())
    except (TimeoutError, aiohttp.ClientError, LookupError, TypeError, ValueError) as error:
        logger.warning("VIES gave no answer: %r", error)
        return {"answer": "silent"}


def _read(answer: dict) -> dict[str, str]:
    """Raises LookupError where a member state's register is down, which VIES says with its own status 200."""
    known = {True: "known", False: "unknown"}[answer["valid"]]
    reference = str(answer.get("requestIdentifier") or "")[:40]
    return {"answer": known} | ({"reference": reference} if reference else {})
