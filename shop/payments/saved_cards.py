"""Cards that an account keeps for its next orders (SAVED_CARDS): typed in at the provider, kept there, named here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async

from shop.errors import ShopError
from shop.orders.models import Order
from shop.payments import stripe_gateway as gateway
from shop.payments.customers import ProviderCustomer, as_customer
from shop.payments.services import apply_intent, start_payment
from shop.payments.stripe_gateway import SavedCard

if TYPE_CHECKING:
    from accounts.models import User


class NoSuchCard(ShopError):
    code = "no_such_card"
    message = "This card is not kept with your account any more."


@dataclass(frozen=True, slots=True)
class SheetCustomer:
    """`id` is the account's at the provider, `session` a secret that opens its cards for half an hour."""

    id: str
    session: str


async def saved_cards(user: User) -> list[SavedCard]:
    """Asked of the provider each time. Raises GatewayUnavailable."""
    known = ProviderCustomer.objects.filter(user=user).exclude(customer_id=None)
    return await as_customer(user, gateway.list_cards) if await known.aexists() else []


async def begin_saving(user: User) -> str:
    """What the provider's form needs to keep a card for this account."""
    return await as_customer(user, gateway.create_setup)


async def open_sheet(user: User) -> SheetCustomer:
    """What a telephone's payment sheet needs to show the account's cards. Raises GatewayUnavailable."""

    async def ask(customer_id: str) -> SheetCustomer:
        return SheetCustomer(customer_id, await gateway.create_customer_session(customer_id))

    return await as_customer(user, ask)


async def forget_card(user: User, card_id: str) -> None:
    """Raises NoSuchCard for a card that is not this account's, GatewayUnavailable."""
    if card_id not in {card.id for card in await saved_cards(user)}:
        raise NoSuchCard
    await gateway.detach_card(card_id)


async def pay_with_saved(order: Order, user: User, card_id: str, return_url: str) -> str:
    """Pays; returns the address of the bank's page where the buyer has to say yes first, else nothing.

    Raises NoSuchCard, PaymentClosed, GatewayUnavailable, or GatewayRefused with the reason of a decline.
    """
    if card_id not in {card.id for card in await saved_cards(user)}:
        raise NoSuchCard
    payment = await start_payment(order)
    intent = await gateway.confirm_intent(payment.intent_id or "", card_id, return_url)
    await sync_to_async(apply_intent)(intent)
    return intent.asks_at
