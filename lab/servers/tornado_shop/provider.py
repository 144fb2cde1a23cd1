"""The payment provider over HTTP, as far as a checkout needs it: two calls of Stripe's API.

By aiohttp, which keeps connections: Tornado's own client opens one for each request and has ten under way at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
from django.conf import settings

from lab.servers.tornado_shop.refusals import Refused

TRIES, PAUSE_SECONDS = 3, 0.5


class Provider:
    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._url = f"{settings.STRIPE_API_BASE}/v1/payment_intents"
        self._headers = {"Authorization": f"Bearer {settings.STRIPE_SECRET_KEY}"}

    async def create_intent(
        self, key: str, amount_minor: int, email: str, description: str
    ) -> dict[str, Any]:
        """The same key gives the same intent."""
        wanted = {
            "amount": str(amount_minor),
            "currency": settings.DEFAULT_CURRENCY.lower(),
            "automatic_payment_methods[enabled]": "true",
            "description": description,
            "receipt_email": email,
            "metadata[payment]": key,
            "capture_method": "manual" if settings.PAYMENT_CAPTURE == "at_shipping" else "automatic",
        }
        return await self._ask("POST", "", {"Idempotency-Key": key}, data=wanted)

    async def retrieve_intent(self, intent_id: str) -> dict[str, Any]:
        return await self._ask("GET", f"/{intent_id}", params={"expand[]": "latest_charge"})

    async def cancel_intent(self, intent_id: str) -> None:
        await self._ask("POST", f"/{intent_id}/cancel")

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str] = {}, **sent: Any
    ) -> dict[str, Any]:
        for left in reversed(range(TRIES)):
            try:
                async with self._http.request(
                    method, self._url + path, headers={**self._headers, **headers}, **sent
                ) as answer:
                    told = await answer.json()
                if answer.status < 400:
                    return told
                if answer.status < 500 and answer.status not in (409, 429):
                    raise Refused(402, "payment_refused", told["error"]["message"])
            except (aiohttp.ClientError, TimeoutError, ValueError):
                pass  # nobody knows whether it was done: the same key asks again
            if left:
                await asyncio.sleep(PAUSE_SECONDS)
        words = "Our payment provider does not answer at the moment. Your order is kept; please try again."
        raise Refused(503, "payment_provider_unavailable", words)
