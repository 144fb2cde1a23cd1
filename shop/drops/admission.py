"""No way past the line: who may buy what a drop guards. Carts and orders ask here, so every face does.

A place travels as a signed token that its holder keeps and hands in. For a guest the token is all there is;
an account's place also has to be that account's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.core import signing

from shop.drops.models import Drop, Place
from shop.errors import ShopError

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

State = Place.State
SALT = "shop.drops.place"
SignedPlaces = Mapping[str, str]  # a token for each drop's slug
NO_PLACES: SignedPlaces = MappingProxyType({})

REASONS = {
    "no_place": "“{title}” is sold through a waiting room: take a place there first.",
    "not_open": "“{title}” has not opened yet. Your place is kept in the waiting room.",
    "waiting": "It is not your turn yet. Your place in the waiting room of “{title}” is kept.",
    "lapsed": "Your time inside is over. Take a new place in the waiting room of “{title}”.",
    "used": "This place has bought already. Take a new one in the waiting room of “{title}”.",
    "forged": "This is no place that we gave out. Take one in the waiting room of “{title}”.",
    "other_drop": "This place is in another line. Take one in the waiting room of “{title}”.",
    "other_owner": "This place is not this account's. Take one in the waiting room of “{title}”.",
}


class WaitingRoom(ShopError):
    """`details`: the `reason` (a key of REASONS), the `drop`'s slug, the `url` of its waiting room."""

    code = "waiting_room"
    message = "This is sold through a waiting room, and it is not your turn there."

    def __init__(self, reason: str, drop: Drop) -> None:
        message = REASONS[reason].format(title=drop.title)
        super().__init__(message, reason=reason, drop=drop.slug, url=drop.get_absolute_url())


def sign(place: Place) -> str:
    return signing.dumps([place.drop.slug, place.public_id], salt=SALT)


def read(drop: Drop, token: str) -> Place | None:
    """The place of this token; None for no token or a place that is gone. Raises WaitingRoom for a false one."""
    return drop.places.filter(public_id=_read(drop, token)).first() if token else None


def _read(drop: Drop, token: str) -> str:
    try:
        slug, public_id = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise WaitingRoom("forged", drop) from None
    if slug != drop.slug:
        raise WaitingRoom("other_drop", drop)
    return public_id


def held_by(user: User | AnonymousUser, tokens: SignedPlaces) -> SignedPlaces:
    """What services ask for: the account's places, or the `tokens` that a guest holds."""
    if not user.is_authenticated:
        return tokens
    mine = Place.objects.live().filter(user=user).select_related("drop")
    return {place.drop.slug: sign(place) for place in mine}


def places_of(user: User | AnonymousUser, tokens: SignedPlaces, drops: Collection[Drop]) -> dict[int, Place]:
    """By the drop's id the account's newest place or the one of the guest's token, in one query.

    A false token is no place: services say what is wrong.
    """
    rows = Place.objects.filter(drop__in=drops).order_by("pk")
    if user.is_authenticated:
        rows = rows.filter(user=user)
    else:
        # One that an account has taken along, and signed out since, is the guest's no more.
        known = [_public_id(drop, tokens.get(drop.slug, "")) for drop in drops]
        rows = rows.filter(user=None, public_id__in=[one for one in known if one])
    by_id = {drop.pk: drop for drop in drops}
    found = {}
    for place in rows:
        place.drop = by_id[place.drop_id]
        found[place.drop_id] = place
    return found


def _public_id(drop: Drop, token: str) -> str:
    try:
        return _read(drop, token) if token else ""
    except WaitingRoom:
        return ""


def require_admission(product_ids: Collection[int], user_id: int | None, places: SignedPlaces) -> list[Place]:
    """The places that open the drops guarding these products; none for ordinary prints. Raises WaitingRoom."""
    return [
        _admitted(drop, user_id, places.get(drop.slug, "")) for drop in Drop.objects.guarding(product_ids)
    ]


def use_admission(product_ids: Collection[int], user_id: int | None, places: SignedPlaces) -> None:
    """In the transaction of the order: each place buys once. Raises WaitingRoom."""
    for place in require_admission(product_ids, user_id, places):
        if not place.use():
            place.refresh_from_db()
            raise _refusal(place)


def claim_places(user: User, places: SignedPlaces) -> None:
    """A guest who waited signs in: what the guest's tokens stand for becomes the account's."""
    for drop in Drop.objects.current().filter(slug__in=places):
        try:
            place = read(drop, places[drop.slug])
        except WaitingRoom:
            continue
        if place:
            place.claim(user)


def _admitted(drop: Drop, user_id: int | None, token: str) -> Place:
    place = read(drop, token)
    if place is None:
        raise WaitingRoom("no_place", drop)
    if place.user_id != user_id:
        raise WaitingRoom("other_owner", drop)
    if place.standing != State.INSIDE:
        raise _refusal(place)
    return place


def _refusal(place: Place) -> WaitingRoom:
    waiting = "waiting" if place.drop.opened_at else "not_open"
    reason = {State.BOUGHT: "used", State.LAPSED: "lapsed"}.get(place.standing, waiting)
    return WaitingRoom(reason, place.drop)
