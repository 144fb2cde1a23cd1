"""The ways to send one parcel, with prices: our own methods, and what carriers answer within one deadline."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import aiohttp
from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone
from djmoney.money import Money

from shop.errors import ShopError
from shop.money import minor_unit
from shop.places import Destination
from shop.shipping.models import Offer, Quote, ShippingMethod
from shop.waiting import holding_nothing

logger = logging.getLogger(__name__)
QUOTE_LIFETIME = timedelta(hours=2)
ROLLED = {"length_mm": 820, "width_mm": 110, "height_mm": 110}


class ShippingGone(ShopError):
    code = "shipping_gone"
    message = "This way of delivery is no longer offered for your parcel. Please choose again."


@dataclass(frozen=True, slots=True)
class Choice:
    """`code` is `method:<code>` or `quote:<uuid>`, for `find_choice`."""

    code: str
    name: str
    price: Money
    days_min: int
    days_max: int
    description: str = ""
    collected: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """`left_out` names carriers that were too slow or broken, in words for the buyer."""

    choices: list[Choice]
    left_out: list[str]


async def gather_options(destination: Destination, weight_g: int, goods: Money) -> Options:
    """Asks every carrier at once; after CARRIER_DEADLINE_SECONDS the silent ones are left out.

    No database connection is held while they are waited for.
    """
    parcel = {
        "origin": {"country": settings.SHOP_COUNTRY},
        "destination": {"country": destination.country, "postal_code": destination.postal_code},
        "parcels": [{"weight_g": weight_g, **ROLLED}],
    }
    timeout = aiohttp.ClientTimeout(total=settings.CARRIER_DEADLINE_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        asked = [_ask(session, name, url, parcel) for name, url in settings.CARRIERS.items()]
        answers = dict(zip(settings.CARRIERS, await holding_nothing(asyncio.gather(*asked)), strict=True))
    return await sync_to_async(_options)(destination, weight_g, goods, answers)


async def _ask(session: aiohttp.ClientSession, name: str, url: str, parcel: dict) -> list[dict] | str:
    """A carrier's rates, or in words why it has none: whatever it does must not stop the others."""
    try:
        async with session.post(f"{url}/rates", json=parcel) as response:
            response.raise_for_status()
            return [_checked(rate) for rate in (await response.json())["rates"]]
    except TimeoutError:
        return "did not answer in time"
    except (
        aiohttp.ClientError,
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        logger.warning("carrier %s gave no rates: %r", name, error)
        return "cannot quote at the moment"


def _checked(rate: dict) -> dict:
    """The fields we use, or an exception for an answer that makes no sense."""
    days_min, days_max = (int(day) for day in rate["delivery_days"])
    minor = int(rate["amount_minor"])
    if not (0 < days_min <= days_max <= 365 and 0 <= minor <= 10**8):
        raise ValueError(f"senseless rate {rate}")
    return {
        "service": str(rate["service"])[:80],
        "name": str(rate["name"])[:120],
        "currency": str(rate["currency"]).upper(),
        "amount_minor": minor,
        "days_min": days_min,
        "days_max": days_max,
    }


def _options(
    destination: Destination, weight_g: int, goods: Money, answers: dict[str, list[dict] | str]
) -> Options:
    offers = ShippingMethod.objects.offers(destination, weight_g, goods)
    choices = [_method_choice(offer) for offer in offers]
    left_out, quotes = [], []
    for carrier, answer in answers.items():
        if isinstance(answer, str):
            left_out.append(f"{carrier.title()} {answer}.")
        else:
            # A rate in another currency is not ours to convert.
            ours = [rate for rate in answer if rate["currency"] == str(goods.currency)]
            quotes += [_quote(carrier, rate, destination, weight_g, goods) for rate in ours]
    choices += [_quote_choice(quote) for quote in Quote.objects.bulk_create(quotes)]
    return Options(sorted(choices, key=lambda choice: choice.price.amount), left_out)


def _quote(carrier: str, rate: dict, destination: Destination, weight_g: int, goods: Money) -> Quote:
    amount = Decimal(rate["amount_minor"]) * minor_unit(goods.currency)
    return Quote(
        carrier=carrier,
        service=rate["service"],
        name=rate["name"],
        price=Money(amount, goods.currency),
        country=destination.country,
        postal_code=destination.postal_code,
        weight_g=weight_g,
        days_min=rate["days_min"],
        days_max=rate["days_max"],
        expires_at=timezone.now() + QUOTE_LIFETIME,
    )


def _method_choice(offer: Offer) -> Choice:
    method = offer.method
    return Choice(
        f"method:{method.code}",
        method.name,
        offer.price,
        method.days_min,
        method.days_max,
        method.description,
        method.collected,
    )


def _quote_choice(quote: Quote) -> Choice:
    return Choice(f"quote:{quote.public_id}", quote.name, quote.price, quote.days_min, quote.days_max)


def find_choice(code: str, *, destination: Destination, weight_g: int, goods: Money) -> Choice:
    """The choice behind a code, checked against the parcel as it is now. Raises ShippingGone."""
    kind, _, key = code.partition(":")
    if kind == "method":
        for offer in ShippingMethod.objects.filter(code=key).offers(destination, weight_g, goods):
            return _method_choice(offer)
    if kind == "quote":
        parcel = (destination.country, destination.postal_code, weight_g)
        try:
            quote = Quote.objects.valid_for(*parcel).filter(public_id=UUID(key)).first()
        except ValueError:
            quote = None
        if quote:
            return _quote_choice(quote)
    raise ShippingGone


def parcel_from(destination: Destination, weight_g: int, goods: Money) -> tuple[Money | None, Money | None]:
    """What our own parcels cost at least there, and how much more in goods would make one free; nothing unknown."""
    offers = ShippingMethod.objects.parcels(destination, weight_g, goods)
    cheapest = offers[0].price if offers else None
    more = [offer.free_from - goods.amount for offer in offers if offer.free_from and offer.price.amount]
    return cheapest, Money(min(more), goods.currency) if cheapest and more else None


def forget_old_quotes() -> int:
    return Quote.objects.filter(expires_at__lt=timezone.now() - timedelta(days=1)).delete()[0]
