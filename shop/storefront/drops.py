"""The waiting room: where somebody stands in the line of a drop, and the way in once it is their turn.

A guest's place is a signed token in a cookie, so that a crowd of guests costs a row each and no session. An
account's place is found by the account, on every device.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from notifications.log import positions
from shop.catalog.listing import FEATURED
from shop.catalog.models import Product
from shop.drops.admission import SignedPlaces, WaitingRoom, claim_places, held_by, places_of, sign
from shop.drops.models import Drop, Place
from shop.drops.rooms import Room, Stage
from shop.drops.services import take_place
from shop.errors import ShopError
from shop.storefront.cards import follow

KEPT = timedelta(days=7)  # a guest's cookie, counted from the opening or from now
WATCH_SECONDS = 10
BOAT_FROM, BOAT_WAY = 52, 540  # in the units of the drawing, as in drops.js
State = Place.State


def signed_places(request: HttpRequest) -> SignedPlaces:
    """What services ask for."""
    return held_by(request.user, _tokens(request))


def room_of(request: HttpRequest, product: Product) -> Room | None:
    """The drop that guards this print, the first in which the visitor is not inside; None for an ordinary print."""
    drops = Drop.objects.of(product)
    places = places_of(request.user, _tokens(request), drops) if drops else {}
    rooms = [Room(drop, places.get(drop.pk)) for drop in drops]
    return next((room for room in rooms if not room.inside), rooms[0] if rooms else None)


def visitors_place(request: HttpRequest, drop: Drop) -> Place | None:
    return places_of(request.user, _tokens(request), [drop]).get(drop.pk)


def to_waiting_room(request: HttpRequest, refused: WaitingRoom) -> HttpResponse:
    """Where somebody goes who tried to pass: to the line, with the reason told."""
    messages.warning(request, refused.message)
    url = str(refused.details["url"])
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


@receiver(user_logged_in)
def bring_places(request: HttpRequest | None, user: User, **_: Any) -> None:
    """A guest who waited goes on as the account."""
    if request is not None and (tokens := _tokens(request)):
        claim_places(user, tokens)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def drop(request: HttpRequest, slug: str) -> HttpResponse:
    following = positions(f"drop:{slug}")  # Read before the numbers, so that no step falls between.
    drop = get_object_or_404(Drop, slug=slug)
    room = Room(drop, visitors_place(request, drop))
    if request.method == "POST":
        return _join(request, room)
    products = list(Product.objects.visible().filter(drops=drop).hung().order_by(*FEATURED))
    follow(products)
    if room.stage == Stage.INSIDE and len(products) == 1:
        return redirect(products[0])
    context = {
        "drop": drop,
        "place": room.place,
        "inside": room.inside,
        "stage": room.stage,
        "lapsed": room.place and room.place.standing == State.LAPSED,
        "bought": room.place and room.place.standing == State.BOUGHT,
        "following": following,
        "products": products,
        "print": products[0] if len(products) == 1 else None,
        "line": _line(room),
        "position": room.position,
        "wait": room.wait,
        "boat": _boat(room),
        "watching": WATCH_SECONDS if "watch" in request.GET else None,
    }
    response = render(request, "storefront/drop.html", context)
    if context["watching"]:  # asked for by who has no JavaScript; nobody's page reloads unasked
        response.headers["Refresh"] = str(WATCH_SECONDS)
    return response


def _join(request: HttpRequest, room: Room) -> HttpResponse:
    try:
        place = take_place(room.drop, request.user if isinstance(request.user, User) else None, room.place)
    except ShopError as error:
        messages.info(request, error.message)
        return redirect(room.drop)
    response = redirect(room.drop)
    if not place.user_id:
        response.set_cookie(
            _cookie(room.drop.slug),
            sign(place),
            expires=max(room.drop.opens_at, timezone.now()) + KEPT,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


@never_cache
@require_safe
def drop_place(request: HttpRequest, slug: str) -> JsonResponse:
    """The visitor's number, asked for once after the opening. From then on the stream and arithmetic suffice."""
    drop = get_object_or_404(Drop, slug=slug)
    place = visitors_place(request, drop)
    waiting = place if place and place.is_live else None
    told = {"waits": waiting is not None, "number": waiting.number if waiting else None}
    return JsonResponse(told | drop.as_told())


@require_safe
def drop_draw(request: HttpRequest, slug: str) -> HttpResponse:
    """The draw, so that anybody can make it again: see docs/waiting-room.md."""
    drop = get_object_or_404(Drop, slug=slug, opened_at__isnull=False)
    drawn = drop.places.filter(number__lte=drop.drawn).order_by("number")
    lines = [f"seed {drop.seed}", *(f"{one.number} {one.public_id} {one.draw}" for one in drawn.iterator())]
    response = HttpResponse("\n".join(lines) + "\n", content_type="text/plain")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _tokens(request: HttpRequest) -> dict[str, str]:
    prefix = _cookie("")
    return {
        name.removeprefix(prefix): token for name, token in request.COOKIES.items() if name.startswith(prefix)
    }


def _cookie(slug: str) -> str:
    return f"{settings.PLACE_COOKIE_PREFIX}{slug}"


def _line(room: Room) -> dict[str, Any]:
    """What drops.js counts with. `now` is ours, because the visitor's clock may be wrong."""
    drop, place = room.drop, room.place
    waits = place is not None and place.is_live
    return {
        **drop.as_told(),
        "stage": room.stage,
        "number": place.number if place and waits else None,
        "waits": waits,
        "now": int(timezone.now().timestamp() * 1000),
    }


def _boat(room: Room) -> dict[str, float]:
    """The visitor's boat in the drawing: it sails as the line before it goes in."""
    place = room.place
    sailed = room.drop.admitted / place.number if room.stage == Stage.LINE and place and place.number else 0
    sailed = 1 if room.inside else sailed
    return {"x": round(BOAT_FROM + BOAT_WAY * sailed, 1), "sailed": round(100 * sailed)}
