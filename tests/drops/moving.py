"""What time brings to a line is moved in its rows, because it runs by the database's clock."""

from datetime import timedelta

from django.utils import timezone

from shop.drops.admission import SignedPlaces, sign
from shop.drops.models import Drop, Place
from shop.drops.services import advance, take_place


def pass_time(drop: Drop, seconds: float) -> None:
    """So long ago was the last step of this line; then it takes the next."""
    drop.refresh_from_db()
    ago = timezone.now() - timedelta(seconds=seconds)
    Drop.objects.filter(pk=drop.pk).exclude(paced_at=None).update(paced_at=ago)
    advance(drop.pk)
    drop.refresh_from_db()


def let_in(drop: Drop, user: object = None) -> tuple[Place, SignedPlaces]:
    """Somebody inside, with what they hold."""
    place = take_place(drop, user)
    while (place := Place.objects.get(pk=place.pk)).state != "inside":
        pass_time(drop, 5)
    return place, {drop.slug: sign(place)}
