"""What every page's frame shows. Nothing is asked of the database until a template shows it."""

import functools
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.http import HttpRequest

from accounts.models import User
from notifications.inbox import inbox_state, inbox_stream
from notifications.protocol import Position
from shop.cart.models import Cart
from shop.catalog.models import Category
from shop.rendered import note_of

SECTIONS_SECONDS = 60


def shop(request: HttpRequest) -> dict[str, Any]:
    user = _signed_in(request)
    return {
        "SHOP_NAME": settings.SHOP_NAME,
        "LANGUAGE": f"en-{settings.SHOP_COUNTRY}",
        "CURRENCY": settings.DEFAULT_CURRENCY,
        "SANDBOX": settings.SANDBOX,
        "SAVED_CARDS": settings.SAVED_CARDS,
        "DEMO": settings.DEMO,
        "sections": functools.cache(lambda: _sections(is_kept=note_of(request) is not None)),
        "cart_badge": functools.cache(lambda: _cart_badge(request)),
        "bell": functools.cache(lambda: _bell(user)) if user else None,
    }


def _signed_in(request: HttpRequest) -> User | None:
    user = getattr(request, "user", None)  # A request refused early has neither user nor session.
    return user if isinstance(user, User) else None


def _sections(*, is_kept: bool) -> list[Category]:
    """Remembered for a minute; of that a page that is kept may not be made."""
    sections = None if is_kept else cache.get("storefront:sections")
    if sections is None:
        sections = list(Category.objects.filter(depth=1))
        cache.set("storefront:sections", sections, SECTIONS_SECONDS)
    return sections


def _bell(user: User) -> dict[str, Any]:
    state = inbox_state(user)
    return {"following": {inbox_stream(user): state.position}, "unread": state.unread}


def _cart_badge(request: HttpRequest) -> dict[str, Any]:
    """How much is in the cart and from where to follow it; whoever has no cart follows nothing."""
    token = getattr(request, "session", {}).get("cart")
    carts = Cart.objects.at_a_glance()
    cart = carts.belonging_to(_signed_in(request) or AnonymousUser(), token)
    if cart is None:
        return {"count": 0, "following": {}}
    return {"count": cart.item_count, "following": {cart.stream: Position(cart.epoch or "", cart.top or 0)}}
