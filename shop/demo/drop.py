"""A line to stand in: the demo's drop opens a minute after the demo does, with invented company, and says so."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from notifications.models import Stream
from shop.catalog.models import Product
from shop.drops.models import Drop, Place, new_seed

SLUG = "pier-heads"
COMPANY = 40
OPENS_AFTER = timedelta(seconds=60)
AT_FIRST = {
    "title": "Pier heads, the last of the edition",
    "description": "Red to the left, green to the right, and the gap between them is the way home. "
    f"In this demo {COMPANY} invented visitors wait with you, so that there is a line to stand in.",
    "rate": 20,
    "admission_minutes": 5,
}
BEGIN_AGAIN = {"opened_at": None, "paced_at": None, "drawn": 0, "last_number": 0, "admitted": 0}


@transaction.atomic
def announce_drop() -> None:
    """At each start it is announced again, the last line forgotten; what staff set of it stays."""
    product = Product.objects.filter(slug="lights-pier-heads").first()
    if product is None:
        return
    opens_at = timezone.now() + OPENS_AFTER
    drop, created = Drop.objects.get_or_create(slug=SLUG, defaults={"opens_at": opens_at, **AT_FIRST})
    if created:
        drop.products.add(product)
    if drop.is_over:
        return
    drop.places.all().delete()
    # Pages that were left open learn that their log is gone, and look again.
    Stream.objects.filter(name=drop.stream).delete()
    Drop.objects.filter(pk=drop.pk).update(opens_at=opens_at, seed=new_seed(), **BEGIN_AGAIN)
    drop.refresh_from_db()
    company = [Place(drop=drop) for _ in range(COMPANY)]
    for place in company:
        place.draw = drop.draw(place.public_id)
    Place.objects.bulk_create(company)
