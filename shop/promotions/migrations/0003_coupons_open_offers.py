"""Every coupon had a percentage and dates of its own; from now on it opens an offer that has them."""

from datetime import timedelta

from django.db import migrations
from django.utils import timezone


def give_offers(apps, schema_editor):
    Coupon, Offer = (apps.get_model("promotions", name) for name in ("Coupon", "Offer"))
    for coupon in Coupon.objects.filter(offer=None):
        starts_at = coupon.starts_at
        if coupon.ends_at and coupon.ends_at <= starts_at:
            starts_at = coupon.ends_at - timedelta(seconds=1)
        coupon.offer = Offer.objects.create(
            name=f"{coupon.percent} % off",
            kind="percent",
            percent=coupon.percent,
            needs_code=True,
            starts_at=starts_at,
            ends_at=coupon.ends_at,
        )
        coupon.save(update_fields=["offer"])


def take_offers(apps, schema_editor):
    """Back again; a code for anything but a percentage of everything says more than it did, so it ends at once."""
    for coupon in apps.get_model("promotions", "Coupon").objects.select_related("offer"):
        coupon.percent = coupon.offer.percent or 1
        coupon.starts_at, coupon.ends_at = coupon.offer.starts_at, coupon.offer.ends_at
        if not _is_plain(coupon.offer):
            coupon.ends_at = min(coupon.starts_at, timezone.now())
        coupon.save(update_fields=["percent", "starts_at", "ends_at"])


def _is_plain(offer):
    asks = [offer.minimum, offer.first_order, offer.limit_per_customer, offer.limit]
    covers = offer.products.exists() or offer.categories.exists()
    return offer.kind == "percent" and not covers and not any(asks)


class Migration(migrations.Migration):

    dependencies = [
        ("promotions", "0002_offers"),
    ]

    operations = [
        migrations.RunPython(give_offers, take_offers),
    ]
