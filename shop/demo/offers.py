"""Something of every kind of offer, to be found at work in the demo."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from djmoney.money import Money

from shop.catalog.models import Category
from shop.giftcards.models import GiftCard, digest_of
from shop.giftcards.services import issue_card
from shop.pricing.models import Sale
from shop.pricing.sales import apply_sales
from shop.promotions.models import Coupon, Offer

GIFT_CODE = "G1FT-CARD-HARB-0VR1"
EUR = settings.DEFAULT_CURRENCY
CODES: dict[str, dict[str, Any]] = {
    "HARBOUR10": {"name": "Harbour welcome", "kind": "percent", "percent": 10},
    "FIRSTMATE": {
        "name": "First order",
        "kind": "amount",
        "amount": Money(5, EUR),
        "minimum": Money(40, EUR),
        "first_order": True,
    },
    "NIGHTFERRY": {
        "name": "Delivery on the house",
        "kind": "free_shipping",
        "minimum": Money(60, EUR),
        "limit_per_customer": 1,
    },
}
SALE: dict[str, Any] = {"name": "Soundings, a season long", "percent": 15}
KNOTS: dict[str, Any] = {"name": "Three knots for two", "kind": "buy_get", "buy": 2, "get": 1, "percent": 100}


def seed_codes() -> None:
    for code, offer in CODES.items():
        if not Coupon.objects.filter(code=code).exists():
            Coupon.objects.create(code=code, offer=Offer.objects.create(needs_code=True, **offer))


def seed_gift_card() -> None:
    """One with a code that everybody knows, which none that is issued has."""
    if not GiftCard.objects.filter(digest=digest_of(GIFT_CODE)).exists():
        card, _ = issue_card(Money(50, EUR), note="To try: see the demo's page")
        GiftCard.objects.filter(pk=card.pk).update(digest=digest_of(GIFT_CODE), ending=GIFT_CODE[-4:])


def seed_offers() -> None:
    """Once the catalogue is there: offers of a series need it."""
    knots = Category.objects.filter(slug="knots").first()
    if knots and not Offer.objects.filter(name=KNOTS["name"]).exists():
        Offer.objects.create(**KNOTS).categories.add(knots)
    soundings = Category.objects.filter(slug="soundings").first()
    if soundings and not Sale.objects.filter(name=SALE["name"]).exists():
        Sale.objects.create(**SALE).categories.add(soundings)
        apply_sales()
