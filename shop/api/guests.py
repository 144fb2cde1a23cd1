"""How a guest is known: by what the app was given, and hands in again. An account needs none of it.

Cart-Token      the guest's cart, from the first answer that has one
Drop-Places     places in waiting rooms: `night-ferry=<token>, ebb=<token>`
Guest-Orders    public ids of what was ordered without an account: the cart tells what is still held for them
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.permissions import AllowAny

from shop.cart.models import Cart
from shop.drops.admission import SignedPlaces, held_by

MOST_ORDERS = 30


def _header(name: str, words: str) -> OpenApiParameter:
    return OpenApiParameter(name, {"type": "string"}, OpenApiParameter.HEADER, description=words)


CART_TOKEN = _header("Cart-Token", "A guest's cart: the `token` of an answer that has one.")
DROP_PLACES = _header(
    "Drop-Places", "A guest's places in waiting rooms, by the drop: `night-ferry=<token>, ebb=<token>`."
)
GUEST_ORDERS = _header(
    "Guest-Orders",
    f"Public ids, with commas between them, of up to {MOST_ORDERS} orders that were placed without an account: "
    "`held_orders` tells of those that are not paid.",
)


class GuestMixin:
    """For everybody; a guest says by headers what is his."""

    permission_classes: Any = (AllowAny,)
    headers_taken: tuple[OpenApiParameter, ...] = ()
    request: Any

    def current_cart(self) -> Cart | None:
        """The caller's, if there is one; looking makes none."""
        return Cart.objects.belonging_to(self.request.user, self.cart_token)

    @property
    def cart_token(self) -> str:
        return self.request.headers.get("Cart-Token", "")

    @property
    def place_tokens(self) -> SignedPlaces:
        """By the drop's slug, as they were sent."""
        pairs = [part.partition("=") for part in self._listed("Drop-Places")]
        return {slug.strip(): token.strip() for slug, _, token in pairs}

    @property
    def places(self) -> SignedPlaces:
        """What services ask for."""
        return held_by(self.request.user, self.place_tokens)

    @property
    def guest_orders(self) -> list[str]:
        return self._listed("Guest-Orders")[:MOST_ORDERS]

    def _listed(self, header: str) -> list[str]:
        parts = self.request.headers.get(header, "").split(",")
        return [part.strip() for part in parts if part.strip()]

    @property
    def user_or_none(self) -> Any:
        return self.request.user if self.request.user.is_authenticated else None
