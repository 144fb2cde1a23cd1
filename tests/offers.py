"""Offers and the codes that open them."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from shop.promotions.models import Coupon, Offer


def make_offer(**fields: Any) -> Offer:
    """`make_offer(percent=10)`: on everything, for everybody, since a week."""
    begun = timezone.now() - timedelta(days=7)
    return Offer.objects.create(**{"name": "Spring tide", "kind": "percent", "starts_at": begun, **fields})


def make_coupon(code: str, limit: int | None = None, **offer: Any) -> Coupon:
    """`make_coupon("HARBOUR10", percent=10)`; `limit` is the code's own, the rest its offer's."""
    return Coupon.objects.create(code=code, limit=limit, offer=make_offer(needs_code=True, **offer))
