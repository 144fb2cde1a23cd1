"""Buying again: the lines of an order back into a cart."""

from __future__ import annotations

from dataclasses import dataclass

from shop.cart.models import MAX_QUANTITY, Cart
from shop.cart.services import add_to_cart
from shop.drops.admission import NO_PLACES, SignedPlaces
from shop.errors import ShopError
from shop.orders.models import Order, OrderLine


class NoLongerForSale(ShopError):
    code = "no_longer_for_sale"
    message = "It is no longer for sale."


@dataclass(frozen=True, slots=True)
class Refilled:
    """What became of a line: so many were put back, and why not all of them."""

    line: OrderLine
    added: int
    refusal: ShopError | None = None

    @property
    def words(self) -> str:
        """Empty where all of it is back."""
        if self.refusal:
            return f"“{self.line.title}” could not be put back. {self.refusal.message}"
        return (
            ""
            if self.added == self.line.quantity
            else f"Of “{self.line.title}” there are only {self.added} left."
        )


def refill(order: Order, cart: Cart, places: SignedPlaces = NO_PLACES) -> list[Refilled]:
    """Each line as far as it can be had."""
    lines = order.lines.select_related("variant__product", "variant__stock")
    return [_refilled(line, cart, places) for line in lines]


def _refilled(line: OrderLine, cart: Cart, places: SignedPlaces) -> Refilled:
    try:
        if line.variant is None:
            raise NoLongerForSale
        wanted = max(min(line.quantity, line.variant.stock.available, MAX_QUANTITY), 1)
        add_to_cart(cart, line.variant, wanted, places=places)
    except ShopError as error:
        return Refilled(line, 0, error)
    return Refilled(line, wanted)
